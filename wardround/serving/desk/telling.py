"""Decisions and readings as sentences in the reader's language, made from what they hold.

The stored sentences are English and are the record: an English page shows them as they are, any other page shows what
the same figures say and keeps the record beside it. A figure that would give a small count away is replaced.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wardround.domain import Action, Cause, Decision, Reading
from wardround.monitoring.decision import findings
from wardround.monitoring.drift import DRIFT_KINDS
from wardround.monitoring.performance import EXCESS, EXCESS_AT_NEW_RATE
from wardround.monitoring.quality import QUALITY_KINDS
from wardround.monitoring.wording import number
from wardround.monitoring.words import alike, percent
from wardround.serving.desk.texts import Words
from wardround.use_cases.base import UseCase

LIGHTS = {
    Action.NONE: "good",
    Action.INSUFFICIENT_DATA: "note",
    Action.RETRAIN: "warn",
    Action.RETRAIN_WITH_HUMAN: "bad",
    Action.QUARANTINE: "bad",
}
"""Action -> the kind of its light; the word beside it says which action it is."""
_SHARES = ("missing", "new levels", "duplicates", "validation", "range")
_NAMED = 5
_ALIKE = 3


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A sentence; *record*: it is the stored one, in English."""

    text: str
    record: bool = False


@dataclass(frozen=True)
class Teller:
    """Tells one decision. *t* are the texts, *small_cell* the smallest count that may be shown."""

    t: Words
    use_case: UseCase
    decision: Decision
    small_cell: int

    @property
    def rows(self) -> int:
        """How many rows the round read."""
        volume = next((r.current for r in self.decision.readings if r.kind == "volume"), None)
        return int(volume or 0)

    def headline(self) -> str:
        """What was decided and why, in a few words."""
        told = self.decision
        cause = "" if told.cause is Cause.NONE else self.t("content.in_brackets", text=self.t(f"cause.{told.cause}"))
        return self.t(f"headline.{told.action}") + cause

    def meaning(self) -> str:
        """What the cause means for those on duty."""
        if self.decision.action is Action.INSUFFICIENT_DATA:
            return self.t("meaning.insufficient data")
        later = self.t("meaning.cool down") if self.decision.in_cool_down else ""
        return self.t("content.joined", first=self.t(f"meaning.{self.decision.cause}"), second=later).strip()

    def next_step(self) -> str:
        """What to do next."""
        told = self.decision
        if told.in_cool_down and told.action in (Action.RETRAIN, Action.RETRAIN_WITH_HUMAN):
            return self.t("next.cool down")
        return self.t("next.no champion" if told.champion is None else f"next.{told.action}")

    def reasons(self, importance: Sequence[tuple[str, float]]) -> tuple[Sentence, ...]:
        """Why it was decided so; *importance* is the champion's (feature, loss increase)."""
        if self.t.code == "en":
            return tuple(self._recorded(reason) for reason in self.decision.reasons)
        return tuple(Sentence(text=text) for text in self._why(importance))

    def changes(self) -> tuple[Sentence, ...]:
        """What would have changed the decision."""
        few = self.decision.action is Action.INSUFFICIENT_DATA and self.rows < self.small_cell
        if self.t.code == "en" and not few:
            hidden = self._hidden_columns()
            return tuple(
                Sentence(text=text, record=True)
                for text in self.decision.what_would_change_it
                if not any(column in text for column in hidden)
            )
        return tuple(Sentence(text=text) for text in self._otherwise())

    def record(self) -> tuple[str, ...]:
        """The stored sentences, without those that would give a small count away."""
        hidden = [part for r in self.decision.readings if self.hidden(r) for part in (r.sentence, r.column) if part]
        return tuple(
            text
            for text in (*self.decision.reasons, *self.decision.what_would_change_it)
            if not any(part in text for part in hidden)
        )

    def says(self, reading: Reading) -> str:
        """What one reading says, from its figures."""
        return self.t(f"says.{self._variant(reading)}", **self._values(reading))

    def together(self, readings: Iterable[Reading]) -> tuple[str, ...]:
        """What readings say, those that say the same of several columns in one sentence."""
        return tuple(self.says(group[0]) + self._so_are(group) for group in alike(readings))

    def meaning_of(self, reading: Reading) -> str:
        """What a column stands for that was measured of a content: its name is not one the ward has given."""
        if reading.column not in self.use_case.feature_names:
            return ""
        feature = self.use_case.feature(reading.column)
        return f"{feature.of}: {feature.description}" if feature.of and feature.description else ""

    def kind(self, reading: Reading) -> str:
        """The name of what was read."""
        return self.t(f"reading.{reading.kind}")

    def about(self, reading: Reading) -> str:
        """What it was read in: a column, a metric, or the whole batch."""
        if reading.column is None:
            return self.t("content.whole_batch")
        if reading.kind.endswith("performance"):
            return self.t(f"metric.{reading.column}")
        return reading.column

    def effect(self, reading: Reading) -> str:
        """How large it is, on the scale of its limit; as a share where it is one."""
        if reading.effect is None:
            return ""
        if reading.kind in _SHARES:
            return self._share(reading.current)
        return number(reading.effect)

    def limit(self, reading: Reading) -> str:
        """What it was held against."""
        if reading.limit is None:
            return ""
        return percent(reading.limit) if reading.kind in _SHARES else f"{reading.limit:.3g}"

    def chance(self, reading: Reading) -> str:
        """The p-value in words."""
        if reading.p is None:
            return ""
        return self.t("content.p_below") if reading.p < 0.0001 else number(reading.p, digits=4)

    def hidden(self, reading: Reading) -> bool:
        """Whether its share would give a count away that is too small to be shown."""
        share = reading.current
        if share is None or not (reading.kind in _SHARES or self._not_recorded(reading)):
            return False
        return 0 < round(share * self.rows) < self.small_cell

    def _variant(self, reading: Reading) -> str:
        kind = reading.kind
        if kind == "input drift" and self._not_recorded(reading):
            return "input drift.not recorded"
        if kind == "units" and reading.alarm:
            return "units.other"
        if kind in ("volume", "target drift") and reading.reference is None:
            return f"{kind}.alone"
        if kind == "freshness" and reading.current is None:
            return "freshness.unknown"
        if kind == "range" and reading.current is None:
            return "range.few"
        if reading.column in (EXCESS, EXCESS_AT_NEW_RATE):
            return f"realised performance.{reading.column}"
        return f"{kind}.bare" if kind.endswith("performance") and reading.interval is None else kind

    def _values(self, reading: Reading) -> dict[str, str]:
        share = reading.kind in _SHARES or reading.kind == "target drift" or self._not_recorded(reading)
        tell = percent if share else number
        interval = reading.interval
        current = self._share(reading.current) if share else number(reading.current)
        if reading.kind == "volume":
            current = self._count(self.rows)
        return {
            "column": self.about(reading),
            "current": current,
            "reference": "" if reading.reference is None else tell(reading.reference),
            "effect": self.effect(reading),
            "limit": self.limit(reading),
            "low": "" if interval is None else number(interval.low),
            "high": "" if interval is None else number(interval.high),
            "few": str(self.small_cell),
        }

    def _share(self, share: float | None) -> str:
        if share is None:
            return self.t("content.not_measured")
        if 0 < round(share * self.rows) < self.small_cell:
            return self.t("content.under", share=percent(min(1.0, self.small_cell / self.rows)))
        return percent(share)

    def _not_recorded(self, reading: Reading) -> bool:
        """Whether drift was read in how often a column is recorded, not in its values."""
        if reading.kind != "input drift" or reading.reference is None or reading.current is None:
            return False
        known = reading.column in self.use_case.feature_names
        if not known or self.use_case.feature(reading.column or "").max_missing < 1.0 or not reading.effect:
            return False
        return abs(abs(reading.current - reading.reference) - reading.effect) < 1e-12

    def _hidden_columns(self) -> set[str]:
        return {reading.column for reading in self.decision.readings if reading.column and self.hidden(reading)}

    def _recorded(self, reason: str) -> Sentence:
        if self.decision.action is Action.INSUFFICIENT_DATA and self.rows < self.small_cell:
            return Sentence(text=self.t("why.insufficient", rows=self._count(self.rows)))
        for reading in self.decision.readings:
            if reading.sentence in reason and self.hidden(reading):
                return Sentence(text=self.says(reading))
        return Sentence(text=reason, record=True)

    def _why(self, importance: Sequence[tuple[str, float]]) -> list[str]:
        told, found = self.decision, findings(self.use_case, self.decision.readings, importance)
        moved = self._moved(found.drifted, found.share) if found.drifted else []
        if told.action is Action.INSUFFICIENT_DATA:
            return [self.t("why.insufficient", rows=self._count(self.rows))]
        if told.action is Action.QUARANTINE:
            faults = sorted(found.faults, key=lambda reading: reading.kind != "units")
            return [*self.together(faults), self.t("why.quarantine")]
        worse = [self.says(reading) for reading in found.worse]
        if told.cause is Cause.CONCEPT_DRIFT:
            return [*([self.says(found.excess)] if found.excess else []), self.t("why.concept")]
        if told.cause is Cause.COVARIATE_SHIFT:
            largest = sorted((r for r in found.shifts if r.column), key=lambda r: -(r.effect or 0.0))[:3]
            said = [*moved, *(self.says(reading) for reading in largest or found.shifts), *worse]
        elif told.cause is Cause.PRIOR_SHIFT:
            said = [*([self.says(found.target)] if found.target else []), self.t("why.prior")]
        elif told.cause is Cause.PERFORMANCE_LOSS:
            said = [*worse, self.t("why.performance")]
        else:
            said = [*moved, self.t("why.moved_little" if found.shifts else "why.none")]
        return [*said, *([self.t("why.cool down")] if told.in_cool_down else [])]

    def _moved(self, columns: Sequence[str], share: float) -> list[str]:
        named = self.t("content.comma").join(columns[:_NAMED])
        return [self.t("why.moved", n=len(columns), columns=named, share=percent(share))]

    def _otherwise(self) -> list[str]:
        told = self.decision
        found = findings(self.use_case, told.readings, ())
        if told.action is Action.INSUFFICIENT_DATA:
            return [self.t("change.insufficient", rows=self.use_case.monitoring.min_rows)]
        if told.action is Action.QUARANTINE:
            groups = alike(reading for reading in found.faults if reading.limit is not None)
            return [*(self._undone(group[0]) + self._so_are(group) for group in groups), self.t("change.deliver")]
        if told.cause is Cause.NONE:
            near = [r for r in told.readings if r.kind in DRIFT_KINDS and not r.alarm and r.effect is not None]
            nearest = min(near, key=lambda r: 1.0 if r.p is None else r.p, default=None)
            return [self._undone(nearest, "change.nearest")] if nearest else []
        target = [found.target] if told.cause is Cause.PRIOR_SHIFT and found.target else []
        excess = [found.excess] if told.cause is Cause.CONCEPT_DRIFT and found.excess else []
        undone = [self._undone(reading) for reading in (*excess, *target, *found.worse)]
        shift = self.t("change.shift", share=percent(self.use_case.monitoring.important_share))
        return [*([shift] if told.cause is Cause.COVARIATE_SHIFT else []), *undone]

    def _so_are(self, group: Sequence[Reading]) -> str:
        if len(group) == 1:
            return ""
        named = self.t("content.comma").join(self.about(reading) for reading in group[1 : 1 + _ALIKE])
        return self.t("says.alike", n=len(group) - 1, columns=named)

    def _undone(self, reading: Reading, key: str = "change.limit") -> str:
        return self.t(
            key, kind=self.kind(reading), column=self.about(reading),
            effect=self.effect(reading), limit=self.limit(reading),
        )  # fmt: skip

    def _count(self, count: int) -> str:
        return self.t("content.fewer", n=self.small_cell) if 0 < count < self.small_cell else f"{count:,}"


def loud_first(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """Return the alarms first, each group with the largest effect (in multiples of its limit) first."""
    return tuple(
        sorted(readings, key=lambda r: (not r.alarm, -abs(r.effect) / abs(r.limit) if r.effect and r.limit else 0.0))
    )


GROUPS: dict[str, tuple[str, ...]] = {
    "quality": QUALITY_KINDS,
    "drift": (*DRIFT_KINDS, "target drift"),
    "performance": ("estimated performance", "realised performance"),
}
"""Group of readings (a filter of the round's page) -> the kinds in it."""
