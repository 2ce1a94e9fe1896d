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
from wardround.use_cases.base import Source, UseCase

if TYPE_CHECKING:
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
    progress: Callable[[str], None] | None = None,
) -> Ingested:
    """Bring the rows of *source* in as a batch called *label* (lower-case letters, digits, hyphens).

    A refused batch is returned, not raised: ``refused`` is set, all its rows are in quarantine.

    Raises:
        InputFault: *label* is not a label, or the source is not what the use case says; nothing was written.
        UseCaseInvalid: the suite cannot be evaluated.
        StoreFailed: the store did not take it; try again, nothing is written twice.
    """
    from wardround.sources import read
    from wardround.sources.canonical import canonical, canonical_id
    from wardround.validation import validate

    tell = progress or (lambda _: None)
    check_label(label)
    place = described(source)
    tell(f"reading {place}")
    frame = canonical(use_case, read(use_case, source, settings), settings, place=place, now=now)
    name = canonical_id(frame)
    try:
        batch, new = batches.load(store, use_case.name, name), False
        tell(f"the same {batch.rows_in} rows were ingested before as {batch.label}")
    except NotFound:
        tell(f"validating {len(frame)} rows")
        validated = validate(use_case, frame, suite, now=now, small_cell=settings.small_cell)
        tell(f"storing {len(validated.accepted)} accepted and {len(validated.quarantined)} quarantined rows")
        batch = described_batch(use_case, validated, name=name, label=label, source=place, now=now)
        batch, new = store_batch(use_case, batch, validated, store=store)
    record(batch, store=store, settings=settings)
    return Ingested(batch=batch, new=new)
