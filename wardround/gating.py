"""The gate against the store: the rows both models can be judged on, the verdict, its place and its ledger entry.

Each model is judged on a row by a prediction made without the outcome of the row's patient: out-of-fold where it
learned from the row, fresh where it did not. The rows that the champion learned from are the reference, all others
with an outcome are the current population.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from wardround import ledger, registry
from wardround.domain import ModelVersion, Sensitivity, Verdict, from_json, to_json
from wardround.errors import AlreadyExists, Corrupted, NotFound, PromotionRefused
from wardround.evaluation.comparison import Judged, ScoredRows
from wardround.evaluation.gates import judge
from wardround.evaluation.wording import described
from wardround.predicted import prediction_of
from wardround.privacy import in_words
from wardround.problems import PROBLEMS
from wardround.problems.base import joined, judged, selected, with_answer
from wardround.scoring import load_learner
from wardround.training import TRUTH, out_of_fold, truth_hashes
from wardround.training.gathering import gather
from wardround.use_cases.base import Comparison, UseCase

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from wardround.models import Learner
    from wardround.problems import Prediction, Problem
    from wardround.settings import Settings
    from wardround.store import Store

_TIMINGS = 30


def gate(use_case: UseCase, version: str, *, store: "Store", settings: "Settings", now: datetime) -> Verdict:
    """Return the verdict on *version* against the present champion; made once, stored, and in the ledger.

    Gating the same pair again returns the stored verdict: a model is not judged until it passes.

    Raises:
        NotFound: there is no such version.
        Corrupted: a model, its rows or its verdict are not what was written.
        PromotionRefused: *version* serves already, or its stored verdict is on other criteria than are configured now.
    """
    candidate = registry.load(store, use_case.name, version)
    pointer = registry.champion(store, use_case.name)
    serving = registry.load(store, use_case.name, pointer.version) if pointer else None
    if serving is not None and serving.version == candidate.version:
        raise PromotionRefused(use_case.name, candidate.version, ("it is the champion already",))
    key = verdict_key(candidate, serving.version if serving else None)
    verdict, body = _stored(store, key)
    if verdict is None:
        verdict = _judged(use_case, candidate, serving, store=store, small_cell=settings.small_cell)
        body = to_json(verdict, indent=1)
        try:
            store.put(key, body, sensitivity=Sensitivity.AGGREGATE)
        except AlreadyExists:  # another run was first, with another latency
            verdict, body = _stored(store, key)
            assert verdict is not None
    _same_criteria(use_case, candidate, verdict)
    digest = hashlib.sha256(body).hexdigest()
    ledger.append(
        store, act=f"verdict:{use_case.name}:{candidate.version}:{verdict.champion or 'none'}:{digest[:16]}",
        kind="verdict", use_case=use_case.name, actor=settings.actor, subject=candidate.version,
        hashes={key: digest}, reason="passed" if verdict.passed else "; ".join(verdict.reasons), now=now,
    )  # fmt: skip
    return verdict


def stored(
    use_case: UseCase, candidate: ModelVersion, champion: str | None, *, store: "Store"
) -> tuple[Verdict, str] | None:
    """Return the stored verdict on *candidate* against *champion* and its sha256, None when it was not judged yet.

    Raises:
        Corrupted: what is stored is not a verdict.
        PromotionRefused: it is on other criteria than are configured now.
    """
    verdict, body = _stored(store, verdict_key(candidate, champion))
    if verdict is None:
        return None
    _same_criteria(use_case, candidate, verdict)
    return verdict, hashlib.sha256(body).hexdigest()


def verdict_key(challenger: ModelVersion, champion: str | None) -> str:
    """Return where the verdict on *challenger* against *champion* is."""
    return f"{challenger.prefix}verdicts/{champion or 'none'}.json"


@dataclass(frozen=True, kw_only=True)
class _Side:
    version: ModelVersion
    problem: "Problem"
    learner: "Learner"
    kept: "pd.DataFrame"

    @classmethod
    def of(cls, store: "Store", version: ModelVersion) -> "_Side":
        kept = out_of_fold(store, version).drop_duplicates("record_id", keep="last").set_index("record_id")
        problem = PROBLEMS[version.problem]
        return cls(version=version, problem=problem, learner=load_learner(store, version), kept=kept)

    def predict(self, frame: "pd.DataFrame") -> "_Answered":
        """Return a prediction per row of *frame*, out-of-fold for the rows it learned from."""
        learned = frame["record_id"].isin(self.kept.index).to_numpy()
        parts: list[tuple[np.ndarray, Prediction]] = []
        if learned.any():
            old = self.kept.loc[frame.loc[learned, "record_id"]]
            parts.append((np.flatnonzero(learned), prediction_of(self.problem, old)))
        if not learned.all():
            rows = frame.loc[~learned]
            fresh = judged(self.problem, rows.get("truth"), self.learner.predict(rows))
            parts.append((np.flatnonzero(~learned), fresh))
        return _Answered(
            prediction=joined(len(frame), parts), learned=int(learned.sum()), stale=self._stale(frame, learned)
        )

    def _stale(self, frame: "pd.DataFrame", learned: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
        """Return which rows (n,) have out-of-fold parts by another truth than they have now, or by an unknown one."""
        stale = np.zeros(len(frame), dtype=bool)
        if self.problem.judged is not None and learned.any():
            rows = frame.loc[learned]
            then = self.kept.reindex(index=rows["record_id"], columns=[TRUTH])[TRUTH].to_numpy(dtype=object)
            stale[learned] = then != np.array(truth_hashes(rows), dtype=object)
        return stale


@dataclass(frozen=True, kw_only=True, eq=False)
class _Answered:
    prediction: "Prediction"
    learned: int
    stale: "NDArray[np.bool_]"


def _judged(
    use_case: UseCase, candidate: ModelVersion, serving: ModelVersion | None, *, store: "Store", small_cell: int
) -> Verdict:
    sides = [_Side.of(store, version) for version in (candidate, serving) if version is not None]
    names = dict.fromkeys(batch for side in reversed(sides) for batch in side.version.batches)
    frame = gather(use_case, tuple(names), store=store).frame
    frame = frame[with_answer(sides[0].problem, frame)].reset_index(drop=True)
    populations = {"reference": frame}
    notes: list[str] = []
    if len(sides) == 2:
        seen = frame["record_id"].isin(sides[1].kept.index)
        populations = {"current": frame[~seen], "reference": frame[seen]}
        again = frame.loc[~seen, "patient_id"].isin(frame.loc[seen, "patient_id"])
        notes += _known_patients(int(frame.loc[~seen, "patient_id"][again].nunique()), small_cell)
    scored: list[dict[str, ScoredRows]] = [{} for _ in sides]
    left_out = stale = 0
    for population, rows in populations.items():
        if not len(rows):
            continue
        answered = [side.predict(rows) for side in sides]
        tested = np.all([np.isfinite(each.prediction.value) for each in answered], axis=0)
        usable = tested & ~np.any([each.stale for each in answered], axis=0)
        left_out += int((~tested).sum())
        stale += int((tested & ~usable).sum())
        if not usable.any():
            continue
        for mine, each in zip(scored, answered, strict=True):
            mine[population] = _rows(use_case, rows, each.prediction, usable, each.learned)
    if stale:
        notes.append(
            f"Left out were {in_words(stale, small_cell)} rows that a model was judged on in its training by another "
            "truth than they have now, or by one that it kept no hash of."
        )
    if left_out:
        notes.append(
            f"Left out were {in_words(left_out, small_cell)} rows, since the split never tests them and a model that "
            "learned from a row cannot be judged on it."
        )
    judged = [
        Judged(
            version=side.version.version, scored=mine, features=side.version.features,
            size=sum(store.size(side.version.file_key(name)) for name in side.version.files),
            latency=_latency(side.learner, frame) if side is sides[0] else None,
        )
        for side, mine in zip(sides, scored, strict=True)
    ]  # fmt: skip
    champion = judged[1] if len(judged) == 2 else None
    return judge(use_case, judged[0], champion, seed=use_case.seed, small_cell=small_cell, notes=notes)


def _rows(
    use_case: UseCase, rows: "pd.DataFrame", prediction: "Prediction", usable: np.ndarray, learned: int
) -> ScoredRows:
    by = [column for gate in use_case.gates if isinstance(gate, Comparison) for column in gate.by]
    columns = list(dict.fromkeys([*use_case.subgroups, *by]))
    kept = rows[usable]
    if learned == len(rows):
        how = "out-of-fold predictions (a learner of the same kind that never saw the patient)"
    elif learned == 0:
        how = "fresh predictions (it never learned from these rows)"
    else:
        how = "out-of-fold predictions where it learned from the row and fresh ones elsewhere"
    return ScoredRows(
        record_id=kept["record_id"].to_numpy(), patient_id=kept["patient_id"].to_numpy(),
        target=kept["target"].to_numpy(dtype=np.float64), prediction=selected(prediction, usable),
        subgroups=kept[columns].reset_index(drop=True), how=how, out_of_fold=learned > 0,
    )  # fmt: skip


def _known_patients(count: int, small_cell: int) -> Sequence[str]:
    if not count:
        return ()
    return (
        f"Among the current patients, {in_words(count, small_cell)} have earlier rows that the champion learned from; "
        "that can only favour the champion.",
    )


def _latency(learner: "Learner", frame: "pd.DataFrame") -> float | None:
    """Return the median time of predicting one row, in ms."""
    if not len(frame):
        return None
    row = frame.iloc[:1]
    learner.predict(row)
    taken = []
    for _ in range(_TIMINGS):
        begun = time.perf_counter()
        learner.predict(row)
        taken.append(time.perf_counter() - begun)
    return round(1_000 * float(np.median(taken)), 3)


def _stored(store: "Store", key: str) -> tuple[Verdict | None, bytes]:
    try:
        body = store.get(key)
    except NotFound:
        return None, b""
    try:
        return from_json(Verdict, body), body
    except ValueError:
        raise Corrupted(key, "it is not a verdict") from None


def _same_criteria(use_case: UseCase, candidate: ModelVersion, verdict: Verdict) -> None:
    wanted = [described(gate) for gate in use_case.gates]
    if [result.criterion for result in verdict.criteria][: len(wanted)] != wanted:
        raise PromotionRefused(
            use_case.name,
            candidate.version,
            ("its verdict was made by other criteria than are configured now: train again to be judged by these",),
        )
