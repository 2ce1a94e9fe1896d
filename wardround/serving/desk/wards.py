"""The wards: every use case with its light, its champion and its last round, the worst first."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from wardround import approvals, registry
from wardround.alerts import tickets
from wardround.domain import Champion, Reading
from wardround.errors import Corrupted, NotFound
from wardround.problems import problem_of
from wardround.serving.desk import frame
from wardround.serving.desk.history import Round, rounds
from wardround.serving.desk.telling import LIGHTS, Teller
from wardround.use_cases.base import UseCase

router = APIRouter()
_RANKS = ("bad", "warn", "none", "note", "good")


@dataclass(frozen=True, kw_only=True)
class Ward:
    """One use case as the ward list shows it; *open_tickets* and *pending* approvals wait for a person.

    *fault* says what of it is damaged in the store (empty: nothing).
    *estimated* is the newest estimate of the deciding *metric* and *estimated_in* the round that made it, which need
    not be the last: a batch that was refused is not scored.
    """

    use_case: UseCase
    champion: Champion | None
    last: Round | None
    metric: str
    estimated: Reading | None
    estimated_in: Round | None
    open_tickets: int
    pending: int
    fault: str = ""

    @property
    def light(self) -> str:
        """The kind of its light: that of the last decision; ``none`` where nothing can be decided yet."""
        if self.fault:
            return "bad"
        return "none" if self.champion is None or self.last is None else LIGHTS[self.last.decision.action]

    @property
    def waits_for(self) -> str:
        """What is still missing: ``repair``, ``champion``, ``round``, or nothing."""
        if self.fault:
            return "repair"
        return "champion" if self.champion is None else "round" if self.last is None else ""

    @property
    def rank(self) -> tuple[int, int, str]:
        """Its place in the list: by light, then by how much waits for a person, then by name."""
        return _RANKS.index(self.light), -(self.open_tickets + self.pending), self.use_case.name


def ward(
    use_case: UseCase,
    champion: Champion | None,
    made: Sequence[Round],
    *,
    open_tickets: int = 0,
    pending: int = 0,
    fault: str = "",
) -> Ward:
    """Return how *use_case* stands after the rounds *made* (in order)."""
    metric = problem_of(use_case).loss
    estimates = [(each, reading) for each in made if (reading := each.estimated(metric)) is not None]
    newest, estimated = estimates[-1] if estimates else (None, None)
    return Ward(
        use_case=use_case, champion=champion, last=made[-1] if made else None, metric=metric, estimated=estimated,
        estimated_in=newest, open_tickets=open_tickets, pending=pending, fault=fault,
    )  # fmt: skip


@router.get("/")
def page(request: Request) -> Response:
    """Show the wards."""
    settings, t = frame.get_settings(), frame.words(request)
    found = sorted((_ward(use_case) for use_case in frame.use_cases().values()), key=lambda each: each.rank)
    tellers = {
        each.use_case.name: Teller(t, each.use_case, each.last.decision, settings.small_cell)
        for each in found
        if each.last is not None
    }
    return frame.page(request, "wards.html", wards=found, tellers=tellers)


def _ward(use_case: UseCase) -> Ward:
    store, settings = frame.get_store(), frame.get_settings()
    try:
        return ward(
            use_case, registry.champion(store, use_case.name), rounds(use_case.name),
            open_tickets=len(tickets.listing(store, use_case=use_case.name, open_only=True)),
            pending=len(approvals.waiting(use_case, store=store, settings=settings, now=frame.now())),
        )  # fmt: skip
    except (Corrupted, NotFound) as fault:  # one damaged ward must not hide the others
        return ward(use_case, None, (), fault=str(fault))
