"""The rows a version learns from: accepted batches put together, late outcomes joined, each record once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wardround import batches, labels
from wardround.domain import Batch
from wardround.errors import NotTrainable
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.store import Store


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """Canonical rows of *batches* (no refused one), the *label_sets* that gave outcomes, rows that came *again*."""

    frame: "pd.DataFrame"
    batches: tuple[Batch, ...]
    label_sets: tuple[str, ...]
    again: int


def gather(
    use_case: UseCase, names: Sequence[str], *, store: "Store", label_sets: Sequence[str] | None = None
) -> Gathered:
    """Return the rows of the batches called *names* (ids or labels), in that order.

    A record that a later batch delivers again counts once, as it came last. *label_sets* are the late outcomes that may
    be joined (None: all there are).

    Raises:
        NotFound: there is no such batch.
        NotTrainable: no batch is named, or one was refused or has no accepted row.
        Corrupted: the stored rows are not those that were written.
    """
    import pandas as pd

    found = tuple({batch.id: batch for batch in (batches.load(store, use_case.name, name) for name in names)}.values())
    if not found:
        raise NotTrainable(use_case.name, "no batch is named to learn from", "Name one: `wardround train BATCH ...`")
    empty = [batch.label for batch in found if batch.refused or not batch.rows_accepted]
    if empty:
        raise NotTrainable(
            use_case.name,
            f"{', '.join(empty)}: refused, or 0 accepted rows",
            "Leave it out, or mend the source and ingest it again",
        )
    frame = pd.concat([batches.rows(store, batch, late_labels=False) for batch in found], ignore_index=True)
    rows = len(frame)
    frame = frame.drop_duplicates("record_id", keep="last", ignore_index=True)
    used = []
    for one in labels.listing(store, use_case.name):
        waiting = int(frame["target"].isna().sum())
        if not waiting or (label_sets is not None and one.id not in label_sets):
            continue
        frame = labels.fill(frame, labels.outcomes_of(store, one))
        if int(frame["target"].isna().sum()) < waiting:
            used.append(one.id)
    return Gathered(frame=frame, batches=found, label_sets=tuple(used), again=rows - len(frame))
