"""From rows with outcomes to the chosen learner and what it is worth on rows it did not learn from; stores nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from wardround.domain import Evaluation
from wardround.errors import NotTrainable
from wardround.errors.extras import ExtraMissing
from wardround.evaluation.evaluate import evaluate
from wardround.evaluation.wording import metric_name
from wardround.models import FAMILIES, Learner, learner
from wardround.problems import Prediction, Problem, problem_of
from wardround.problems.base import Floats, joined, judged, selected, with_answer
from wardround.training import guards
from wardround.training.importance import permutation_importance
from wardround.training.search import chosen, is_cheap
from wardround.training.splits import Index, Pair, Splitting, splitting
from wardround.use_cases.base import Candidate, UseCase

if TYPE_CHECKING:
    import pandas as pd

CANNOT = (NotTrainable, ExtraMissing)
"""What says that one candidate cannot be trained here. A mistake in the use case (UseCaseInvalid) is for a person to
mend and stops the training, as does any other error: a fault of the program."""


class Progress(Protocol):
    """Told of long work: a sentence, and which share of it is done where that is known."""

    def __call__(self, sentence: str, share: float | None = None) -> None:
        """Show it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The chosen learner (fitted to all rows of *frame*, which all have an answer) and its evaluation.

    *out_of_fold* has one prediction per row of *frame* by a learner that did not see the row's patient (NaN: the split
    never tests the row), judged by the truths. *scores* are (family, out-of-fold primary metric) of every candidate
    that could be tried, *failed* (family, reason) of those that cannot be trained.
    """

    learner: Learner
    parameters: Mapping[str, Any]
    frame: "pd.DataFrame"
    out_of_fold: Prediction
    evaluation: Evaluation
    scores: tuple[tuple[str, float | None], ...]
    failed: tuple[tuple[str, str], ...]
    unlabelled: int


@dataclass(frozen=True, kw_only=True)
class _Data:
    """The rows that can be learned from and judged on, and those that have no answer (``unlabelled``)."""

    use_case: UseCase
    problem: Problem
    rows: "pd.DataFrame"
    target: Floats
    unlabelled: "pd.DataFrame"
    split: Splitting
    seed: int

    def fitted(
        self, candidate: Candidate, parameters: Mapping[str, Any], train: Index, test: Index, tell: Progress | None
    ) -> Learner:
        """Return a learner fitted to the rows at *train*; *test* are those it must know nothing of."""
        import pandas as pd

        part, target = self.rows.iloc[train], self.target[train]
        if FAMILIES[self.use_case.problem, candidate.family].uses_unlabelled and len(self.unlabelled):
            known = self.unlabelled["patient_id"].isin(self.rows["patient_id"].iloc[test])
            more = self.unlabelled[~known]
            part = pd.concat([part, more], ignore_index=True)
            target = np.concatenate([target, np.full(len(more), np.nan)])
        made = learner(candidate.family, self.use_case, parameters, calibrate=candidate.calibrate)
        return made.fit(part, target, seed=self.seed, intervals=not len(test), progress=tell)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Tried:
    candidate: Candidate
    parts: tuple[tuple[Learner, Pair], ...]
    prediction: Prediction
    score: float
    worth: float
    nested: bool


@dataclass(frozen=True, kw_only=True)
class _Chosen:
    best: _Tried
    parameters: Mapping[str, Any]
    learner: Learner
    out_of_fold: Prediction


def fit_and_evaluate(
    use_case: UseCase, frame: "pd.DataFrame", seed: int, *, small_cell: int = 10, progress: Progress | None = None
) -> Trained:
    """Try every candidate on the canonical *frame*, keep the best by the primary metric, evaluate it out of fold.

    Rows without an answer are left out, unless a family learns from them, too. The parameters are searched inside every
    training part, unless that costs too much; ``evaluation.method`` says what was chosen where. Ties go to the
    candidate named first. One that cannot be trained is told with its reason and never wins; the others go on.

    Raises:
        NotTrainable: the rows can teach nothing, or none of several candidates can be trained.
        LeakFound: a guard found the answer among the features.
        UseCaseInvalid: a candidate has a parameter that its family has not, or may not have such a value.
        ExtraMissing: the only candidate needs a part of wardround that is not installed here.
    """
    tell = progress or _silent
    problem = problem_of(use_case)
    guards.no_mistake_in_a_candidate(use_case)
    guards.no_feature_after_index(use_case)
    guards.trainable(use_case, frame, small_cell=small_cell)
    answered = with_answer(problem, frame)
    rows = frame[answered].reset_index(drop=True)
    target = rows["target"].to_numpy(dtype=float)
    guards.no_target_in_disguise(use_case, rows, target, seed=seed)
    split = splitting(use_case, rows, seed)
    guards.no_patient_overlap(split.pairs, rows["patient_id"])
    data = _Data(
        use_case=use_case,
        problem=problem,
        rows=rows,
        target=target,
        unlabelled=frame[~answered],
        split=split,
        seed=seed,
    )
    tried, failed = _all_tried(data, tell)
    found = _finished(data, tried, failed, tell)
    best, out_of_fold = found.best, found.out_of_fold
    tested = np.flatnonzero(np.isfinite(out_of_fold.value))
    guards.not_too_good(use_case, target[tested], selected(out_of_fold, tested))
    tell("evaluating it on rows it did not learn from")
    evaluation = _evaluation(data, best, out_of_fold, len(failed), small_cell)
    return Trained(
        learner=found.learner,
        parameters=found.parameters,
        frame=rows,
        out_of_fold=out_of_fold,
        evaluation=evaluation,
        scores=tuple((one.candidate.family, one.score if np.isfinite(one.score) else None) for one in tried),
        failed=tuple(failed),
        unlabelled=len(frame) - len(rows),
    )


def _silent(sentence: str, share: float | None = None) -> None:
    """Show nothing."""


def _within(tell: Progress, what: str, done: float, steps: int) -> Progress:
    """Return who is told of a part of the work, so that its shares are shares of the whole."""

    def told(sentence: str, share: float | None = None) -> None:
        tell(f"{what}, {sentence}", None if share is None else (done + share) / steps)

    return told


def _all_tried(data: _Data, tell: Progress) -> tuple[list[_Tried], list[tuple[str, str]]]:
    candidates, tried, failed = data.use_case.candidates, [], []
    for number, candidate in enumerate(candidates, start=1):
        what = f"candidate {number} of {len(candidates)}: {candidate.family.replace('_', ' ')}"
        tell(what)
        try:
            tried.append(_tried(data, candidate, _within(tell, what, number - 1, len(candidates) + 1)))
        except CANNOT as error:
            failed.append((candidate.family, _reason(data, error)))
            tell(f"{what} cannot be trained: {failed[-1][1]}")
    return tried, failed


def _finished(data: _Data, tried: list[_Tried], failed: list[tuple[str, str]], tell: Progress) -> _Chosen:
    """Return the best of *tried* fitted to all rows; one that cannot be goes over to *failed*, and the next best is."""
    steps = len(data.use_case.candidates) + 1
    while tried:
        best = max(tried, key=lambda one: one.worth if np.isfinite(one.worth) else -np.inf)
        what = f"fitting {best.candidate.family.replace('_', ' ')} to all {len(data.rows)} rows"
        tell(what)
        try:
            parameters = chosen(data.use_case, best.candidate, data.rows, data.target, seed=data.seed)
            every, told = np.arange(len(data.rows)), _within(tell, what, steps - 1, steps)
            final = data.fitted(best.candidate, parameters, every, np.arange(0), told)
            out_of_fold = _with_intervals(data, best)
            return _Chosen(best=best, parameters=parameters, learner=final, out_of_fold=out_of_fold)
        except CANNOT as error:
            tried.remove(best)
            failed.append((best.candidate.family, _reason(data, error)))
            tell(f"{best.candidate.family.replace('_', ' ')} cannot be trained: {failed[-1][1]}")
    said = "; ".join(f"{family}: {reason}" for family, reason in failed)
    raise NotTrainable(
        data.use_case.name, f"none of its {len(failed)} candidates can be ({said})", "Mend one of them, or name another"
    )


def _reason(data: _Data, error: NotTrainable | ExtraMissing) -> str:
    """Return what *error* says of a candidate, which quotes no cell; of the only candidate it is the training's own."""
    if len(data.use_case.candidates) == 1:
        raise error
    return f"{error.detail}. {error.remedy}" if isinstance(error, NotTrainable) else str(error)


