"""From rows with outcomes to the chosen learner and what it is worth on rows it did not learn from; stores nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from wardround.domain import Evaluation
from wardround.evaluation.evaluate import evaluate
from wardround.models import learner
from wardround.models.tabular import TabularLearner
from wardround.problems import Prediction, problem_of
from wardround.problems.base import Floats
from wardround.training import guards
from wardround.training.importance import permutation_importance
from wardround.training.search import chosen, is_cheap
from wardround.training.splits import Pair, Splitting, splitting
from wardround.use_cases.base import Candidate, UseCase

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The chosen learner (fitted to all rows of *frame*, which all have an outcome) and its evaluation.

    *out_of_fold* has one prediction per row of *frame* by a learner that did not see the row's patient (NaN: the split
    never tests the row). *scores* are (family, out-of-fold primary metric) of every candidate.
    """

    learner: TabularLearner
    parameters: Mapping[str, Any]
    frame: "pd.DataFrame"
    out_of_fold: Prediction
    evaluation: Evaluation
    scores: tuple[tuple[str, float | None], ...]
    unlabelled: int


@dataclass(frozen=True, kw_only=True)
class _Tried:
    candidate: Candidate
    parts: tuple[tuple[TabularLearner, Pair], ...]
    value: Floats
    score: float
    worth: float
    nested: bool


def fit_and_evaluate(
    use_case: UseCase, frame: "pd.DataFrame", seed: int, *, small_cell: int = 10, progress: Progress | None = None
) -> Trained:
    """Try every candidate on the canonical *frame*, keep the best by the primary metric, evaluate it out of fold.

    Rows without an outcome are left out. The parameters are searched inside every training part, unless that costs too
    much; ``evaluation.method`` says what was chosen where. Ties go to the candidate named first.

    Raises:
        NotTrainable: the rows can teach nothing.
        LeakFound: a guard found the answer among the features.
        UseCaseInvalid: a candidate has a parameter that its family has not.
    """
    tell = progress or (lambda _: None)
    guards.no_feature_after_index(use_case)
    guards.trainable(use_case, frame, small_cell=small_cell)
    rows = frame[frame["target"].notna()].reset_index(drop=True)
    target = rows["target"].to_numpy(dtype=float)
    guards.no_target_in_disguise(use_case, rows, target, seed=seed)
    split = splitting(use_case, rows, seed)
    guards.no_patient_overlap(split.pairs, rows["patient_id"])
    tried = []
    for number, candidate in enumerate(use_case.candidates, start=1):
        tell(f"candidate {number} of {len(use_case.candidates)}: {candidate.family.replace('_', ' ')}")
        tried.append(_tried(use_case, candidate, rows, target, split, seed))
    best = max(tried, key=lambda one: one.worth if np.isfinite(one.worth) else -np.inf)
    parameters = chosen(use_case, best.candidate, rows, target, seed=seed)
    tell(f"fitting {best.candidate.family.replace('_', ' ')} to all {len(rows)} rows")
    final = _unfitted(use_case, best.candidate, parameters).fit(rows, target, seed=seed)
    out_of_fold = _with_intervals(best, rows, target, seed)
    tested = np.flatnonzero(np.isfinite(out_of_fold.value))
    guards.not_too_good(use_case, target[tested], Prediction(value=out_of_fold.value[tested]))
    tell("evaluating it on rows it did not learn from")
    evaluation = _evaluation(use_case, best, rows, target, out_of_fold, split, seed, small_cell)
    return Trained(
        learner=final,
        parameters=parameters,
        frame=rows,
        out_of_fold=out_of_fold,
        evaluation=evaluation,
        scores=tuple((one.candidate.family, one.score if np.isfinite(one.score) else None) for one in tried),
        unlabelled=len(frame) - len(rows),
    )


def _tried(
    use_case: UseCase, candidate: Candidate, rows: "pd.DataFrame", target: Floats, split: Splitting, seed: int
) -> _Tried:
    nested = is_cheap(candidate, len(rows), len(split.pairs))
    shared = None if nested else chosen(use_case, candidate, rows, target, seed=seed)
    value = np.full(len(rows), np.nan)
    parts = []
    for train, test in split.pairs:
        part, truth = rows.iloc[train], target[train]
        parameters = chosen(use_case, candidate, part, truth, seed=seed) if shared is None else shared
        made = _unfitted(use_case, candidate, parameters).fit(part, truth, seed=seed, intervals=False)
        value[test] = made.predict(rows.iloc[test]).value
        parts.append((made, (train, test)))
    metric = problem_of(use_case).choosing(use_case.primary_metric)
    tested = np.isfinite(value)
    score = metric.compute(target[tested], Prediction(value=value[tested]), use_case.threshold)
    return _Tried(
        candidate=candidate,
        parts=tuple(parts),
        value=value,
        score=score,
        worth=metric.worth(score),
        nested=nested or candidate.search == "none",
    )


def _unfitted(use_case: UseCase, candidate: Candidate, parameters: Mapping[str, Any]) -> TabularLearner:
    return learner(candidate.family, use_case, parameters, calibrate=candidate.calibrate)


def _with_intervals(best: _Tried, rows: "pd.DataFrame", target: Floats, seed: int) -> Prediction:
    if best.parts[0][0].kind.problem == "classification":
        return Prediction(value=best.value)
    low, high = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    for made, (train, test) in best.parts:
        made.add_intervals(rows.iloc[train], target[train], seed=seed)
        prediction = made.predict(rows.iloc[test])
        if prediction.low is not None and prediction.high is not None:
            low[test], high[test] = prediction.low, prediction.high
    return Prediction(value=best.value, low=low, high=high)


def _evaluation(
    use_case: UseCase,
    best: _Tried,
    rows: "pd.DataFrame",
    target: Floats,
    out_of_fold: Prediction,
    split: Splitting,
    seed: int,
    small_cell: int,
) -> Evaluation:
    problem = problem_of(use_case)
    tested = np.flatnonzero(np.isfinite(out_of_fold.value))
    low, high = out_of_fold.low, out_of_fold.high
    found = evaluate(
        use_case,
        problem,
        target[tested],
        Prediction(
            value=out_of_fold.value[tested],
            low=None if low is None else low[tested],
            high=None if high is None else high[tested],
        ),
        rows["patient_id"].to_numpy()[tested],
        rows.iloc[tested][list(use_case.subgroups)],
        population="reference",
        method=_method(use_case, best, split),
        seed=seed,
        small_cell=small_cell,
    )
    parts = [(made, test) for made, (_, test) in best.parts]
    return replace(found, importance=permutation_importance(parts, rows, target, problem, seed=seed))


def _method(use_case: UseCase, best: _Tried, split: Splitting) -> str:
    said = [split.sentence]
    if best.candidate.search != "none":
        said.append(
            "hyper-parameters searched inside each training part"
            if best.nested
            else "hyper-parameters chosen on all rows, which flatters the figures a little"
        )
    if len(use_case.candidates) > 1:
        metric = problem_of(use_case).choosing(use_case.primary_metric).name
        said.append(
            f"the best of {len(use_case.candidates)} candidates by {metric} on these same rows, which flatters the "
            "figures a little"
        )
    return "; ".join(said)
