"""What was decided about a use case so far, gathered from the store once and kept where it cannot change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wardround.domain import Batch, Decision, Reading
from wardround.monitoring.rounds import RetrainingRecord, in_order
from wardround.monitoring.settlement import Settlement, fullest
from wardround.serving.desk import frame


@dataclass(frozen=True, kw_only=True)
class Round:
    """One decision and what came of it: the retraining it started, and how its estimates met the truth."""

    decision: Decision
    retraining: RetrainingRecord | None = None
    settlement: Settlement | None = None

    @property
    def path(self) -> str:
        """The path of its page."""
        told = self.decision
        return f"/use-cases/{told.use_case}/rounds/{told.batch}/{told.champion or 'none'}"

    def estimated(self, metric: str) -> Reading | None:
        """Return the reading that estimates *metric* without outcomes."""
        return self._reading("estimated performance", metric)

    def realised(self, metric: str) -> Reading | None:
        """Return the reading of *metric* on outcomes that came with the batch."""
        return self._reading("realised performance", metric)

    def truth(self, metric: str) -> float | None:
        """Return the realised figure: from the settlement, which counts late outcomes too, or from the round itself."""
        if self.settlement is not None:
            for figure in self.settlement.figures:
                if figure.metric == metric:
                    return figure.realised
        reading = self.realised(metric)
        return None if reading is None else reading.current

    def _reading(self, kind: str, metric: str) -> Reading | None:
        return next(
            (r for r in self.decision.readings if r.kind == kind and r.column == metric and r.current is not None), None
        )


def rounds(use_case: str) -> tuple[Round, ...]:
    """Return every round of *use_case* by the moment it stands for."""
    keys = list(frame.get_store().keys(f"rounds/{use_case}/"))
    decisions = frame.cached_all([key for key in keys if key.endswith("/decision.json")], Decision)
    settlements = frame.cached_all([key for key in keys if "/settlement-" in key], Settlement)
    retrainings = frame.cached_all([key for key in keys if key.endswith("/retraining.json")], RetrainingRecord)
    return told(decisions, settlements, retrainings)


def told(
    decisions: Sequence[Decision], settlements: Sequence[Settlement], retrainings: Sequence[RetrainingRecord]
) -> tuple[Round, ...]:
    """Return *decisions* in order, each with what came of it."""
    settled = {(each.batch, each.champion): each for each in fullest(settlements)}
    retrained = {(each.batch, each.champion): each for each in retrainings}
    return tuple(
        Round(
            decision=each,
            retraining=retrained.get((each.batch, each.champion)),
            settlement=settled.get((each.batch, each.champion or "")),
        )
        for each in in_order(decisions)
    )


def batches(use_case: str) -> Mapping[str, Batch]:
    """Return every batch of *use_case* by its id, the oldest first."""
    keys = [key for key in frame.get_store().keys(f"batches/{use_case}/") if key.endswith("/manifest.json")]
    found = frame.cached_all(keys, Batch)
    return {batch.id: batch for batch in sorted(found, key=lambda batch: (batch.ingested_at, batch.id))}
