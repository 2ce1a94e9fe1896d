"""The gate: every criterion of a use case held against a challenger, each with figure, interval and a sentence.

Missing is not passing: an unknown metric, a figure that is not a number, an interval that could not be had, rows that
cannot be paired, all fail. The criteria form an intersection-union test (Berger 1982): each is tested at its own
level, and a challenger that does not deserve to pass one of them passes all of them at most that often. How the
champion is compared once the population has moved: docs/explanation/gates.md.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from wardround.domain import CriterionResult, Interval, Verdict
from wardround.evaluation.comparison import ASSESSABLE, Judged, Part, ScoredRows, compare, pairing_fault
from wardround.evaluation.measure import measured, why_no_interval
from wardround.evaluation.wording import (
    comparison_paragraph,
    described,
    metric_name,
    number,
    patients_of,
    rows_in_words,
)
from wardround.use_cases.base import Comparison, Criterion, Floor, Limit, UseCase

if TYPE_CHECKING:
    from wardround.problems.base import Metric

NOISE = 1e-9
"""An improvement below this is rounding, not superiority."""

_UNITS = {"size": "bytes", "latency": "ms", "features": "features"}


def judge(
    use_case: UseCase,
    challenger: Judged,
    champion: Judged | None,
    *,
    seed: int,
    small_cell: int,
    notes: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on *challenger*, compared with *champion* (None: there is none yet).

    *notes* are sentences on how the rows came about, for the verdict's paragraph. The same input gives the same
    verdict. Without any criterion the verdict holds none and is a refusal; without a floor, or with a
    champion and no comparison, a failed criterion says so.
    """
    judgement = _Judgement(use_case, challenger, champion, seed, small_cell)
    results = [judgement.result(gate) for gate in use_case.gates]
    if results and not any(isinstance(gate, Floor) for gate in use_case.gates):
        results.append(_absent("floor", "no floor is configured: nothing says what a model must reach at the least"))
    if results and champion and not any(isinstance(gate, Comparison) for gate in use_case.gates):
        results.append(_absent("comparison", "no comparison is configured: a champion is not replaced unmeasured"))
    return Verdict(
        use_case=use_case.name,
        challenger=challenger.version,
        champion=champion.version if champion else None,
        comparison=comparison_paragraph(challenger, champion, notes, small_cell),
        criteria=tuple(results),
    )