def _tried(data: _Data, candidate: Candidate, tell: Progress) -> _Tried:
    use_case, pairs = data.use_case, data.split.pairs
    nested = is_cheap(candidate, len(data.rows), len(pairs))
    shared = None if nested else chosen(use_case, candidate, data.rows, data.target, seed=data.seed)
    made, found = [], []
    for number, (train, test) in enumerate(pairs):
        part, truth = data.rows.iloc[train], data.target[train]
        parameters = chosen(use_case, candidate, part, truth, seed=data.seed) if shared is None else shared
        told = _within(tell, f"part {number + 1} of {len(pairs)}", number, len(pairs))
        one = data.fitted(candidate, parameters, train, test, told)
        made.append((one, (train, test)))
        told("fitted", 1.0)
        rows = data.rows.iloc[test]
        found.append((test, judged(data.problem, rows.get("truth"), one.predict(rows))))
    prediction = joined(len(data.rows), found)
    metric = data.problem.choosing(use_case.primary_metric)
    tested = np.flatnonzero(np.isfinite(prediction.value))
    score = metric.compute(data.target[tested], selected(prediction, tested), use_case.threshold)
    return _Tried(
        candidate=candidate,
        parts=tuple(made),
        prediction=prediction,
        score=score,
        worth=metric.worth(score),
        nested=nested or candidate.search == "none",
    )


