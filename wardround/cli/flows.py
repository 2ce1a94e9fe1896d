"""Commands that run a flow: the same flows that workers run and the Prefect UI starts."""

import importlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import typer

from wardround.cli.context import orchestration
from wardround.cli.output import JsonOption, UseCaseOption, give, say, table
from wardround.errors import CallInvalid

SourceArgument = Annotated[
    str | None,
    typer.Argument(
        help="File, database URL (`sqlite:///x.db#table`), s3:// prefix, or kind and path (`dicom:/srv/scans`); empty: "
        "the use case's own."
    ),
]
BatchArgument = Annotated[str, typer.Argument(help="Batch: its label, its id or the beginning of its id.")]
LabelOption = Annotated[str | None, typer.Option("--label", help="Name of the batch; empty: from the source.")]
AsOfOption = Annotated[
    datetime | None, typer.Option("--as-of", help="The moment the round stands for (UTC); empty: now.")
]
PATTERN = "String should match pattern '.*'"  # only labels have one, and a person needs it in words
LABEL_RULE = "use 1 to 63 lower-case letters, digits and hyphens, and no hyphen at either end"


def flow(name: str) -> Callable[..., Any]:
    """Return the flow *name*; imported here because Prefect takes seconds and `--help` must not."""
    found: Callable[..., Any] = getattr(importlib.import_module(f"flows.{name}"), name)

    def run(**parameters: Any) -> Any:
        from prefect.exceptions import ParameterTypeError

        try:
            return found(**parameters)
        except ParameterTypeError as error:
            faults = [re.sub(PATTERN, LABEL_RULE, line.removeprefix(" - ")) for line in str(error).splitlines()[1:]]
            raise CallInvalid("; ".join(faults) or str(error)) from None

    return run


def ingest(
    use_case: UseCaseOption,
    source: SourceArgument = None,
    label: LabelOption = None,
    json: JsonOption = False,
) -> None:
    """Read rows from a source, replace identifiers, validate, keep the good and quarantine the bad.

    Example: `wardround ingest admissions.csv --use-case heart_disease --label march`
    """
    from wardround import batches
    from wardround.errors import BatchRefused
    from wardround.use_cases import load

    refusal, new = None, None
    with orchestration() as (_, store):
        try:
            delivered = flow("ingest")(use_case=use_case, source=source, label=label)
            found, new = delivered.batch, delivered.new
        except BatchRefused as refused:
            refusal, found = refused, refused.batch
        batch = batches.load(store, load(use_case).name, found)
    told = [outcome.sentence for outcome in batch.outcomes if not (outcome.passed or outcome.row_level)]
    if json:
        give(
            {
                "batch": batch.id, "label": batch.label, "rows": batch.rows_in, "accepted": batch.rows_accepted,
                "quarantined": batch.rows_quarantined, "refused": batch.refused, "faults": batch.faults,
                "warnings": told, "new": new,
            }
        )  # fmt: skip
        if refusal:
            raise typer.Exit(refusal.exit_code)
        return
    if refusal:
        raise refusal
    known = "" if new else " (the same rows were ingested before: nothing was written)"
    say(f"{batch.label} ({batch.id[:12]}): {batch.rows_in} rows in, {batch.rows_accepted} accepted, "
        f"{batch.rows_quarantined} in quarantine{known}")  # fmt: skip
    for sentence in told:
        say(f"  - {sentence}")


