"""What a verdict asked, what it found and whom a version waits for, in the reader's language, from what they hold."""

from dataclasses import dataclass

from wardround.approvals import Standing, persons_of, whose_count
from wardround.domain import CriterionResult, Interval
from wardround.evaluation.wording import described
from wardround.monitoring.wording import number
from wardround.problems import problem_of
from wardround.serving.desk.texts import Words
from wardround.use_cases.base import Comparison, UseCase


@dataclass(frozen=True)
class Judged:
    """Says it for one use case with the texts *t*."""

    t: Words
    use_case: UseCase

    def waits_for(self, standing: Standing) -> str:
        """Whom the version waits for; empty: for nobody. English pages show the record's own words."""
        if self.t.code == "en" or not standing.missing:
            return standing.missing
        if standing.rejected is not None:
            return self.t("waits.another", person=standing.rejected.person)
        if not standing.verdict.criteria:
            return self.t("waits.gate")
        given = persons_of(standing.valid)
        left = whose_count(self.use_case, standing.trainer, besides=given)
        named = "*" not in self.use_case.retraining.may_promote
        whom = self.t("waits.named", names=self.t("content.comma").join(left)) if named else self.t("waits.approver")
        if named and not left:
            whom = self.t("waits.nobody_left")
        if standing.verdict.passed:
            return whom
        if given:
            return self.t("waits.second", names=self.t("content.comma").join(sorted(given)), whom=whom)
        return self.t("waits.two", whom=whom)

    def band(self, value: float | None, interval: Interval | None) -> str:
        """A figure and its interval."""
        if value is None:
            return self.t("content.not_measured")
        if interval is None:
            return number(value)
        return self.t("content.with_band", value=number(value), low=number(interval.low), high=number(interval.high))

    def criterion(self, result: CriterionResult) -> str:
        """What a criterion asks for."""
        if not result.metric:
            return result.criterion
        what = self.t(f"limit.{result.metric}" if result.kind == "limit" else f"metric.{result.metric}")
        population = f"population.{result.population}"
        asked = self.t(
            f"criterion.{result.kind}{self._end(result)}", what=what, limit=self._limit(result),
            margin=f"{abs(result.limit or 0.0):g}", population=self.t(population) if population in self.t else "",
        )  # fmt: skip
        by = self._by.get(result.criterion, ())
        return asked + (self.t("criterion.by", columns=self.t("content.comma").join(by)) if by else "")

    def _end(self, result: CriterionResult) -> str:
        """Whether a floor must be reached, stayed under (losses), or is a distance from an ideal (slopes)."""
        if result.kind != "floor":
            return ""
        metric = problem_of(self.use_case).metric(result.metric)
        return ".near" if metric.ideal is not None else "" if metric.higher_is_better else ".under"

    def _limit(self, result: CriterionResult) -> str:
        """The limit without needless zeros: a floor of 0.7, a size of 20,000,000."""
        limit = result.limit or 0.0
        return number(limit) if abs(limit) >= 1000 else f"{limit:g}"

    @property
    def _by(self) -> dict[str, tuple[str, ...]]:
        return {described(gate): gate.by for gate in self.use_case.gates if isinstance(gate, Comparison)}

    def found(self, result: CriterionResult) -> str:
        """The figure of a criterion; one that held without a figure was not applicable."""
        if result.figure is None and result.passed:
            return self.t("content.not_applicable")
        return self.band(result.figure, result.interval)

    def limit(self, result: CriterionResult) -> str:
        """What its figure was held against."""
        return "" if result.limit is None else self._limit(result)
