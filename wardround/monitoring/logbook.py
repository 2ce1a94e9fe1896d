"""What each run writes into the log of the ward at its end: what came of it first, then why, then what to do next.

Only aggregates come in and go out. The stories of a round and of a verdict are in `wardround.monitoring.story`.
"""

from collections.abc import Mapping, Sequence

from wardround.domain import Batch, Decision, Verdict
from wardround.errors import WardroundError
from wardround.monitoring.story import told
from wardround.monitoring.wording import joined, line, markdown_table, section, short
from wardround.privacy import delivery_in_words, in_words
from wardround.unexpected import UnexpectedError

PROMOTION_HEADLINES: Mapping[str, str] = {
    "promoted": "It is the champion now",
    "waits": "It waits for a person",
    "rejected": "A person rejected it",
    "refused": "It was not promoted",
    "asked already": "Another run waits for it already",
}
_PROMOTION_STEPS: Mapping[str, str] = {
    "promoted": "Nobody needs to act: the next prediction is made by it. To go back: `wardround rollback`.",
    "waits": "An approver looks at the verdict and approves or rejects it. This run is suspended until then; resuming "
    "it by hand without a valid approval only makes it look again.",
    "rejected": "The champion keeps serving. Train again when what was objected to is mended.",
    "refused": "The champion keeps serving. Look at the criteria that did not hold.",
    "asked already": "Nobody needs to act on this run.",
}
_FAILURES: Mapping[int, tuple[str, str]] = {
    0: ("It failed, and nobody expected that", "Tell those who look after wardround; the run's log says where it was."),
    1: ("The answer is no", "Read the reasons. Trying again gives the same answer until one of them is mended."),
    2: ("Something it was given is wrong", "Mend what is named above, then start it again."),
    3: (
        "Something outside failed",
        "Look whether S3 and the network are well. The next round does what is left to do.",
    ),
}
"""Exit code of the error -> what it means, and whose turn it is."""


def outcome_of(decision: Decision) -> str:
    """Return what a round decided in the few words that a run's name ends with: ``train again (covariate shift)``."""
    headline = told(decision).headline
    return headline[:1].lower() + headline[1:]


def look_closer(desk_url: str | None, page: str, command: str) -> str:
    """Return where to look closer: the review desk's *page* where the desk has an address, else the *command*."""
    if desk_url:
        return f"[Open it in the review desk]({desk_url.rstrip('/')}/{page.lstrip('/')})"
    return f"Look closer: `{command}`"


def delivery_headline(batch: Batch, *, new: bool) -> str:
    """Return in a few words what became of a delivery."""
    if not new:
        return "These rows were here before: nothing was written"
    if batch.refused:
        return "Refused: all its rows are in quarantine"
    return "Accepted" if not batch.rows_quarantined else "Accepted, some rows are in quarantine"


def delivery_story(batch: Batch, *, new: bool, small_cell: int, closer: str) -> str:
    """Tell what became of a delivery: how many rows, what was held back and why, and what to do."""
    lines = [f"# {delivery_headline(batch, new=new)}", ""]
    counted = delivery_in_words(batch.rows_accepted, batch.rows_quarantined, small_cell)
    lines.append(f"Batch {line(batch.label)} of {batch.use_case}: {counted}.")
    lines += section("Why", batch.faults)
    failed = [outcome for outcome in batch.outcomes if not outcome.passed]
    lines += ["", "## What to do next", ""]
    if batch.refused:
        lines.append("Mend the source and send the rows again. Nothing learns from them until then.")
    elif batch.rows_quarantined:
        lines.append("Look at what is in quarantine, and release or drop it. The accepted rows are used meanwhile.")
    else:
        lines.append("Nobody needs to act.")
    lines += ["", closer]
    if failed:
        rows = [
            {"weight": outcome.severity.value, "column": outcome.column or "whole batch",
             "what was expected": outcome.sentence}
            for outcome in failed
        ]  # fmt: skip
        lines += ["", "## Expectations that were not met", "", markdown_table(rows)]
    return joined(lines)


