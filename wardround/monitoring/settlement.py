"""Estimates meet the truth: once outcomes arrive, what was estimated is settled, and a bad estimator is demoted."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from wardround import ledger
from wardround.domain import Decision, Interval, Sensitivity, from_json, to_json
from wardround.errors import AlreadyExists
from wardround.evaluation.wording import metric_name
from wardround.monitoring.performance import MIN_OUTCOMES, band, realised
from wardround.monitoring.profile import Profile
from wardround.monitoring.rounds import decisions
from wardround.monitoring.summary import BatchSummary
from wardround.settings import Settings
from wardround.store import Store
from wardround.use_cases.base import UseCase

MISSES = 2
OF_LAST = 3
"""An estimator that missed its band in 2 of its last 3 settlements no longer alarms. A sound one misses 5 % of the
time, so that it is demoted in at most 0.75 % of such triples."""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """One metric: the stored estimate, its band for so many outcomes, and the truth."""

    metric: str
    estimated: float
    realised: float
    band: Interval
    inside: bool


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """The estimates of one decision, settled on *outcomes* rows. *loss_inside*: the deciding metric was in its band."""

    use_case: str
    batch: str
    label: str
    champion: str
    as_of: datetime
    outcomes: int
    figures: tuple[Settled, ...]
    loss_inside: bool
    settled_at: datetime

    @property
    def key(self) -> str:
        """Where it is stored: the same outcomes give the same key."""
        content = replace(self, settled_at=datetime.fromtimestamp(0, UTC))
        digest = hashlib.sha256(to_json(content)).hexdigest()[:12]
        return f"rounds/{self.use_case}/{self.batch}/{self.champion}/settlement-{digest}.json"

    def as_row(self) -> dict[str, Any]:
        """Return it for tables and JSON, the batch under its label."""
        return {
            "batch": self.label,
            "champion": self.champion,
            "outcomes": self.outcomes,
            "figures": [
                {
                    "batch": self.label, "metric": figure.metric, "estimated": figure.estimated,
                    "realised": figure.realised, "inside": figure.inside,
                }
                for figure in self.figures
            ],
        }  # fmt: skip


def settlement_of(
    decision: Decision, profile: Profile, summary: BatchSummary, settled_at: datetime
) -> Settlement | None:
    """Hold the estimates that *decision* stored against the outcomes in *summary*; None while there are too few."""
    outcomes = summary.loss.total
    if outcomes < MIN_OUTCOMES or decision.champion is None:
        return None
    truth = realised(profile, summary)
    estimator = profile.estimator
    figures = []
    for reading in decision.readings:
        known = estimator.known(reading.column or "")
        value = truth.get(reading.column or "", float("nan"))
        if reading.kind != "estimated performance" or known is None or reading.current is None or value != value:
            continue
        limits = band(known, reading.current, estimator.rows, outcomes / summary.design_effect)
        figures.append(
            Settled(
                metric=known.metric, estimated=reading.current, realised=value, band=limits,
                inside=limits.low <= value <= limits.high,
            )
        )  # fmt: skip
    if not figures:
        return None
    return Settlement(
        use_case=decision.use_case,
        batch=decision.batch,
        label=decision.label,
        champion=decision.champion,
        as_of=decision.as_of,
        outcomes=outcomes,
        figures=tuple(figures),
        loss_inside=all(figure.inside for figure in figures if figure.metric == estimator.loss_metric),
        settled_at=settled_at,
    )


def keep(store: Store, settlement: Settlement, *, actor: str) -> bool:
    """Store *settlement* once; return whether it is new."""
    try:
        sha256 = store.put(settlement.key, to_json(settlement), sensitivity=Sensitivity.AGGREGATE)
        new = True
    except AlreadyExists:
        sha256 = hashlib.sha256(store.get(settlement.key)).hexdigest()
        new = False
    missed = [figure.metric for figure in settlement.figures if not figure.inside]
    ledger.append(
        store,
        act=f"settlement {settlement.key}",
        kind="settlement",
        use_case=settlement.use_case,
        actor=actor,
        subject=settlement.key,
        hashes={settlement.key: sha256},
        reason=f"the estimates missed their band: {', '.join(metric_name(each) for each in missed)}"
        if missed
        else "every estimate was in its band",
        now=settlement.settled_at,
    )
    return new


def settlements(store: Store, use_case: str, champion: str) -> tuple[Settlement, ...]:
    """Return the settlements under *champion* by the moment of their decision; of one decision the fullest."""
    keys = [key for key in store.keys(f"rounds/{use_case}/") if f"/{champion}/settlement-" in key]
    return fullest(from_json(Settlement, store.get(key)) for key in keys)


def fullest(found: Iterable[Settlement]) -> tuple[Settlement, ...]:
    """Return of each decision the settlement on most outcomes, by the moment of the decision."""
    kept: dict[tuple[str, str], Settlement] = {}
    for each in found:
        known = kept.get((each.batch, each.champion))
        if known is None or (each.outcomes, each.settled_at) > (known.outcomes, known.settled_at):
            kept[each.batch, each.champion] = each
    return tuple(sorted(kept.values(), key=lambda settlement: (settlement.as_of, settlement.batch)))


def demotion(settled: Sequence[Settlement]) -> str | None:
    """Return why the estimator of these settlements (oldest first) may not alarm, or None when it may."""
    recent = list(settled)[-OF_LAST:]
    missed = sum(not settlement.loss_inside for settlement in recent)
    if missed < MISSES:
        return None
    return f"the estimator is demoted, it missed its band in {missed} of its last {len(recent)} settlements"


def settle(use_case: UseCase, *, store: Store, settings: Settings, now: datetime) -> tuple[Settlement, ...]:
    """Settle every decision whose batch has outcomes that it was not yet settled on; return what is new.

    Rows that the champion learned from settle nothing: on them it flatters itself.

    Raises:
        Corrupted: rows or a profile are not what was written.
    """
    from wardround import batches, registry
    from wardround.monitoring.visit import load_profile, summarise_batch

    known = {
        s.batch + s.champion: s.outcomes
        for champion in _champions(store, use_case.name)
        for s in settlements(store, use_case.name, champion)
    }
    fresh = []
    for decision in decisions(store, use_case.name):
        if decision.champion is None or not any(r.kind == "estimated performance" for r in decision.readings):
            continue
        if decision.batch in registry.load(store, use_case.name, decision.champion).batches:
            continue
        batch = batches.load(store, use_case.name, decision.batch)
        if batches.labelled_count(store, batch) <= known.get(decision.batch + decision.champion, MIN_OUTCOMES - 1):
            continue
        profile = load_profile(store, use_case.name, decision.champion)
        summary = summarise_batch(use_case, batch, profile, decision.champion, store=store)
        settlement = settlement_of(decision, summary.profile, summary, now)
        if settlement is not None and keep(store, settlement, actor=settings.actor):
            fresh.append(settlement)
    return tuple(fresh)


def _champions(store: Store, use_case: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(d.champion for d in decisions(store, use_case) if d.champion))
