"""Before a monitor may decide it replays its reference: what will it cost in false alarms, what will it see?

The reference's patients are split in halves again and again. One half becomes the profile, the other arrives as rounds
of a world in which nothing has changed, so every decision but ``none`` is a false alarm. Profile and rounds are as
finite as they will be in service (the profile even half as large, which is the harder case).

Where sites have profiles of their own, every other split is one of a single site's patients, the sites in turn: a batch
of one site is read against that site alone, a mixed one against all, and both must keep quiet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from wardround.domain import Action, Batch, Decision, Interval, Sensitivity, from_json, to_json
from wardround.errors import AlreadyExists, MonitorNotArmed, NotFound
from wardround.monitoring.decision import decide
from wardround.monitoring.drift import drift_readings
from wardround.monitoring.performance import performance_readings
from wardround.monitoring.power import SmallestShift, smallest_shifts
from wardround.monitoring.profile import Profile, build_profile
from wardround.monitoring.quality import quality_readings
from wardround.monitoring.summary import BatchSummary
from wardround.settings import Settings
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    from wardround.store import Store

Floats = NDArray[np.float64]
MOST_ROWS = 3_000
"""A larger reference is replayed on a seeded sample of so many rows; a smaller profile only makes it harder."""
ROUNDS_PER_SPLIT = 4
LEAST_ROUNDS, MOST_ROUNDS = 100, 400
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Arming:
    """What the replay showed. *measured* and *interval* are false alarms a year, *smallest* what 80 % of rounds see."""

    use_case: str
    version: str
    budget: float
    measured: float
    interval: Interval
    rounds: int
    alarms: int
    batch_rows: int
    reference_rows: int
    smallest: tuple[SmallestShift, ...]
    armed: bool
    seed: int
    sites: int = 0

    @property
    def key(self) -> str:
        """Where it is stored."""
        return arming_key(self.use_case, self.version)

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        alone = f", half of them at one of {self.sites} sites alone" if self.sites else ""
        return (
            f"{self.alarms} false alarm(s) in {self.rounds} replayed rounds of {self.batch_rows} rows{alone}: "
            f"{self.measured:.2f} a year ({self.interval.low:.2f} to {self.interval.high:.2f}), "
            f"the budget is {self.budget:g}: {'armed' if self.armed else 'not armed'}"
        )


def arming_key(use_case: str, version: str) -> str:
    """Return where the arming of a version's monitor is stored."""
    return f"monitors/{use_case}/{version}/arming.json"


@dataclass(frozen=True)
class _Value:
    value: Floats


