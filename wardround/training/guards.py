"""Guards that stop a training run: a mistake in a candidate, rows that teach nothing, and, by name, leaks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wardround.errors import LeakFound, NotTrainable, UseCaseInvalid
from wardround.errors.extras import ExtraMissing
from wardround.models import learner
from wardround.models.folds import PatientFolds
from wardround.privacy import in_words
from wardround.problems import problem_of
from wardround.problems.base import Floats, Prediction, with_answer
from wardround.problems.classification import auroc
from wardround.problems.regression import r2
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    import pandas as pd

PATIENT_OVERLAP = "patient overlap"
AFTER_INDEX = "feature after index"
IN_DISGUISE = "target in disguise"
TOO_GOOD = "too good to be true"

DISGUISED_RANK = 0.995
"""Spearman's correlation above which a single number is the regression target under another name."""
_ENOUGH = 20
_EACH = 5


def no_mistake_in_a_candidate(use_case: UseCase) -> None:
    """Refuse a candidate whose family or a parameter of it does not exist; one that lacks an extra here is none.

    Raises:
        UseCaseInvalid: naming the mistakes of all candidates.
    """
    faults: list[str] = []
    for candidate in use_case.candidates:
        try:
            made = learner(candidate.family, use_case, candidate.parameters, calibrate=candidate.calibrate)
            made.check_parameters(candidate.grid)
        except ExtraMissing:
            continue
        except UseCaseInvalid as error:
            faults += error.faults
    if faults:
        raise UseCaseInvalid(use_case.name, tuple(faults))


def trainable(use_case: UseCase, frame: "pd.DataFrame", *, small_cell: int) -> None:
    """Refuse rows that can teach nothing; *frame* is canonical and may hold rows without an outcome.

    Raises:
        NotTrainable: no rows, no outcome, a single class, a constant target, or fewer patients than folds.
    """
    if frame.empty:
        raise NotTrainable(use_case.name, "there are 0 accepted rows", "Ingest a batch, or look into the quarantine")
    problem = problem_of(use_case)
    known = frame[with_answer(problem, frame)]
    if known.empty:
        raise NotTrainable(
            use_case.name,
            f"none of {len(frame)} rows has an outcome yet",
            "Add outcomes with `wardround label`, then train again",
        )
    classes = known["target"].nunique()
    if problem.supervised and problem.truth is None and classes < 2:
        what = "a constant target" if problem.scalar and not problem.two_classes else "one class"
        raise NotTrainable(
            use_case.name,
            f"all rows with an outcome, {in_words(len(known), small_cell)}, have {what}",
            "Add rows with another outcome",
        )
    if problem.two_classes and classes > 2:
        raise NotTrainable(use_case.name, f"the target has {classes} classes and 2 are allowed", "Mend target")
    patients = known["patient_id"].nunique()
    needed = use_case.split.folds if use_case.split.kind in ("k-fold", "grouped") else 2
    if patients < needed:
        raise NotTrainable(
            use_case.name,
            f"{in_words(patients, small_cell)} patients have an outcome and the split needs at least {needed}",
            "Add rows or lower split.folds",
        )


def no_feature_after_index(use_case: UseCase) -> None:
    """Refuse features declared to be known only after the prediction is due.

    That a value was measured later than its row's time is found row by row at ingest, where the time of measurement
    is still there (`Feature.measured_at`): such rows wait in quarantine and never come here.

    Raises:
        LeakFound: naming them.
    """
    late = [feature.name for feature in use_case.features if feature.after_index]
    if late:
        raise LeakFound(
            AFTER_INDEX,
            f"{len(late)} feature(s) are known only after the prediction is due: {', '.join(late)}",
            "Take them out of the features, or correct after_index where it is wrong",
        )


def no_patient_overlap(pairs: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]], patients: Any) -> None:
    """Refuse a split in which a patient is learned from and tested on.

    Raises:
        LeakFound: with the number of the first such part and of its patients.
    """
    names = np.asarray(patients)
    for number, (train, test) in enumerate(pairs, start=1):
        both = len(np.intersect1d(names[train], names[test]))
        if both:
            raise LeakFound(
                PATIENT_OVERLAP,
                f"in part {number} of {len(pairs)}, {both} patient(s) are among the training and the test rows",
                "Split by patient: name the column that identifies patients in patient_id",
            )