def train(
    use_case: UseCaseOption,
    batch: Annotated[
        list[str] | None,
        typer.Argument(help="Batches to learn from; empty: every accepted batch with outcomes."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Train the candidates, judge the best one at the gate, promote it if it passes.

    Example: `wardround train --use-case heart_disease`
    """
    with orchestration() as (_, store):
        result = flow("train")(use_case=use_case, batches=batch or None)
        _tell_training(store, result, json)


def retrain(
    use_case: UseCaseOption,
    batch: BatchArgument,
    json: JsonOption = False,
) -> None:
    """Act on a batch's decision by hand: train a challenger on all labelled rows and judge it.

    Example: `wardround retrain hungary --use-case heart_disease`
    """
    from wardround import batches
    from wardround.monitoring.rounds import latest_decision
    from wardround.use_cases import load

    with orchestration() as (_, store):
        chosen = load(use_case)
        decision = latest_decision(store, chosen.name, batches.load(store, chosen.name, batch).id)
        result = flow("retrain")(
            use_case=use_case, batch=decision.batch, champion=decision.champion, cause=decision.cause.value
        )
        if result is not None:
            _tell_training(store, result, json)
        elif json:
            give({"version": None, "passed": False, "promoted": False, "comparison": "", "criteria": []})
        else:
            say("nothing was trained: the decision was acted on before, or its champion does not serve any more")


def _tell_training(store: Any, result: Any, json: bool) -> None:
    from wardround import registry
    from wardround.domain import Verdict, from_json
    from wardround.errors import PromotionRefused

    verdict = from_json(Verdict, store.get(result.verdict_key))
    champion = registry.champion(store, result.use_case)
    promoted = champion is not None and champion.version == result.version
    if json:
        give(
            {
                "version": result.version, "passed": verdict.passed, "promoted": promoted,
                "comparison": verdict.comparison,
                "criteria": [vars(c) | {"interval": c.interval and vars(c.interval)} for c in verdict.criteria],
            }
        )  # fmt: skip
        if not verdict.passed:
            raise typer.Exit(PromotionRefused.exit_code)
        return
    say(verdict.comparison)
    table(
        f"Gate: {'passed' if verdict.passed else 'not passed'}",
        ("", "criterion", "finding"),
        [("ok" if c.passed else "NO", c.criterion, c.sentence) for c in verdict.criteria],
    )
    if not verdict.passed:
        raise PromotionRefused(result.use_case, result.version, verdict.reasons)
    if promoted:
        say(f"{result.version} is the champion of {result.use_case}")
    else:
        say(f"{result.version} waits for a person: `wardround approve {result.version} --as NAME --reason ...`")


def score(
    use_case: UseCaseOption,
    batch: BatchArgument,
    json: JsonOption = False,
) -> None:
    """Score a batch with the champion; doing it again changes nothing.

    Example: `wardround score march --use-case heart_disease`
    """
    with orchestration():
        result = flow("score")(use_case=use_case, batch=batch)
    if json:
        give({"key": result.key, "rows": result.rows, "version": result.version, "new": result.new})
        return
    say(f"{result.rows} rows scored by {result.version}: {result.key}" + ("" if result.new else " (known already)"))


def monitor(
    use_case: UseCaseOption,
    batch: BatchArgument,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Read a batch against the champion's reference profile and decide; no retraining is started.

    Example: `wardround monitor march --use-case heart_disease`
    """
    with orchestration() as (_, store):
        result = flow("monitor")(use_case=use_case, batch=batch, as_of=as_of)
        _tell_decision(store, result.decision_key, json)


def make_round(
    use_case: UseCaseOption,
    source: SourceArgument = None,
    label: LabelOption = None,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Make the scheduled visit: ingest, score, monitor, decide, and send the event if it is time to retrain.

    Example: `wardround round admissions.csv --use-case heart_disease --label march`
    """
    with orchestration() as (_, store):
        result = flow("round")(use_case=use_case, source=source, label=label, as_of=as_of)
        _tell_decision(store, result.decision_key, json)


def _tell_decision(store: Any, key: str, json: bool) -> None:
    from pydantic import TypeAdapter

    from wardround.domain import Action, Decision, from_json
    from wardround.errors import BatchRefused

    decision = from_json(Decision, store.get(key))
    if json:
        give(TypeAdapter(Decision).dump_python(decision, mode="json"))
    else:
        from rich.console import Console
        from rich.markdown import Markdown

        from wardround.monitoring.story import decision_markdown

        Console().print(Markdown(decision_markdown(decision)))
    if decision.action is Action.QUARANTINE:
        raise typer.Exit(BatchRefused.exit_code)
