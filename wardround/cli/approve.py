"""The command by which a person approves, rejects or overrides: it shows the verdict and tells what is missing."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from wardround.cli.context import storage
from wardround.cli.models import VersionArgument
from wardround.cli.output import JsonOption, ReasonOption, UseCaseOption, give, say
from wardround.cli.people import passphrase
from wardround.errors import CallInvalid

if TYPE_CHECKING:
    from wardround.approvals import Standing


def approve(
    use_case: UseCaseOption,
    version: VersionArgument,
    who: Annotated[str, typer.Option("--as", help="Your own name; you must be an approver.")],
    reason: ReasonOption,
    act: Annotated[str, typer.Option("--act", help="promote, reject or override.")] = "promote",
    valid_days: Annotated[int, typer.Option("--valid-days", min=1, help="How long it counts.")] = 7,
    json: JsonOption = False,
) -> None:
    """Sign what you say about a version: it may be promoted, it may not, or it may in spite of its failed verdict.

    Shows the verdict, then asks for your passphrase (or reads WARDROUND_PASSPHRASE), since each signature takes it.

    Example: `wardround approve 3f2a --as dr-adams --reason "reviewed with cardiology" --use-case heart_disease`
    """
    from wardround import approvals
    from wardround.domain import utc_now
    from wardround.use_cases import load

    chosen = load(use_case)
    if act not in list(approvals.Act):
        raise CallInvalid(f"{act!r} is none of {', '.join(approvals.Act)}")
    with storage() as (settings, store):
        before = approvals.standing(chosen, version, store=store, settings=settings, now=utc_now())
        _show(before)
        given = approvals.give(
            chosen, before.version, act=approvals.Act(act), person=who, passphrase=passphrase(f"passphrase of {who}"),
            reason=reason, valid_for=timedelta(days=valid_days), store=store, settings=settings, now=utc_now(),
            seen=before.verdict,
        )  # fmt: skip
        after = approvals.standing(chosen, before.version, store=store, settings=settings, now=utc_now())
    if json:
        give(
            {
                "version": given.version, "act": given.act.value, "person": given.person, "number": given.number,
                "champion": given.champion, "expires_at": given.expires_at.isoformat(timespec="seconds"),
                "allowed": after.allowed, "missing": after.missing,
            }
        )  # fmt: skip
        return
    say(f"signed by {given.person}: {given.act} {given.version}, valid until {given.expires_at:%Y-%m-%d %H:%M} UTC")
    if after.allowed:
        say(
            f"nothing is missing: `wardround promote {given.version} --reason ...`, unless a waiting flow does it first"
        )
    else:
        say(f"it waits for {after.missing}")


def _show(standing: "Standing") -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    from wardround.cli.output import json_wanted
    from wardround.monitoring.story import verdict_markdown

    Console(stderr=json_wanted()).print(Markdown(verdict_markdown(standing.verdict)))
    for approval in standing.valid:
        say(f"{approval.act} by {approval.person} until {approval.expires_at:%Y-%m-%d %H:%M} UTC: {approval.reason}")
    for approval, reasons in standing.refused:
        say(f"{approval.act} by {approval.person} does not count: {'; '.join(reasons)}")