def score_story(batch: Batch, version: str, rows: int, *, new: bool, small_cell: int, closer: str) -> str:
    """Tell that a batch was scored, and by whom."""
    headline = "Scored" if new else "Scored before: nothing was written"
    lines = [
        f"# {headline}", "",
        f"{in_words(rows, small_cell)} rows of batch {line(batch.label)} of {batch.use_case} have a prediction by "
        f"model {short(version)}.", "",
        "## What to do next", "", "Nobody needs to act: a round reads the batch against what the model learned from.",
        "", closer,
    ]  # fmt: skip
    return joined(lines)


def training_story(verdict: Verdict, sentence: str, *, cause: str, promoted: bool, waits: bool, closer: str) -> str:
    """Tell what came of a training: the fate of the challenger, why it was trained, what to do next."""
    lines = [f"# {training_headline(verdict, promoted=promoted, waits=waits)}", ""]
    lines.append(
        f"Model {short(verdict.challenger)} of {verdict.use_case}, trained because of: {line(cause)}. "
        f"It {line(sentence)}."
    )
    lines += section("Why it was refused", verdict.reasons)
    lines += ["", "## What to do next", ""]
    if promoted:
        lines.append("Nobody needs to act: the next round is made with it. To go back: `wardround rollback`.")
    elif verdict.passed:
        lines.append("Look at its verdict and approve or reject it; the champion keeps serving until then.")
    else:
        lines.append("The champion keeps serving. More outcomes, or other candidates, may make a better challenger.")
    lines += ["", closer, "", "The verdict with every criterion is the artifact beside this one."]
    return joined(lines)


def training_headline(verdict: Verdict, *, promoted: bool, waits: bool) -> str:
    """Return in a few words what became of a challenger."""
    if promoted:
        return "A new champion"
    if waits or verdict.passed:
        return "A challenger that passed waits for a person"
    return "The challenger did not pass the gate"


def idle_story(use_case: str, reason: str, *, closer: str) -> str:
    """Tell that a retraining had nothing to do."""
    return joined(
        ["# Nothing was trained", "", f"{use_case}: {line(reason)}.", "", "## What to do next", "",
         "Nobody needs to act.", "", closer]
    )  # fmt: skip


def promotion_story(
    use_case: str, version: str, outcome: str, sentence: str, refused: Sequence[str], *, closer: str
) -> str:
    """Tell what became of a version that asked to be promoted; *refused* are approvals that do not count, and why."""
    lines = [
        f"# {PROMOTION_HEADLINES[outcome]}", "", f"Model {short(version)} of {use_case} {line(sentence)}.", "",
        "## What to do next", "", _PROMOTION_STEPS[outcome], "", closer,
    ]  # fmt: skip
    lines += section("Approvals that do not count", refused)
    return joined(lines)


def telling_story(sentence: str, *, waiting: int, closer: str) -> str:
    """Tell how many messages went out to the people on duty."""
    lines = ["# The people on duty", "", line(sentence), "", "## What to do next", ""]
    lines.append(
        "Nobody needs to act: what waits is tried again in ten minutes, or when the quiet hours are over."
        if waiting
        else "Nobody needs to act."
    )
    return joined([*lines, "", closer])


def failure_story(work: str, error: Exception) -> str:
    """Tell why a run failed and whose turn it is; *error* may not quote a patient (`wardround.unexpected.withheld`)."""
    code = error.exit_code if isinstance(error, WardroundError) and not isinstance(error, UnexpectedError) else 0
    headline, step = _FAILURES[code]
    said = [line(each.removeprefix("  - ")) for each in str(error).splitlines() if each.strip()]
    lines = [f"# {headline}", "", f"The run ({work}) ended without a result."]
    lines += section("Why", said)
    return joined([*lines, "", "## What to do next", "", step])


def mending_story(sentence: str) -> str:
    """Tell what became of a run whose process died."""
    lines = [
        "# A run died", "", line(sentence[:1].upper() + sentence[1:]) + ".", "", "## What to do next", "",
        "Nobody needs to act unless it dies again. Then look at the worker: too little memory is the usual reason.",
    ]  # fmt: skip
    return joined(lines)