def _with_intervals(data: _Data, best: _Tried) -> Prediction:
    low, high = np.full(len(data.rows), np.nan), np.full(len(data.rows), np.nan)
    for made, (train, test) in best.parts:
        made.add_intervals(data.rows.iloc[train], data.target[train], seed=data.seed)
        prediction = made.predict(data.rows.iloc[test]) if made.has_intervals else None
        if prediction is not None and prediction.low is not None and prediction.high is not None:
            low[test], high[test] = prediction.low, prediction.high
    if not np.isfinite(low).any():
        return best.prediction
    return replace(best.prediction, low=low, high=high)


def _evaluation(data: _Data, best: _Tried, out_of_fold: Prediction, failed: int, small_cell: int) -> Evaluation:
    tested = np.flatnonzero(np.isfinite(out_of_fold.value))
    found = evaluate(
        data.use_case,
        data.problem,
        data.target[tested],
        selected(out_of_fold, tested),
        data.rows["patient_id"].to_numpy()[tested],
        data.rows.iloc[tested][list(data.use_case.subgroups)],
        population="reference",
        method=_method(data.use_case, best, data.split, failed),
        seed=data.seed,
        small_cell=small_cell,
    )
    parts = [(made, test) for made, (_, test) in best.parts]
    importance = permutation_importance(parts, data.rows, data.target, data.problem, seed=data.seed)
    return replace(found, importance=importance)


def _method(use_case: UseCase, best: _Tried, split: Splitting, failed: int) -> str:
    said = [split.sentence]
    if best.candidate.search != "none":
        said.append(
            "hyper-parameters searched inside each training part"
            if best.nested
            else "hyper-parameters chosen on all rows, which flatters the figures a little"
        )
    every = len(use_case.candidates)
    if every - failed > 1:
        metric = metric_name(problem_of(use_case).choosing(use_case.primary_metric).name)
        said.append(
            f"the best of {every - failed} candidates by {metric} on these same rows, which flatters the figures "
            "a little"
        )
    if failed:
        said.append(f"{failed} of {every} candidates cannot be trained here and were left out")
    return "; ".join(said)