def arm(
    use_case: UseCase,
    profile: Profile,
    frame: pd.DataFrame,
    prediction: Floats,
    target: Floats,
    *,
    seed: int,
    version: str = "",
    rounds: int | None = None,
    loss: Floats | None = None,
) -> Arming:
    """Replay the reference rows *frame* (n) with their out-of-fold *prediction* (n), *target* (n) and *loss* (n).

    *loss* may be left out where it follows from prediction and outcome alone.

    So many *rounds* are replayed that none of them alarming would bound the rate below the budget (rule of
    three), at least 100 and at most 400. The monitor is armed unless the measured rate is shown to be over
    budget: the lower end of its 95 % interval (Clopper and Pearson 1934) lies above it.
    """
    monitoring = use_case.monitoring
    budget = monitoring.false_alarms_per_year
    if rounds is None:
        needed = 3.0 * monitoring.rounds_per_year / max(budget, 1e-9)
        rounds = int(np.clip(np.ceil(needed), LEAST_ROUNDS, MOST_ROUNDS))
    generator = np.random.default_rng(seed)
    frame = frame.astype(dict.fromkeys(use_case.categorical, object))  # small frames: Arrow's overhead is the cost
    alone = [np.flatnonzero(frame["site"] == site.site) for site in profile.sites]
    alone = [rows for rows in alone if len(rows) >= 4]
    made, alarms, size, splits = 0, 0, 0, 0
    while made < rounds and len(frame) >= 4:
        of_site = alone[splits // 2 % len(alone)] if alone and splits % 2 else None
        splits += 1
        sample = _patients(frame, generator, MOST_ROWS, of_site)
        split = _never_across(frame, sample, len(sample) // 2)
        reference, arriving = sample[:split], sample[split:]
        whole = len(frame) if of_site is None else len(of_site)
        usual = min(monitoring.rows_per_round or whole, max(whole // 2, 1))
        here = max(1, min(usual, len(arriving)))
        size = here if of_site is None else size
        mine = build_profile(
            use_case, frame.iloc[reference], _Value(prediction[reference]), target[reference], profile.importance,
            profile.seed, loss=None if loss is None else loss[reference], small_cell=profile.small_cell,
        )  # fmt: skip
        history: list[Decision] = []
        for number in range(min(ROUNDS_PER_SPLIT, len(arriving) // here, rounds - made)):
            rows = arriving[number * here : (number + 1) * here]
            lost = None if loss is None else loss[rows]
            history.append(_round(use_case, mine, frame.iloc[rows], prediction[rows], target[rows], lost, history))
            alarms += history[-1].action is not Action.NONE
            made += 1
    interval = _exact(alarms, made, monitoring.rounds_per_year)
    return Arming(
        use_case=use_case.name,
        version=version,
        budget=budget,
        measured=alarms / max(made, 1) * monitoring.rounds_per_year,
        interval=interval,
        rounds=made,
        alarms=alarms,
        batch_rows=size,
        reference_rows=profile.rows,
        smallest=smallest_shifts(use_case, profile, frame, size, generator),
        armed=made > 0 and interval.low <= budget,
        seed=seed,
        sites=len(alone),
    )


def arm_version(use_case: UseCase, version: str, *, store: "Store", settings: Settings, now: datetime) -> Arming:
    """Replay the training rows of *version* and store the outcome; once made, it is returned as it is.

    Raises:
        MonitorNotArmed: the replay is over budget; the outcome is stored all the same.
        NotFound: there is no such version.
        Corrupted: rows, predictions or profile are not what was written.
    """
    from wardround import batches, ledger, registry
    from wardround.monitoring.rounds import sha256_of
    from wardround.training import out_of_fold

    manifest = registry.load(store, use_case.name, version)
    key = arming_key(use_case.name, manifest.version)
    arming = stored_arming(store, use_case.name, manifest.version)
    if arming is None:
        profile = from_json(Profile, registry.read_file(store, manifest, "profile.json"))
        predicted = out_of_fold(store, manifest)
        learned = (batches.load(store, use_case.name, batch) for batch in manifest.batches)
        rows = pd.concat(
            [frame for batch in learned for frame in batches.frames(store, batch, contents=False)],
            ignore_index=True,
        ).drop_duplicates("record_id")
        names = [name for name in ("record_id", "target", "value", "loss") if name in predicted]
        joined = rows.drop(columns="target").merge(
            predicted[names].drop_duplicates("record_id"), on="record_id", how="inner"
        )
        arming = arm(
            use_case, profile, joined, joined["value"].to_numpy(dtype=float), joined["target"].to_numpy(dtype=float),
            seed=manifest.seed, version=manifest.version,
            loss=joined["loss"].to_numpy(dtype=float) if "loss" in joined else None,
        )  # fmt: skip
        try:
            store.put(key, to_json(arming), sensitivity=Sensitivity.AGGREGATE)
        except AlreadyExists:
            arming = from_json(Arming, store.get(key))
    ledger.append(
        store, act=f"arming {key}", kind="arming", use_case=use_case.name, actor=settings.actor, subject=key,
        hashes={key: sha256_of(store, key)}, reason=arming.sentence, now=now,
    )  # fmt: skip
    if not arming.armed:
        raise MonitorNotArmed(use_case.name, arming.measured, arming.budget)
    return arming


def stored_arming(store: "Store", use_case: str, version: str) -> Arming | None:
    """Return the stored arming of a version's monitor, or None when it was never replayed."""
    try:
        return from_json(Arming, store.get(arming_key(use_case, version)))
    except NotFound:
        return None


def _round(
    use_case: UseCase,
    profile: Profile,
    rows: pd.DataFrame,
    prediction: Floats,
    target: Floats,
    loss: Floats | None,
    history: Sequence[Decision],
) -> Decision:
    """Make one round on rows that are sound and unchanged; size and age are not what is replayed."""
    still = replace(
        use_case, monitoring=replace(use_case.monitoring, rows_per_round=None, freshness=None, min_rows=0)
    )  # fmt: skip
    summary = BatchSummary(profile)
    summary.update(rows.assign(target=target), prediction, loss)
    batch = Batch(
        use_case=use_case.name, id=str(len(history)), label="replay", source="replay", rows_in=len(rows),
        rows_accepted=len(rows), rows_quarantined=0, rows_labelled=summary.loss.total, refused=False, outcomes=(),
        faults=(), ingested_at=_EPOCH,
    )  # fmt: skip
    readings = (
        *quality_readings(still, profile, summary, batch, as_of=_EPOCH, small_cell=profile.small_cell),
        *drift_readings(still, profile, summary, history),
        *performance_readings(still, profile, summary),
    )
    return decide(
        still, batch, readings, champion="replay", rows=len(rows), outcomes=summary.loss.total,
        importance=profile.importance, as_of=_EPOCH, decided_at=_EPOCH,
    )  # fmt: skip


def _patients(
    frame: pd.DataFrame, generator: np.random.Generator, most: int, among: NDArray[np.intp] | None = None
) -> NDArray[np.intp]:
    """Return row numbers (of those *among*) with the patients in random order, about *most* at most.

    The rows of a patient stay together.
    """
    if among is not None:
        return np.asarray(among[_patients(frame.iloc[among], generator, most)], dtype=np.intp)
    if "patient_id" in frame:
        codes, found = pd.factorize(frame["patient_id"])
        rank = generator.permutation(len(found))
        order = np.argsort(rank[codes], kind="stable")
    else:
        order = generator.permutation(len(frame))
    return np.asarray(order[:most], dtype=np.intp)


def _never_across(frame: pd.DataFrame, sample: NDArray[np.intp], half: int) -> int:
    """Return the place nearest behind *half* at which a new patient begins."""
    if "patient_id" not in frame:
        return half
    patients = frame["patient_id"].to_numpy()[sample]
    place = half
    while place < len(sample) - 1 and patients[place] == patients[place - 1]:
        place += 1
    return place


def _exact(alarms: int, rounds: int, per_year: float) -> Interval:
    low = 0.0 if alarms == 0 else float(special.betaincinv(alarms, rounds - alarms + 1, 0.025))
    high = 1.0 if alarms >= rounds else float(special.betaincinv(alarms + 1, rounds - alarms, 0.975))
    return Interval(low=low * per_year, high=high * per_year, level=0.95)
