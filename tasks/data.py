"""Rows come in: reading, validating and keeping a delivery, and finding what can be learned from."""

import re
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tasks.policy import effect, say, world
from tasks.progress import Progress
from tasks.results import Delivered
from wardround.domain import utc_now
from wardround.errors import BatchRefused

if TYPE_CHECKING:
    from wardround.domain import Batch


@effect("ingest rows for {use_case}")
def ingest_source(use_case: str, source: str | None, label: str | None) -> Delivered:
    """Read *source* (None: the use case's own), replace identifiers, validate, store accepted and quarantined rows."""
    from expectations import suite_for
    from wardround.ingest import ingest
    from wardround.sources import source_from
    from wardround.use_cases import load

    settings, store = world()
    chosen = load(use_case)
    origin = source_from(source, chosen) if source else chosen.source
    now = utc_now()
    progress = Progress(f"ingest-{chosen.name.replace('_', '-')}")
    done = ingest(
        chosen,
        origin,
        suite_for(chosen),
        label=label or label_of(origin.location, now),
        store=store,
        settings=settings,
        now=now,
        progress=progress,
    )
    progress.finish()
    if done.batch.refused:
        say(f"{done.batch.label} was refused: all its rows are in quarantine")
    return _delivered(done.batch, new=done.new)


def require_accepted(delivered: Delivered) -> Delivered:
    """Return *delivered* unless the batch was refused; a refusal is the end of an ingest, not of a round.

    Raises:
        BatchRefused: its rows are in quarantine.
    """
    if delivered.refused:
        raise BatchRefused(delivered.label, delivered.batch, delivered.faults)
    return delivered


@effect("find batch {batch} of {use_case}")
def find_batch(use_case: str, batch: str) -> Delivered:
    """Find a batch by its label, its id or the beginning of its id."""
    from wardround import batches
    from wardround.use_cases import load

    _, store = world()
    return _delivered(batches.load(store, load(use_case).name, batch), new=False)


@effect("choose training batches of {use_case}")
def labelled_batches(use_case: str, wanted: list[str] | None) -> tuple[str, ...]:
    """Return the ids of the *wanted* batches; None: all accepted ones of which outcomes are known."""
    from wardround import batches
    from wardround.errors import NotTrainable
    from wardround.use_cases import load

    _, store = world()
    chosen = load(use_case)
    name = chosen.name
    if wanted is not None:
        return tuple(batches.load(store, name, each).id for each in wanted)
    found = tuple(
        each.id for each in batches.listing(store, name) if not each.refused and batches.labelled_count(store, each)
    )
    if not found:
        outcomes = " with outcomes" if chosen.target.column else ""
        raise NotTrainable(
            name, f"there is no accepted batch{outcomes}", f"Ingest rows{outcomes} first (`wardround ingest`)"
        )
    return found


def label_of(location: str, now: datetime) -> str:
    """Make a label of where rows come from and the day they came: ``admissions.csv`` -> ``admissions-2026-03-02``."""
    name = location.partition("#")[2] or PurePosixPath(location.split("?")[0].rstrip("/")).name.rpartition("@")[2]
    stem = re.sub(r"[^a-z0-9]+", "-", name.split(".")[0].lower()).strip("-")[:50].strip("-")
    return f"{stem or 'batch'}-{now:%Y-%m-%d}"


def _delivered(batch: "Batch", *, new: bool) -> Delivered:
    return Delivered(
        use_case=batch.use_case,
        batch=batch.id,
        label=batch.label,
        rows=batch.rows_in,
        accepted=batch.rows_accepted,
        quarantined=batch.rows_quarantined,
        refused=batch.refused,
        faults=batch.faults,
        new=new,
    )
