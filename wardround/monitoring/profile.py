"""The reference profile: what a model's own patients looked like, in a size that does not depend on them.

Aggregates only. A stored cell holds at least ``small_cell`` patients, bin edges are rounded so that none is one
patient's value, no extreme is kept, and rare levels are known by hash alone.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wardround.monitoring.estimate import Estimator, build_estimator
from wardround.monitoring.multivariate import Embedding, Encoding, build_embedding
from wardround.monitoring.rounding import rounded_category, rounded_number
from wardround.privacy import near
from wardround.problems import problem_of
from wardround.use_cases.base import UseCase

Floats = NDArray[np.float64]
MAX_BINS, COARSE_BINS = 100, 30
MAX_LEVELS = 200
ENCODED_LEVELS = 12
"""Of a category only the most common levels enter the joint reading and the loss model."""
MAX_KNOWN = 5_000


class Predicted(Protocol):
    """Anything with one predicted value per row: P(positive), or the number."""

    @property
    def value(self) -> Floats: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class NumericProfile:
    """A numeric column: ``counts[j]`` rows in (edges[j-1], edges[j]], the last bin open above."""

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int
    mean: float
    sd: float
    median: float


@dataclass(frozen=True, kw_only=True)
class CategoryProfile:
    """A category column: rows per common level, the rest pooled in *other*.

    *known* are hashes of every level seen or declared; *unseen* is the Good-Turing estimate of the share of
    rows with a level not met before (Good 1953).
    """

    name: str
    levels: tuple[str, ...]
    counts: tuple[int, ...]
    other: int
    missing: int
    known: tuple[str, ...]
    known_complete: bool
    unseen: float


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Everything a monitor needs to know of the reference; its size is set by the columns alone.

    *design_effect* is Kish's: rows of the same patient count as less than so many patients. *outcome* is
    the outcome's distribution (classification: levels "0" and "1" in a category). *sites* are profiles of the same
    model at its larger sites (`wardround.monitoring.sites`), each with its *site*.
    """

    use_case: str
    problem: str
    rows: int
    patients: int
    design_effect: float
    small_cell: int
    numeric: tuple[NumericProfile, ...]
    category: tuple[CategoryProfile, ...]
    prediction: NumericProfile
    outcome: NumericProfile | CategoryProfile | None
    estimator: Estimator
    encoding: Encoding
    embedding: Embedding
    importance: tuple[tuple[str, float], ...]
    unit_columns: tuple[str, ...]
    threshold: float
    seed: int
    site: str | None = None
    sites: tuple["Profile", ...] = ()

    @property
    def own(self) -> str:
        """Whom a batch is compared with, in words."""
        return "the model's own patients" if self.site is None else "the model's own patients at this site"

    @property
    def columns(self) -> tuple[NumericProfile | CategoryProfile, ...]:
        """All input columns, the numeric ones first."""
        return (*self.numeric, *self.category)


