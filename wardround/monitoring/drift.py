"""Are the patients still the same? Input drift per column, prediction drift, and all columns together.

An alarm needs an effect that matters (``material_effect``) and significance: at once (Holm over all tests of the
round), or as a suspicion that the same column raised in two of the last three rounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wardround.domain import Decision, Reading
from wardround.monitoring.budget import WINDOW, Levels, suspicion_level
from wardround.monitoring.differences import Difference, holm, ordered, two_shares, unordered
from wardround.monitoring.profile import CategoryProfile, NumericProfile, Profile
from wardround.monitoring.rounding import blurred_share
from wardround.monitoring.summary import BatchSummary
from wardround.monitoring.words import chance, part, percent
from wardround.use_cases.base import UseCase

DRIFT_KINDS = ("input drift", "prediction drift", "multivariate drift")


@dataclass(frozen=True)
class _Test:
    kind: str
    column: str | None
    found: Difference
    what: str
    reference: float | None = None
    current: float | None = None


def drift_readings(
    use_case: UseCase, profile: Profile, summary: BatchSummary, history: Sequence[Decision] = ()
) -> tuple[Reading, ...]:
    """Return the drift readings; *history* are earlier decisions of the same champion, the newest last."""
    tests = [
        *(_number(use_case, profile, summary, column) for column in profile.numeric),
        *(_category(use_case, profile, summary, column) for column in profile.category),
    ]
    if summary.scored:
        tests.append(_prediction(profile, summary))
    mean = summary.embedded / max(summary.rows, 1)
    joint = profile.embedding.compare(mean, summary.independent_rows)
    tests.append(_Test("multivariate drift", None, joint, f"all columns together, against {profile.own}"))
    monitoring = use_case.monitoring
    levels = Levels.of(monitoring)
    limits = holm([test.found.p for test in tests], levels.detection)
    recent = tuple(history)[-(WINDOW - 1) :]
    largest = max([summary.independent_rows, *(_rows(decision) for decision in recent)])
    suspicion = suspicion_level(levels.sustained, len(tests), profile.rows / profile.design_effect, largest)
    return tuple(
        _reading(test, limit, monitoring.material_effect, suspicion, recent)
        for test, limit in zip(tests, limits, strict=True)
    )


def _reading(
    test: _Test, significance: float, material: float, suspicion: float, recent: Sequence[Decision]
) -> Reading:
    effect, p = test.found
    matters = effect >= material
    at_once = matters and p <= significance
    earlier = sum(
        any(
            r.kind == test.kind and r.column == test.column and r.p is not None and r.p <= suspicion
            and r.effect is not None and r.effect >= material
            for r in decision.readings
        )
        for decision in recent
    )  # fmt: skip
    sustained = matters and p <= suspicion and earlier > 0
    if at_once:
        verdict = "more than chance explains"
    elif sustained:
        verdict = "and an earlier round showed the same"
    elif matters and p <= suspicion:
        verdict = "suspected: confirmed if one of the next two rounds shows the same"
    elif p <= significance:
        verdict = "real, but too small to matter"
    else:
        verdict = "no more than chance explains" if matters else "as usual"
    most = "1.4" if test.kind == "multivariate drift" else "1"  # two mean embeddings lie at most the root of 2 apart
    known = f"{effect:.2f} on a scale from 0 to {most}, {material:.2f} matters; {chance(p)}"
    return Reading(
        kind=test.kind, column=test.column, effect=effect, limit=material, alarm=at_once or sustained, p=p,
        reference=test.reference, current=test.current,
        sentence=f"{test.what} ({known}): {verdict}",
    )  # fmt: skip


def _number(use_case: UseCase, profile: Profile, summary: BatchSummary, column: NumericProfile) -> _Test:
    shape = _histograms(profile, summary, column, summary.bins[column.name])
    current = _median(column, summary.bins[column.name], profile.small_cell)
    return _with_missing(use_case, profile, summary, column, shape, "values", column.median, current)


def _category(use_case: UseCase, profile: Profile, summary: BatchSummary, column: CategoryProfile) -> _Test:
    reference = np.array([*column.counts, column.other], dtype=float) / profile.design_effect
    batch = summary.levels[column.name] / summary.design_effect
    return _with_missing(use_case, profile, summary, column, unordered(reference, batch), "shares of the levels")


def _with_missing(
    use_case: UseCase,
    profile: Profile,
    summary: BatchSummary,
    column: NumericProfile | CategoryProfile,
    shape: Difference,
    what: str,
    reference: float | None = None,
    current: float | None = None,
) -> _Test:
    """Where missing values are a matter of practice, a change of practice is drift of that column, not a fault."""
    name = column.name
    usual = _Test(
        "input drift", name, shape, f"the {what} of {name} differ from those of {profile.own}", reference, current
    )
    if use_case.feature(name).max_missing < 1.0:
        return usual
    n, m = profile.rows / profile.design_effect, summary.independent_rows
    before = column.missing / max(profile.rows, 1)
    now = blurred_share(summary.missing[name], summary.rows, profile.small_cell, usual=before)
    p = two_shares(before * n, n, now * m, m)
    if shape.p <= p:
        return _Test(
            "input drift", name, Difference(shape.effect, min(1.0, 2 * shape.p)), usual.what, reference, current
        )
    return _Test(
        "input drift", name, Difference(abs(now - before), min(1.0, 2 * p)),
        f"{name} is not recorded for {part(summary.missing[name], summary.rows, profile.small_cell)} of the patients, "
        f"for {percent(before)} of {profile.own}",
        before, now,
    )  # fmt: skip


def _prediction(profile: Profile, summary: BatchSummary) -> _Test:
    found = _histograms(profile, summary, profile.prediction, summary.prediction)
    current = _median(profile.prediction, summary.prediction, profile.small_cell)
    what = f"the model's predictions differ from those for {profile.own}"
    return _Test("prediction drift", None, found, what, profile.prediction.median, current)


def _histograms(
    profile: Profile, summary: BatchSummary, column: NumericProfile, counts: NDArray[np.int64]
) -> Difference:
    return ordered(np.array(column.counts, dtype=float) / profile.design_effect, counts / summary.design_effect)


def _median(column: NumericProfile, counts: NDArray[np.int64], small_cell: int) -> float | None:
    """Return the reference's bin edge next to the batch's median: coarse, and no patient's value."""
    total = int(counts.sum())
    if total < small_cell or not column.edges:
        return None
    place = int(np.searchsorted(np.cumsum(counts), total / 2.0))
    return column.edges[min(place, len(column.edges) - 1)]


def _rows(decision: Decision) -> float:
    return next((r.current for r in decision.readings if r.kind == "volume" and r.current is not None), 0.0)
