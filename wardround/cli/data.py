"""Commands about rows: late outcomes, quarantine, reports, the ledger. Counts only; never a value of a row."""

from pathlib import Path
from typing import Annotated

import typer

from wardround.cli.context import storage
from wardround.cli.output import JsonOption, ReasonOption, UseCaseOption, give, say, table

BatchArgument = Annotated[str, typer.Argument(help="Batch: its label, its id or the beginning of its id.")]


def label(
    use_case: UseCaseOption,
    source: Annotated[str, typer.Argument(help="File, database URL or s3:// prefix with record id and outcome.")],
    json: JsonOption = False,
) -> None:
    """Add outcomes that arrived late and settle past estimates against them.

    Example: `wardround label outcomes-2026-03.csv --use-case heart_disease`
    """
    from wardround.domain import utc_now
    from wardround.labels import add_labels
    from wardround.monitoring.settlement import settle
    from wardround.sources import source_from
    from wardround.use_cases import load

    chosen = load(use_case)
    with storage() as (settings, store):
        added = add_labels(chosen, source_from(source, chosen), store=store, settings=settings, now=utc_now())
        settlements = settle(chosen, store=store, settings=settings, now=utc_now())
    if json:
        give(
            {
                "label_set": added.id, "rows": added.rows, "matched": added.matched, "unmatched": added.unmatched,
                "new": added.new, "settled": [settlement.as_row() for settlement in settlements],
            }
        )  # fmt: skip
        return
    say(
        f"{added.rows} outcomes read, {added.matched} belong to accepted rows, {added.unmatched} to none"
        + ("" if added.new else " (these outcomes were known already)")
    )
    if settlements:
        table(
            "Estimates settled against the truth",
            ("batch", "metric", "estimated", "realised", "inside its band"),
            [
                (
                    row["batch"],
                    row["metric"],
                    row["estimated"],
                    row["realised"],
                    "yes" if row["inside"] else "no",
                )
                for settlement in settlements
                for row in settlement.as_row()["figures"]
            ],
        )


def quarantine_list(use_case: UseCaseOption, json: JsonOption = False) -> None:
    """List the batches that have rows in quarantine.

    Example: `wardround quarantine list --use-case heart_disease`
    """
    from wardround import quarantine
    from wardround.use_cases import load

    chosen = load(use_case)
    with storage() as (_, store):
        accounts = quarantine.listing(store, chosen.name)
    rows = [
        {
            "batch": account.label, "id": account.batch[:12], "rows_in": account.rows_in,
            "quarantined": account.quarantined, "still_there": account.remaining, "released": account.released,
            "dropped": account.dropped,
        }
        for account in accounts
    ]  # fmt: skip
    if json:
        give(rows)
    elif rows:
        table(f"Quarantine of {chosen.name}", tuple(rows[0]), [tuple(row.values()) for row in rows])
    else:
        say(f"no row of {chosen.name} is in quarantine")


def quarantine_show(use_case: UseCaseOption, batch: BatchArgument, json: JsonOption = False) -> None:
    """Show why rows of a batch are in quarantine: reasons and counts.

    Example: `wardround quarantine show cleveland-unit-mmol --use-case heart_disease`
    """
    from wardround import batches, quarantine
    from wardround.use_cases import load

    chosen = load(use_case)
    with storage() as (settings, store):
        found = batches.load(store, chosen.name, batch)
        reasons = quarantine.show(store, chosen, found, small_cell=settings.small_cell)
    if json:
        give({"batch": found.id, "label": found.label, "faults": found.faults, "reasons": dict(reasons)})
        return
    say(f"{found.label}: {found.rows_quarantined} of {found.rows_in} rows are in quarantine")
    for fault in found.faults:
        say(f"  batch: {fault}")
    table("Reasons", ("reason", "rows"), list(reasons.items()))


def quarantine_release(
    use_case: UseCaseOption,
    batch: BatchArgument,
    reason: ReasonOption,
    json: JsonOption = False,
) -> None:
    """Validate a batch's quarantined rows again; those that pass become a new batch.

    Example: `wardround quarantine release hungary --reason "range corrected" --use-case heart_disease`
    """
    import importlib

    from wardround import batches, quarantine
    from wardround.domain import utc_now
    from wardround.use_cases import load

    chosen = load(use_case)
    with storage() as (settings, store):
        found = batches.load(store, chosen.name, batch)
        suite = importlib.import_module("expectations").suite_for(chosen)
        released = quarantine.release(store, chosen, found, suite, settings=settings, now=utc_now(), reason=reason)
    if json:
        give({"batch": released.id, "label": released.label, "rows": released.rows_accepted})
        return
    say(f"{released.rows_accepted} of {found.rows_quarantined} rows passed and are now the batch {released.label}")


def quarantine_drop(
    use_case: UseCaseOption,
    batch: BatchArgument,
    reason: ReasonOption,
    json: JsonOption = False,
) -> None:
    """Delete a batch's quarantined rows for good; the counts and your reason stay.

    Example: `wardround quarantine drop cleveland-unit-mmol --reason "sent again in mg/dL" --use-case heart_disease`
    """
    from wardround import batches, quarantine
    from wardround.domain import utc_now
    from wardround.use_cases import load

    chosen = load(use_case)
    with storage() as (settings, store):
        found = batches.load(store, chosen.name, batch)
        dropped = quarantine.drop(store, chosen, found, settings=settings, now=utc_now(), reason=reason)
    if json:
        give({"batch": found.id, "dropped": dropped})
        return
    say(f"{dropped} quarantined rows of {found.label} were deleted")


def report(
    use_case: UseCaseOption,
    batch: BatchArgument,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write the HTML file.")] = None,
    json: JsonOption = False,
) -> None:
    """Fetch the full report of a batch's latest round as one HTML file that opens offline.

    Example: `wardround report hungary --out hungary.html --use-case heart_disease`
    """
    from wardround import batches
    from wardround.monitoring.report import write_report
    from wardround.monitoring.rounds import latest_decision
    from wardround.use_cases import load

    chosen = load(use_case)
    with storage() as (settings, store):
        found = batches.load(store, chosen.name, batch)
        decision = latest_decision(store, chosen.name, found.id)
        key = write_report(chosen, decision, store=store, settings=settings)
        target = out or Path(f"{found.label}.html")
        target.write_bytes(store.get(key))
    if json:
        give({"batch": found.id, "key": key, "file": str(target)})
        return
    say(f"{target}: the report of {found.label} ({decision.action.value})")


def verify(json: JsonOption = False) -> None:
    """Check the ledger's hash chain and every object it names; the first bad entry is named.

    Example: `wardround verify`
    """
    from wardround import ledger, registry
    from wardround.errors import Corrupted

    with storage() as (_, store):
        for key in store.keys("champions/"):  # a kill may have cut off the entry of a move: it is written first
            registry.history(store, key.removeprefix("champions/").removesuffix(".json"))
        result = ledger.verify(store)
    if result.first_bad is not None:
        raise Corrupted(f"ledger entry {result.first_bad}", result.detail)
    if json:
        give({"entries": result.count, "intact": True})
        return
    say(f"{result.count} ledger entries and every object they name are intact")
