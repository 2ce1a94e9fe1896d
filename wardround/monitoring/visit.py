"""The visit: score a batch with the champion, read it, decide, and write the decision down before anyone acts on it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from wardround.domain import Batch, Decision, Sensitivity, from_json, to_json
from wardround.errors import AlreadyExists, Corrupted, MonitorNotArmed, NoChampion
from wardround.monitoring.arming import arm_version, stored_arming
from wardround.monitoring.decision import decide
from wardround.monitoring.drift import drift_readings
from wardround.monitoring.performance import performance_readings
from wardround.monitoring.profile import Profile
from wardround.monitoring.quality import quality_readings
from wardround.monitoring.rounds import (
    RetrainingRecord,
    decisions,
    in_cool_down,
    latest_decision,
    pending,
    record_retraining,
    retraining_of,
    sha256_of,
    stored_decision,
)
from wardround.monitoring.settlement import demotion, keep, settlement_of, settlements
from wardround.monitoring.sites import reference_for
from wardround.monitoring.summary import BatchSummary, summarise
from wardround.predicted import prediction_of
from wardround.problems import Prediction, Problem, problem_of
from wardround.problems.base import Floats, judged, selected, with_answer
from wardround.settings import Settings
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    from wardround.store import Store

__all__ = [
    "RetrainingRecord", "latest_decision", "load_profile", "monitor", "pending", "record_retraining", "retraining_of",
    "summarise_batch",
]  # fmt: skip


def monitor(
    use_case: UseCase,
    batch: Batch,
    *,
    store: "Store",
    settings: Settings,
    now: datetime,
    as_of: datetime,
    cool_down: timedelta | None = None,
) -> Decision:
    """Make the visit for *batch* and return its decision, which is final: made once per batch and champion.

    *as_of* is the moment the visit stands for (rows age against it, the cool-down is counted to it);
    *cool_down* overrides that of the use case.

    Raises:
        NoChampion: there is none.
        MonitorNotArmed: the champion's monitor alarms more often than the budget allows.
        Corrupted: rows, model or profile are not what was written.
    """
    from wardround import registry
    from wardround.scoring import score

    champion = registry.champion(store, use_case.name)
    if champion is None:
        raise NoChampion(use_case.name)
    version = registry.load(store, use_case.name, champion.version)
    key = f"rounds/{use_case.name}/{batch.id}/{version.version}/decision.json"
    known = stored_decision(store, key)
    if known is not None:
        _remember(store, known, settings, now)
        return known
    arming = stored_arming(store, use_case.name, version.version)
    if arming is None:
        arming = arm_version(use_case, version.version, store=store, settings=settings, now=now)
    if not arming.armed:
        raise MonitorNotArmed(use_case.name, arming.measured, arming.budget)
    whole = load_profile(store, use_case.name, version.version)
    if batch.rows_accepted:
        score(use_case, batch, store=store, settings=settings, now=now, version=version)
    summary = summarise_batch(use_case, batch, whole, version.version, store=store)
    profile = summary.profile
    earlier = [d for d in decisions(store, use_case.name, champion=version.version) if d.as_of < as_of]
    demoted = demotion([s for s in settlements(store, use_case.name, version.version) if s.as_of < as_of])
    learned = batch.id in version.batches
    readings = (
        *quality_readings(use_case, profile, summary, batch, as_of=as_of, small_cell=settings.small_cell),
        *drift_readings(use_case, profile, summary, earlier),
        *(() if learned else performance_readings(use_case, profile, summary, demoted=demoted)),
    )
    decision = decide(
        use_case, batch, readings, champion=version.version, rows=summary.rows, outcomes=summary.loss.total,
        importance=profile.importance, as_of=as_of, decided_at=now,
        in_cool_down=in_cool_down(
            store, use_case.name, as_of, use_case.retraining.cool_down if cool_down is None else cool_down
        ),
    )  # fmt: skip
    if learned:
        flattered = (
            "the champion learned from these very rows, so what it achieves on them proves nothing and is not read"
        )
        decision = replace(decision, reasons=(*decision.reasons, flattered))
    try:
        store.put(decision.key, to_json(decision), sensitivity=Sensitivity.AGGREGATE)
    except AlreadyExists:
        decision = from_json(Decision, store.get(decision.key))
    _remember(store, decision, settings, now)
    if not learned:
        settlement = settlement_of(decision, profile, summary, now)
        if settlement is not None:
            keep(store, settlement, actor=settings.actor)
    return decision


def load_profile(store: "Store", use_case: str, version: str) -> Profile:
    """Return the reference profile of *version*, its hash verified."""
    from wardround import registry

    manifest = registry.load(store, use_case, version)
    return from_json(Profile, registry.read_file(store, manifest, "profile.json"))


def summarise_batch(use_case: UseCase, batch: Batch, profile: Profile, version: str, *, store: "Store") -> BatchSummary:
    """Stream *batch* with its stored predictions of *version*; of a refused batch the quarantined rows, unscored.

    It is summarised against the part of *profile* that is its reference (its site's, or the whole), which is the
    summary's ``profile`` and the one that its readings must be made with.
    """
    return summarise(_reference(use_case, batch, profile, store), _rows(use_case, batch, version, store))


def _reference(use_case: UseCase, batch: Batch, profile: Profile, store: "Store") -> Profile:
    from wardround import batches

    if use_case.site is None or not profile.sites:
        return profile
    return reference_for(profile, batches.sites(store, batch, quarantined=not batch.rows_accepted))


def _rows(
    use_case: UseCase, batch: Batch, version: str, store: "Store"
) -> "Iterator[tuple[pd.DataFrame, Floats | None, Floats | None]]":
    from wardround import batches, scoring

    if not batch.rows_accepted:
        for frame in batches.frames(store, batch, quarantined=True, contents=False):
            yield frame, None, None
        return
    predicted = scoring.prediction_frames(store, use_case, batch, version)
    waiting = pd.DataFrame({"record_id": [], "value": []})
    problem = problem_of(use_case)
    for frame in batches.frames(store, batch, contents=problem.truth is not None):
        while len(waiting) < len(frame) and (more := next(predicted, None)) is not None:
            waiting = pd.concat([waiting, more], ignore_index=True) if len(waiting) else more
        mine, waiting = waiting.iloc[: len(frame)], waiting.iloc[len(frame) :]
        if not np.array_equal(mine["record_id"].to_numpy(), frame["record_id"].to_numpy()):
            raise Corrupted(f"predictions/{use_case.name}/{batch.id}/", "its rows are not those of the batch")
        yield frame, mine["value"].to_numpy(dtype=float), _losses(problem, frame, prediction_of(problem, mine))


def _losses(problem: Problem, frame: pd.DataFrame, prediction: Prediction) -> Floats:
    """Return the loss of each row (n,), NaN where the answer is not known yet."""
    known = np.flatnonzero(with_answer(problem, frame))
    losses = np.full(len(frame), np.nan)
    if len(known):
        truths = frame["truth"].to_numpy()[known] if problem.truth else None
        found = judged(problem, truths, selected(prediction, known))
        losses[known] = problem.losses(frame["target"].to_numpy(dtype=float)[known], found)
    return losses


def _remember(store: "Store", decision: Decision, settings: Settings, now: datetime) -> None:
    from wardround import ledger

    ledger.append(
        store, act=f"decision {decision.key}", kind="decision", use_case=decision.use_case, actor=settings.actor,
        subject=decision.key, hashes={decision.key: sha256_of(store, decision.key)},
        reason=f"{decision.action.value}, {decision.cause.value}: {decision.reasons[0]}", now=now,
    )  # fmt: skip