def no_target_in_disguise(use_case: UseCase, frame: "pd.DataFrame", target: Floats, *, seed: int) -> None:
    """Refuse a single feature that nearly gives the answer: its values, its levels, or that it is missing.

    Two classes: the feature alone has an AUROC above ``too_good``. A number: Spearman's correlation beyond 0.995, or
    levels whose means explain more than ``too_good`` of the variance out of fold. Nothing is asked where the outcome is
    neither.

    Raises:
        LeakFound: naming every such feature.
    """
    if not problem_of(use_case).scalar:
        return
    found = []
    for name in use_case.feature_names:
        if name in use_case.numeric:
            answer = _by_number(use_case, frame[name].to_numpy(dtype=float, na_value=np.nan), target)
        else:
            answer = _by_level(use_case, frame[name], frame["patient_id"].to_numpy(), target, seed)
        if answer:
            found.append(f"{name} {answer}")
    if found:
        raise LeakFound(
            IN_DISGUISE,
            f"{len(found)} feature(s) alone give the outcome: {'; '.join(found)}",
            "Find out how it is recorded: take it out if it follows from the outcome, raise too_good if it is honest",
        )


def not_too_good(use_case: UseCase, target: Floats, prediction: Prediction) -> None:
    """Refuse out-of-fold performance beyond ``too_good`` in the figure that the problem names: AUROC, R2, and so on.

    Raises:
        LeakFound: with the figure.
    """
    problem = problem_of(use_case)
    if problem.suspicious is None:
        return
    metric = problem.metric(problem.suspicious)
    figure = metric.compute(np.asarray(target, dtype=float), prediction, use_case.threshold)
    if figure > use_case.too_good:
        raise LeakFound(
            TOO_GOOD,
            f"the out-of-fold {metric.name.upper()} is {figure:.4f}, above {use_case.too_good:g}",
            "Ask whether the answer is among the features; if it is honest, raise too_good and say why",
        )


def _by_number(use_case: UseCase, values: Floats, target: Floats) -> str:
    there = np.isfinite(values)
    if problem_of(use_case).two_classes:
        if _ranks(values[there], target[there]) > use_case.too_good:
            return f"(AUROC above {use_case.too_good:g})"
        if _ranks(there.astype(float), target) > use_case.too_good:
            return f"(where it is missing, AUROC above {use_case.too_good:g})"
        return ""
    if there.sum() < _ENOUGH or len(np.unique(values[there])) < 3 or len(np.unique(target[there])) < 3:
        return ""
    from scipy.stats import spearmanr

    rank = abs(float(spearmanr(values[there], target[there]).statistic))
    return f"(Spearman's correlation beyond {DISGUISED_RANK:g})" if rank > DISGUISED_RANK else ""


def _by_level(use_case: UseCase, column: "pd.Series[Any]", patients: Any, target: Floats, seed: int) -> str:
    """Judge levels out of fold, so that a column of nearly unique levels is not taken for the answer."""
    codes = np.unique(column.astype(object).where(column.notna(), "\0").astype(str), return_inverse=True)[1]
    classes = problem_of(use_case).two_classes
    folds = PatientFolds(5, stratify=classes, seed=seed)
    if codes.max() == 0 or folds.get_n_splits(None, target, patients) < 2:
        return ""
    told = np.empty(len(target))
    for train, test in folds.split(np.zeros(len(target)), target, patients):
        rows = np.bincount(codes[train], minlength=codes.max() + 1)
        sums = np.bincount(codes[train], weights=target[train], minlength=codes.max() + 1)
        overall = target[train].mean()
        told[test] = np.where(rows > 0, sums / np.maximum(rows, 1), overall)[codes[test]]
    if classes:
        return f"(AUROC above {use_case.too_good:g})" if _ranks(told, target) > use_case.too_good else ""
    return f"(R2 above {use_case.too_good:g})" if r2(target, told) > use_case.too_good else ""


def _ranks(values: Floats, target: Floats) -> float:
    """Return the AUROC of *values* in the better direction; 0 where there are too few rows of a class to tell."""
    positive = int((target > 0.5).sum())
    if len(target) < _ENOUGH or min(positive, len(target) - positive) < _EACH:
        return 0.0
    area = auroc(target, values)
    return max(area, 1 - area)
