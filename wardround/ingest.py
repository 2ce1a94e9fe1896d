"""One delivery of rows becomes one batch: read, made canonical, validated, divided, stored, written in the ledger.

The batch is named by its canonical content, so ingesting the same rows again changes nothing. The manifest is
written last: whatever a killed run left without one does not exist, and the next run completes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wardround import batches
from wardround.arrivals import check_label, described, described_batch, record, store_batch
from wardround.domain import Batch
from wardround.errors import NotFound
from wardround.privacy import delivery_in_words
from wardround.use_cases.base import Source, UseCase

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations import ExpectationSuite

    from wardround.settings import Settings
    from wardround.store import Store


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """The batch, and whether it is new (False: the same rows were ingested before and nothing was written)."""

    batch: Batch
    new: bool


def ingest(
    use_case: UseCase,
    source: Source,
    suite: "ExpectationSuite",
    *,
    label: str,
    store: "Store",
    settings: "Settings",
    now: datetime,
    progress: Callable[..., None] | None = None,
) -> Ingested:
    """Bring the rows of *source* in as a batch called *label* (lower-case letters, digits, hyphens).

    A refused batch is returned, not raised: ``refused`` is set, all its rows are in quarantine. Of ``log:online`` it
    is the batch of what was answered since the last round; until a round has decided about it, it stays the same.
    *progress* is told each step and, of a long one, the share that is done.

    Raises:
        InputFault: *label* is not a label, or the source is not what the use case says; nothing was written.
        NothingNew: no prediction was answered since the last round.
        UseCaseInvalid: the suite cannot be evaluated.
        StoreFailed: the store did not take it; try again, nothing is written twice.
    """
    from wardround.sources import read
    from wardround.sources.canonical import canonical
    from wardround.sources.contents import silent

    tell = progress or silent
    check_label(label)
    place = described(source)
    tell(f"reading {place}")
    if source.kind == "log":
        done = _of_window(use_case, suite, label=label, store=store, settings=settings, now=now, tell=tell)
    else:
        frame = canonical(use_case, read(use_case, source, settings), settings, place=place, now=now, tell=tell)
        done = _stored(
            use_case, frame, suite, label=label, place=place, store=store, settings=settings, now=now, tell=tell
        )
    record(done.batch, store=store, settings=settings)
    return done


def _of_window(
    use_case: UseCase,
    suite: "ExpectationSuite",
    *,
    label: str,
    store: "Store",
    settings: "Settings",
    now: datetime,
    tell: Callable[[str], None],
) -> Ingested:
    from wardround.answers import delivery
    from wardround.sources.shipped import remember_batch, window_to_read

    window, batch = window_to_read(store, use_case.name, now=now)
    if batch is None:
        frame, found = delivery(use_case, window, store=store, now=now, small_cell=settings.small_cell)
        for sentence in found:
            tell(sentence)
        done = _stored(
            use_case, frame, suite, label=label, place=window.name, store=store, settings=settings, now=now, tell=tell
        )
    else:
        tell(f"{batch.label} was read before, and no round has decided about it yet")
        done = Ingested(batch=batch, new=False)
    remember_batch(store, window, done.batch)
    return done


def _stored(
    use_case: UseCase,
    frame: "pd.DataFrame",
    suite: "ExpectationSuite",
    *,
    label: str,
    place: str,
    store: "Store",
    settings: "Settings",
    now: datetime,
    tell: Callable[[str], None],
) -> Ingested:
    from wardround.sources.canonical import canonical_id
    from wardround.validation import validate

    name = canonical_id(frame)
    try:
        batch = batches.load(store, use_case.name, name)
        tell(f"the same rows were ingested before as {batch.label}")
        return Ingested(batch=batch, new=False)
    except NotFound:
        pass
    tell("validating the rows")
    validated = validate(use_case, frame, suite, now=now, small_cell=settings.small_cell)
    tell(delivery_in_words(len(validated.accepted), len(validated.quarantined), settings.small_cell))
    batch = described_batch(use_case, validated, name=name, label=label, source=place, now=now)
    batch, new = store_batch(use_case, batch, validated, store=store)
    return Ingested(batch=batch, new=new)