def build_profile(
    use_case: UseCase,
    frame: pd.DataFrame,
    out_of_fold: Predicted,
    target: Floats,
    importance: Mapping[str, float] | Iterable[tuple[str, float]],
    seed: int,
    *,
    loss: Floats | None = None,
    small_cell: int = 10,
    coarse: bool = False,
) -> Profile:
    """Summarise the reference rows of a model.

    *frame* is canonical with n rows, *out_of_fold* and *target* have n values (NaN: no prediction, no
    outcome), *importance* is (input, loss increase when permuted), *loss* the loss per row (None: it follows from
    prediction and outcome alone). *small_cell* counts patients.
    *coarse*: at most 30 bins, all counts rounded to half a small cell (a part of a stored whole).
    """
    value = np.asarray(out_of_fold.value, dtype=float)
    target = np.asarray(target, dtype=float)
    patients, design_effect = clustering(frame)
    smallest = int(np.ceil(small_cell * max(len(frame), 1) / max(patients, 1)))
    max_bins, base = (COARSE_BINS, max(1, smallest // 2)) if coarse else (MAX_BINS, 1)
    rows = near(len(frame), base)
    numeric = tuple(numeric_profile(name, _floats(frame[name]), smallest, max_bins) for name in use_case.numeric)
    category = tuple(
        category_profile(name, frame[name], smallest, use_case.feature(name).allowed) for name in use_case.categorical
    )
    prediction = numeric_profile("prediction", value, smallest, max_bins)
    outcome = _outcome_profile(target, smallest, problem_of(use_case).two_classes, max_bins)
    if coarse:
        numeric = tuple(rounded_number(column, base) for column in numeric)
        category = tuple(rounded_category(column, base) for column in category)
        prediction = rounded_number(prediction, base)
        if outcome is not None:
            outcome = (
                rounded_number(outcome, base)
                if isinstance(outcome, NumericProfile)
                else rounded_category(outcome, base)
            )
    encoding = Encoding(
        numeric=tuple((c.name, c.mean, c.sd) for c in numeric),
        category=tuple(
            (c.name, c.levels[:ENCODED_LEVELS], tuple(k / max(rows, 1) for k in c.counts[:ENCODED_LEVELS]))
            for c in category
        ),
    )
    encoded = encoding.encode(frame)
    pairs = importance.items() if isinstance(importance, Mapping) else importance
    return Profile(
        use_case=use_case.name,
        problem=use_case.problem,
        rows=rows,
        patients=near(patients, max(1, small_cell // 2)) if coarse else patients,
        design_effect=design_effect,
        small_cell=small_cell,
        numeric=numeric,
        category=category,
        prediction=prediction,
        outcome=outcome,
        estimator=build_estimator(use_case, value, target, encoded, design_effect, loss),
        encoding=encoding,
        embedding=build_embedding(encoded, seed, design_effect),
        importance=tuple((name, float(np.nan_to_num(weight))) for name, weight in pairs),
        unit_columns=tuple(f.name for f in use_case.features if f.kind == "numeric" and f.other_units),
        threshold=use_case.threshold,
        seed=seed,
    )


def clustering(frame: pd.DataFrame) -> tuple[int, float]:
    """Return the number of patients and Kish's design effect, sum(n_i^2) / n, of the rows per patient."""
    if not len(frame) or "patient_id" not in frame:
        return len(frame), 1.0
    per_patient = frame["patient_id"].value_counts().to_numpy(dtype=float)
    return len(per_patient), float((per_patient**2).sum() / per_patient.sum())


def numeric_profile(name: str, values: Floats, smallest: int, max_bins: int = MAX_BINS) -> NumericProfile:
    """Summarise one numeric column (NaN: missing) in at most *max_bins* bins of at least *smallest* rows."""
    present = values[np.isfinite(values)]
    missing = _coarse(len(values) - len(present), smallest)
    if len(present) < 2 * smallest:
        mean = _rounded(float(present.mean()), float(present.std()) or 1.0) if len(present) >= smallest else 0.0
        return NumericProfile(
            name=name, edges=(), counts=(len(present) if len(present) >= smallest else 0,), missing=missing,
            mean=mean, sd=1.0, median=mean,
        )  # fmt: skip
    spread = float(np.subtract(*np.quantile(present, (0.9, 0.1)))) or float(present.std()) or 1.0
    distinct = np.unique(present)
    if len(distinct) <= max_bins:
        edges = distinct[:-1]
    else:
        bins = min(max_bins, max(2, len(present) // smallest))
        quantiles = np.quantile(present, np.linspace(0, 1, bins + 1)[1:-1])
        edges = np.unique([_rounded(float(q), spread) for q in quantiles])
    counts = bin_counts(edges, present)
    edges, counts = _merge_small(edges, counts, smallest)
    return NumericProfile(
        name=name,
        edges=tuple(float(edge) for edge in edges),
        counts=tuple(int(count) for count in counts),
        missing=missing,
        mean=float(present.mean()),
        sd=float(present.std()) or 1.0,
        median=_rounded(float(np.median(present)), spread),
    )


def bin_counts(edges: Floats, values: Floats) -> NDArray[np.int64]:
    """Count finite *values* per bin; ``side="left"`` puts a value that equals an edge below it, so codes stay whole."""
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)


def category_profile(
    name: str, column: "pd.Series[Any]", smallest: int, allowed: tuple[str, ...] | None
) -> CategoryProfile:
    """Summarise one category column: levels with at least *smallest* rows, the others pooled."""
    codes, found = pd.factorize(column, use_na_sentinel=True)
    counts = np.bincount(codes[codes >= 0], minlength=len(found))
    per_level = sorted(
        ((str(level), int(k)) for level, k in zip(found, counts, strict=True)), key=lambda x: (-x[1], x[0])
    )
    common = [(level, k) for level, k in per_level if k >= smallest][:MAX_LEVELS]
    present = int(counts.sum())
    other = present - sum(k for _, k in common)
    while 0 < other < smallest and common:
        other += common.pop()[1]
    seen = {level_hash(level) for level, _ in per_level[:MAX_KNOWN]}
    declared = {level_hash(level) for level in allowed or ()}
    return CategoryProfile(
        name=name,
        levels=tuple(level for level, _ in common),
        counts=tuple(k for _, k in common),
        other=other if other >= smallest else 0,
        missing=_coarse(len(column) - present, smallest),
        known=tuple(sorted(seen | declared)),
        known_complete=len(per_level) <= MAX_KNOWN,
        unseen=0.0 if allowed else float((counts == 1).sum()) / max(present, 1),
    )


def level_hash(level: str) -> str:
    """Name a level without showing it."""
    return hashlib.blake2b(level.encode(), digest_size=6).hexdigest()


def _outcome_profile(
    target: Floats, smallest: int, classes: bool, max_bins: int
) -> NumericProfile | CategoryProfile | None:
    known = target[np.isfinite(target)]
    if not len(known):
        return None
    if not classes:
        return numeric_profile("target", known, smallest, max_bins)
    positive = int((known > 0.5).sum())
    return CategoryProfile(
        name="target", levels=("0", "1"), counts=(len(known) - positive, positive), other=0,
        missing=len(target) - len(known), known=(), known_complete=True, unseen=0.0,
    )  # fmt: skip


def _floats(column: "pd.Series[Any]") -> Floats:
    return column.to_numpy(dtype=float, na_value=np.nan)


def _coarse(count: int, smallest: int) -> int:
    """Hide how many of a small cell there are: 1 to *smallest* - 1 become half of *smallest*."""
    return count if count == 0 or count >= smallest else smallest // 2


def _rounded(value: float, spread: float) -> float:
    """Round to about a hundredth of *spread*, so that an edge is shared by many or nobody."""
    step = 10.0 ** np.floor(np.log10(spread / 50.0))
    return float(np.round(value / step) * step)


def _merge_small(edges: Floats, counts: NDArray[np.int64], smallest: int) -> tuple[Floats, NDArray[np.int64]]:
    kept: list[float] = []
    merged: list[int] = []
    running = 0
    for index, count in enumerate(counts):
        running += int(count)
        if running >= smallest and index < len(edges):
            kept.append(float(edges[index]))
            merged.append(running)
            running = 0
    if 0 < running < smallest and merged:
        running += merged.pop()
        kept.pop()
    return np.array(kept), np.array([*merged, running], dtype=np.int64)
