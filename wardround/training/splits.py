"""How rows are kept apart for evaluation; a patient is never on both sides, whatever the kind of split."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wardround.errors import NotTrainable
from wardround.models.folds import PatientFolds
from wardround.problems import problem_of
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    import pandas as pd

Index = NDArray[np.intp]
Pair = tuple[Index, Index]


@dataclass(frozen=True, kw_only=True)
class Splitting:
    """*pairs* are (train, test) row positions, a row tested at most once; *sentence* says how they came about."""

    pairs: tuple[Pair, ...]
    sentence: str


def splitting(use_case: UseCase, frame: "pd.DataFrame", seed: int) -> Splitting:
    """Divide the rows of the canonical *frame* (all with an answer, if the problem asks for one) as the use case says.

    Where a patient would be on both sides, the training side goes without those rows. A part whose training rows have a
    single outcome, or fewer than two patients with each, teaches nothing and is left untested; *sentence* says so.

    Raises:
        NotTrainable: no part is left.
    """
    split, patients = use_case.split, frame["patient_id"].to_numpy()
    pairs: list[Pair]
    if split.kind in ("k-fold", "grouped"):
        pairs, sentence = _folds(use_case, frame, seed)
    elif split.kind == "temporal":
        pairs, sentence = _temporal(use_case, frame)
    elif split.kind == "by site":
        site = frame["site"].astype(object).where(frame["site"].notna(), "").to_numpy()
        names = np.unique(site.astype(str))
        if len(names) < 2:
            raise NotTrainable(
                use_case.name, "the split is by site and all rows come from one", "Add a site or split otherwise"
            )
        pairs = [_apart(np.flatnonzero(site != name), np.flatnonzero(site == name), patients) for name in names]
        sentence = f"each of {len(names)} sites held out in turn"
    else:
        last = split.last or 0
        if last >= len(frame):
            raise NotTrainable(
                use_case.name,
                f"the last {last} rows are to be held out and there are {len(frame)} rows",
                "Hold out fewer rows or add some",
            )
        cut = len(frame) - last
        pairs = [_apart(np.arange(cut), np.arange(cut, len(frame)), patients)]
        sentence = f"the last {last} rows held out"
    usable = [pair for pair in pairs if _teaches(use_case, frame, pair[0]) and len(pair[1])]
    if not usable:
        raise NotTrainable(
            use_case.name,
            f"none of the {len(pairs)} parts of the split {split.kind!r} has training rows with both outcomes"
            if problem_of(use_case).two_classes
            else f"none of the {len(pairs)} parts of the split {split.kind!r} has enough training rows",
            "Add rows or split otherwise",
        )
    if len(usable) < len(pairs):
        sentence += f" ({len(pairs) - len(usable)} of {len(pairs)} parts had too little to learn from and are left out)"
    return Splitting(pairs=tuple(usable), sentence=f"{sentence}, no patient on both sides")


def _folds(use_case: UseCase, frame: "pd.DataFrame", seed: int) -> tuple[list[Pair], str]:
    target, patients = frame["target"].to_numpy(), frame["patient_id"].to_numpy()
    two_classes = problem_of(use_case).two_classes
    folds = PatientFolds(use_case.split.folds, stratify=two_classes, seed=seed)
    count = folds.get_n_splits(None, target, patients)
    if count < use_case.split.folds:
        what = "one of the two outcomes has" if two_classes else "there are"
        raise NotTrainable(
            use_case.name,
            f"{what} fewer patients than the {use_case.split.folds} folds of the split",
            "Add rows or lower split.folds",
        )
    return list(folds.split(np.zeros(len(frame)), target, patients)), f"{count}-fold, grouped by patient"


def _temporal(use_case: UseCase, frame: "pd.DataFrame") -> tuple[list[Pair], str]:
    """Cut time into blocks of about as many rows, never within one moment; rows without a time are left out."""
    folds, patients = use_case.split.folds, frame["patient_id"].to_numpy()
    known = np.flatnonzero(frame["time"].notna().to_numpy())
    moments = frame["time"].astype("int64").to_numpy()
    ranked = np.sort(moments[known])
    cuts = [ranked[len(ranked) * block // (folds + 1)] for block in range(1, folds + 1)] if len(known) else []
    starts = np.unique([cut for cut in cuts if cut > ranked[0]])
    if len(starts) < folds:
        raise NotTrainable(
            use_case.name,
            f"{len(starts) + 1} blocks of time can be told apart and {folds + 1} are needed",
            "Add rows of other times or lower split.folds",
        )
    ends = [*starts[1:], np.inf]
    pairs = [
        _apart(known[moments[known] < start], known[(moments[known] >= start) & (moments[known] < end)], patients)
        for start, end in zip(starts, ends, strict=True)
    ]
    return pairs, f"{folds} successive blocks of time, each predicted from the time before it"


def _apart(train: Index, test: Index, patients: NDArray[np.object_]) -> Pair:
    """Take the patients of *test* out of *train*."""
    return train[~np.isin(patients[train], np.unique(patients[test]))], test


def _teaches(use_case: UseCase, frame: "pd.DataFrame", train: Index) -> bool:
    part = frame.iloc[train]
    if not problem_of(use_case).two_classes:
        return bool(part["patient_id"].nunique() >= 2)
    each = part.groupby(part["target"] > 0.5)["patient_id"].nunique()
    return len(each) == 2 and int(each.min()) >= 2
