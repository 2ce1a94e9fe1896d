"""Everything a monitor needs of a batch, gathered chunk by chunk in memory that does not grow with the batch."""

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wardround.monitoring.estimate import fine
from wardround.monitoring.multivariate import FREQUENCIES, encode_levels, encode_number, features
from wardround.monitoring.profile import CategoryProfile, NumericProfile, Profile, level_hash
from wardround.monitoring.sketch import ClusteredMean, Identifiers, Magnitudes, hashed
from wardround.problems import PROBLEMS, Prediction

Floats = NDArray[np.float64]
CHUNK = 16_384
"""Rows worked on at once: small enough for the processor's cache."""


class BatchSummary:
    """Counts of a batch against *profile*: update it with chunks, merge it with other parts of the batch.

    ``bins[c]`` counts the cells of numeric column *c*; ``levels[c]`` those of a category's common levels and, last,
    all others; ``unseen[c]`` rows with a level never met. ``positive`` and ``negative`` are fine
    histograms of the predictions of rows with that outcome.
    """

    def __init__(self, profile: Profile):
        self.profile = profile
        self._problem = PROBLEMS[profile.problem]
        self.rows = 0
        self.newest: datetime | None = None
        self.bins = {c.name: _zeros(len(c.edges) + 1) for c in profile.numeric}
        self.levels = {c.name: _zeros(len(c.levels) + 1) for c in profile.category}
        self.unseen = {c.name: 0 for c in profile.category}
        self.missing = {c.name: 0 for c in profile.columns}
        self.sizes = {name: Magnitudes() for name in profile.unit_columns}
        self.records = Identifiers()
        self.patients = Identifiers()
        self.scored = 0
        self.prediction = _zeros(len(profile.prediction.edges) + 1)
        self.fine = np.zeros_like(fine(np.array([])))
        self.positive = np.zeros_like(self.fine)
        self.negative = np.zeros_like(self.fine)
        outcome = profile.outcome
        self.outcome = _zeros(len(outcome.edges) + 1) if isinstance(outcome, NumericProfile) else _zeros(2)
        self.loss = ClusteredMean()
        self.excess = ClusteredMean()
        self.squared = 0.0
        self.right = 0
        self.expected_sum = 0.0
        self.embedded: Floats = np.zeros(2 * FREQUENCIES)
        self._frequencies = profile.embedding.frequencies()
        self._edges = {c.name: np.array(c.edges) for c in (*profile.numeric, profile.prediction)}
        self._places = {c.name: {level: place for place, level in enumerate(c.levels)} for c in profile.category}
        self._known = {c.name: frozenset(c.known) for c in profile.category}

    def update(self, frame: pd.DataFrame, prediction: Floats | None = None, loss: Floats | None = None) -> None:
        """Add the canonical rows of *frame* and, row for row, the champion's predictions and their losses.

        *loss* (NaN: not known) may be left out where it follows from prediction and outcome alone.
        """
        if not len(frame):
            return
        self.rows += len(frame)
        if "time" in frame and frame["time"].notna().any():
            newest = frame["time"].max().to_pydatetime().astimezone(UTC)
            self.newest = newest if self.newest is None else max(self.newest, newest)
        hashes = hashed(frame["patient_id"] if "patient_id" in frame else pd.Series(frame.index.astype("str")))
        self.patients.update(hashes)
        if "record_id" in frame:
            self.records.update(hashed(frame["record_id"]))
        numbers = {c.name: frame[c.name].to_numpy(dtype=float, na_value=np.nan) for c in self.profile.numeric}
        codes = {c.name: self._count_levels(c, frame) for c in self.profile.category}
        target = frame["target"].to_numpy(dtype=float, na_value=np.nan) if "target" in frame else None
        if loss is None and prediction is not None and target is not None:
            loss = self._problem.losses(target, Prediction(value=prediction))
        for start in range(0, len(frame), CHUNK):
            part = slice(start, start + CHUNK)
            self._update_part(
                {name: values[part] for name, values in numbers.items()},
                {name: code[part] for name, code in codes.items()},
                None if prediction is None else prediction[part],
                None if target is None else target[part],
                None if loss is None else loss[part],
                hashes[part],
            )

    def _count_levels(self, column: CategoryProfile, frame: pd.DataFrame) -> NDArray[np.intp]:
        """Count a category's levels and return each row's place among the common ones (-1: none)."""
        codes, found = pd.factorize(frame[column.name], use_na_sentinel=True)
        known_places = self._places[column.name]
        places = np.array([known_places.get(level, -1) for level in found], dtype=np.intp)
        per_found = np.bincount(codes[codes >= 0], minlength=len(found))
        rare = places < 0
        common = np.bincount(places[~rare], per_found[~rare], minlength=len(column.levels)).astype(np.int64)
        self.levels[column.name][:-1] += common
        self.levels[column.name][-1] += int(per_found[rare].sum())
        self.missing[column.name] += int((codes < 0).sum())
        if rare.any() and column.known_complete:
            known = self._known[column.name]
            new = [level_hash(str(level)) not in known for level in found[rare]]
            self.unseen[column.name] += int(per_found[rare][new].sum())
        return np.append(places, -1)[codes]

    def _update_part(
        self,
        numbers: dict[str, Floats],
        codes: dict[str, NDArray[np.intp]],
        prediction: Floats | None,
        target: Floats | None,
        loss: Floats | None,
        hashes: NDArray[np.uint64],
    ) -> None:
        encoding = self.profile.encoding
        encoded = np.zeros((encoding.width, len(hashes)), dtype=np.float32)
        for place, (name, mean, sd) in enumerate(encoding.numeric):
            values = numbers[name]
            self.missing[name] += count_bins(self._edges[name], values, self.bins[name])
            encode_number(values, mean, sd, encoded[place])
            if name in self.sizes:
                self.sizes[name].update(values)
        place = len(encoding.numeric)
        for name, _, shares in encoding.category:
            place = encode_levels(codes[name], shares, encoded, place)
        rows = encoded.T
        if encoding.width:
            self.embedded += features(rows, self._frequencies).sum(axis=0, dtype=np.float64)
        if target is not None:
            self._count_outcomes(target[np.isfinite(target)])
        if prediction is not None:
            self._count_predictions(prediction, target, loss, rows, hashes)

    def _count_outcomes(self, known: Floats) -> None:
        outcome = self.profile.outcome
        edges = np.array(outcome.edges) if isinstance(outcome, NumericProfile) else np.array([0.5])
        count_bins(edges, known, self.outcome)

    def _count_predictions(
        self,
        value: Floats,
        target: Floats | None,
        loss: Floats | None,
        rows: NDArray[np.float32],
        hashes: NDArray[np.uint64],
    ) -> None:
        scored = np.isfinite(value)
        if not scored.all():
            value, rows, hashes = value[scored], rows[scored], hashes[scored]
            target, loss = (None if each is None else each[scored] for each in (target, loss))
        self.scored += len(value)
        count_bins(self._edges["prediction"], value, self.prediction)
        expected = self.profile.estimator.expected_loss(value, rows)
        self.expected_sum += float(expected.sum())
        if self._problem.two_classes:
            self.fine += fine(value)
        known = np.isfinite(loss) if loss is not None else np.zeros(len(value), dtype=bool)
        if loss is None or not known.any():
            return
        self.loss.update(loss[known], hashes[known])
        self.excess.update(loss[known] - expected[known], hashes[known])
        if target is not None and self._problem.scalar:
            self._count_errors(value[known], target[known])

    def _count_errors(self, value: Floats, target: Floats) -> None:
        self.squared += float(((value - target) ** 2).sum())
        if self._problem.two_classes:
            self.positive += fine(value[target > 0.5])
            self.negative += fine(value[target <= 0.5])
            self.right += int(((value >= self.profile.threshold) == (target > 0.5)).sum())

    def merge(self, other: "BatchSummary") -> None:
        """Add another part of the same batch, summarised against the same profile."""
        self.rows += other.rows
        self.scored += other.scored
        moments = [moment for moment in (self.newest, other.newest) if moment is not None]
        self.newest = max(moments) if moments else None
        for mine, its in ((self.bins, other.bins), (self.levels, other.levels)):
            for name, counts in its.items():
                mine[name] += counts
        for tally, more in ((self.missing, other.missing), (self.unseen, other.unseen)):
            for name, count in more.items():
                tally[name] += count
        for name, sizes in other.sizes.items():
            self.sizes[name].counts += sizes.counts
        self.records.merge(other.records)
        self.patients.merge(other.patients)
        self.loss.merge(other.loss)
        self.excess.merge(other.excess)
        for name in ("prediction", "fine", "positive", "negative", "outcome", "embedded", "squared", "right"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.expected_sum += other.expected_sum

    @property
    def design_effect(self) -> float:
        """By how much repeated rows of the same patients lessen the information in the batch (1: not at all)."""
        return self.patients.design_effect

    @property
    def independent_rows(self) -> float:
        """As how many independent rows the batch counts."""
        return self.rows / self.design_effect if self.rows else 0.0


def summarise(profile: Profile, chunks: Iterable[tuple[pd.DataFrame, Floats | None, Floats | None]]) -> BatchSummary:
    """Summarise a stream of (rows, predictions, losses)."""
    summary = BatchSummary(profile)
    for frame, prediction, loss in chunks:
        summary.update(frame, prediction, loss)
    return summary


def count_bins(edges: Floats, values: Floats, into: NDArray[np.int64]) -> int:
    """Add the bin counts of *values* to *into* and return how many were missing.

    Sorting a cache-sized chunk and looking the edges up in it is several times faster than the reverse.
    """
    ranked = np.sort(values)
    missing = int(np.count_nonzero(np.isnan(values)))
    present = len(values) - missing
    upto = np.minimum(np.searchsorted(ranked, edges, side="right"), present)
    into += np.diff(upto, prepend=0, append=present)
    return missing


def _zeros(size: int) -> NDArray[np.int64]:
    return np.zeros(size, dtype=np.int64)