class _Judgement:
    def __init__(self, use_case: UseCase, challenger: Judged, champion: Judged | None, seed: int, small_cell: int):
        from wardround.problems import problem_of

        self.use_case = use_case
        self.challenger = challenger
        self.champion = champion
        self.seed = seed
        self.small_cell = small_cell
        self.compared: dict[tuple[str, str, tuple[str, ...]], tuple[tuple[Part, ...], str | None]] = {}
        self.problem = problem_of(use_case)
        self.metrics: dict[str, Metric] = {metric.name: metric for metric in self.problem.metrics}

    def result(self, gate: Criterion) -> CriterionResult:
        if isinstance(gate, Floor):
            return self._floor(gate)
        if isinstance(gate, Limit):
            return self._limit(gate)
        return self._comparison(gate)

    def _floor(self, gate: Floor) -> CriterionResult:
        population = "current" if "current" in self.challenger.scored else "reference"
        say = _reporter(gate, "floor", gate.metric, population, gate.limit)
        rows = self._rows(self.challenger, population)
        metric = self.metrics.get(gate.metric)
        if metric is None:
            return say(f"{gate.metric} is not a metric of this problem, so it could not be measured")
        name = metric_name(gate.metric)
        if rows is None or rows.patients < self.small_cell:
            return say(f"{name} was not measured: fewer than {self.small_cell} patients have an outcome")
        estimate = measured(
            (metric,), rows.target, rows.prediction, rows.patient_id, self.use_case.threshold, seed=self.seed
        )[gate.metric]
        place = rows_in_words(rows, population)
        found = f"{name} is {number(estimate.value)}{_between(estimate.interval)} on {place}"
        if estimate.interval is None:
            return say(f"{found}: {why_no_interval(estimate, gate.metric)}", estimate.value)
        low, high = estimate.interval.low, estimate.interval.high
        if metric.ideal is not None:
            passed = max(abs(low - metric.ideal), abs(high - metric.ideal)) <= gate.limit
            end = f"the end further from {metric.ideal:g}"
            verb = "stays within" if passed else "is not within"
            limit = f"{number(gate.limit)} of it"
        elif metric.higher_is_better:
            passed = low >= gate.limit
            end, verb, limit = "its lower end", "reaches" if passed else "does not reach", number(gate.limit)
        else:
            passed = high <= gate.limit
            end, verb = "its upper end", "stays under" if passed else "does not stay under"
            limit = number(gate.limit)
        return say(f"{found}; {end} {verb} {limit}", estimate.value, estimate.interval, passed)

    def _limit(self, gate: Limit) -> CriterionResult:
        features = self.challenger.features
        value = {
            "size": self.challenger.size,
            "latency": self.challenger.latency,
            "features": None if features is None else len(features),
        }[gate.what]
        say = _reporter(gate, "limit", gate.what, "artifact", gate.limit)
        if value is None or not math.isfinite(value):
            return say(f"{gate.what} was not measured")
        strange = set(features or ()) - set(self.use_case.input_names)
        if gate.what == "features" and strange:
            return say(f"it uses {len(strange)} feature(s) that the use case does not name", float(value))
        passed = value <= gate.limit
        unit = _UNITS[gate.what]
        verdict = "within" if passed else "over"
        told = f"{gate.what}: {number(value)} {unit}, {verdict} the limit of {number(gate.limit)}"
        return say(told, float(value), None, passed)

    def _comparison(self, gate: Comparison) -> CriterionResult:
        champion = self.champion
        limit = 0.0 if gate.kind == "superior" else -gate.margin
        if champion is None:
            say = _reporter(gate, gate.kind, gate.metric, gate.population, limit)
            return say("not applicable: there is no champion yet to compare with; the floors decide", passed=True)
        population, fallback = gate.population, ""
        if population == "current" and "current" not in self.challenger.scored and "current" not in champion.scored:
            population = "reference"
            fallback = " (there are no rows the champion has not learned from, so its own rows stand in for them)"
        say = _reporter(gate, gate.kind, gate.metric, population, limit)
        metric = self.metrics.get(gate.metric)
        if metric is None:
            return say(f"{gate.metric} is not a metric of this problem, so nothing was compared")
        name = metric_name(gate.metric)
        if gate.kind == "superior" and metric.of_fits:
            return say(
                f"no superiority in {gate.metric} can be shown: its interval does not hold the chance of new fits"
            )
        rows, others = self._rows(self.challenger, population), self._rows(champion, population)
        if rows is None or others is None:
            return say(f"no {population} rows were scored by both models, so nothing was compared")
        fault = pairing_fault(rows, others)
        if fault is None and rows.patients < self.small_cell:
            fault = f"fewer than {self.small_cell} patients have an outcome"
        parts: tuple[Part, ...] = ()
        if fault is None:
            parts, fault = self._parts(metric, population, rows, others, gate.by)
        if fault is not None:
            return say(f"{name} was not compared on the {population} rows: {fault}{fallback}")
        worst = min(parts, key=_lowest)
        estimate, end = worst.estimate, worst.estimate.interval
        where = f"{worst.rows:,} {population} rows of {patients_of(estimate.patients)}"
        scope = f" in the worst of {len(parts)} groups ({worst.name})" if gate.by else ""
        found = f"{name}{scope} improves by {number(estimate.value)}{_between(end)} on {where}{fallback}"
        if end is None:
            return say(f"{found}: {why_no_interval(estimate)}", estimate.value)
        if gate.kind == "superior":
            passed = end.low > NOISE
            told = "the whole interval is above 0" if passed else "the interval is not above 0"
        else:
            passed = end.low > -gate.margin
            told = f"a loss of the margin, {number(gate.margin)}, {'is' if passed else 'cannot be'} ruled out"
        return say(f"{found}; {told}", estimate.value, end, passed)

    def _parts(
        self, metric: "Metric", population: str, rows: ScoredRows, others: ScoredRows, by: tuple[str, ...]
    ) -> tuple[tuple[Part, ...], str | None]:
        key = (metric.name, population, by)
        if key not in self.compared:
            self.compared[key] = compare(
                metric, rows, others, by, self.use_case.threshold,
                seed=self.seed, assessable=max(ASSESSABLE, self.small_cell), two_classes=self.problem.two_classes,
            )  # fmt: skip
        return self.compared[key]

    def _rows(self, judged: Judged, population: str) -> ScoredRows | None:
        rows = judged.scored.get(population)
        return rows if rows is not None and len(rows) else None


def _reporter(gate: Criterion, kind: str, metric: str, population: str, limit: float) -> Callable[..., CriterionResult]:
    def say(
        sentence: str, figure: float | None = None, interval: Interval | None = None, passed: bool = False
    ) -> CriterionResult:
        return CriterionResult(
            criterion=described(gate), kind=kind, metric=metric, population=population,
            figure=figure if figure is not None and math.isfinite(figure) else None,
            interval=interval, limit=limit, passed=bool(passed), sentence=sentence, reason=gate.reason,
        )  # fmt: skip

    return say


def _absent(what: str, sentence: str) -> CriterionResult:
    return CriterionResult(
        criterion=f"at least one {what}", kind=what, metric="", population="", figure=None, interval=None,
        limit=None, passed=False, sentence=sentence, reason="a model that nothing was asked of is not promoted",
    )  # fmt: skip


def _lowest(part: Part) -> float:
    end = part.estimate.interval
    return -np.inf if end is None or not np.isfinite(end.low) else end.low


def _between(interval: Interval | None) -> str:
    if interval is None:
        return ""
    return f" ({interval.level:.0%} interval {number(interval.low)} to {number(interval.high)})"
