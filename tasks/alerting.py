"""People are told: tickets for decisions and failures, messages to the places that are configured, once per cause."""

from typing import TYPE_CHECKING

from tasks.policy import effect, say, world
from tasks.results import Told, Visited
from wardround.domain import Decision, from_json, utc_now
from wardround.errors import SettingsInvalid

if TYPE_CHECKING:
    from wardround.settings import Settings
    from wardround.store import Store


@effect("tell the people on duty what was decided about {visited.batch:.12}")
def notice_decision(visited: Visited) -> None:
    """Open, extend or close the ticket of the decision's cause and hand over what is due; again tells nobody twice."""
    from wardround.alerts import tickets

    settings, store = world()
    decision = from_json(Decision, store.get(visited.decision_key))
    ticket = tickets.notice(store, decision, now=utc_now())
    if ticket is not None:
        say(f"ticket {ticket.id}: {ticket.headline}")
    hand_over_if_possible(settings, store)


@effect("hand over the messages that are due")
def deliver_messages() -> Told:
    """Hand over every message that is due.

    Raises:
        SettingsInvalid: the file that says whom to tell cannot be used.
    """
    settings, store = world()
    if settings.alerts is None:
        told = Told(
            configured=False, delivered=0, waiting=0,
            sentence="Nobody is configured to be told: set WARDROUND_ALERTS to the file that says whom.",
        )  # fmt: skip
    else:
        told = _hand_over(settings, store)
    say(told.sentence)
    return told


def hand_over_if_possible(settings: "Settings", store: "Store") -> None:
    """Hand over what is due where anybody is configured to be told; the flow ``tell`` does what this cannot do."""
    if settings.alerts is None:
        return
    try:
        say(_hand_over(settings, store).sentence)
    except (
        SettingsInvalid
    ) as fault:  # no reason to hold up a round: the ticket is open, and `tell` fails for all to see
        say(f"nobody was told: {fault}")


def _hand_over(settings: "Settings", store: "Store") -> Told:
    from wardround import alerts

    config = alerts.load_config(settings.alerts)
    made = alerts.deliver(store, config, settings=settings, now=utc_now())
    delivered = sum(each.state is alerts.State.TOLD for each in made)
    left = alerts.waiting(store, config, now=utc_now())
    parts = [f"{delivered} message(s) went out, {len(left)} wait(s)."]
    parts += [f"{each.sink}, ticket {each.ticket}: {each.state.value} ({each.detail})." for each in left if each.detail]
    return Told(configured=True, delivered=delivered, waiting=len(left), sentence=" ".join(parts))
