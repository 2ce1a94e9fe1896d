"""Folds that never part a patient, balanced by outcome, fast for as many patients as there are rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Index = NDArray[np.intp]


class PatientFolds:
    """A scikit-learn splitter; the patient of each row is *groups*, or else the last column of *X*.

    Each patient is in exactly one test fold. With *stratify* every fold gets its share of the patients who ever had the
    outcome, and there are no more folds than the rarer kind of patient. (scikit-learn does not hand *groups* on to the
    folds of a calibration, hence the column.)
    """

    def __init__(self, folds: int = 5, *, stratify: bool = False, seed: int = 0):
        self.folds = folds
        self.stratify = stratify
        self.seed = seed

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds these rows allow; below 2 they cannot be split."""
        _, ever = self._patients(X, y, groups)
        allowed = int(min(ever.sum(), (1 - ever).sum())) if self.stratify else len(ever)
        return min(self.folds, allowed)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Index, Index]]:
        """Yield (train, test) row positions.

        Raises:
            ValueError: there are too few patients for two folds.
        """
        from sklearn.model_selection import KFold, StratifiedKFold

        codes, ever = self._patients(X, y, groups)
        folds = self.get_n_splits(X, y, groups)
        if folds < 2:
            raise ValueError("too few patients for two folds")
        kind = StratifiedKFold if self.stratify else KFold
        splitter = kind(folds, shuffle=True, random_state=self.seed)
        for _, held_out in splitter.split(np.zeros(len(ever)), ever):
            chosen = np.zeros(len(ever), dtype=bool)
            chosen[held_out] = True
            yield np.flatnonzero(~chosen[codes]), np.flatnonzero(chosen[codes])

    def _patients(self, X: Any, y: Any, groups: Any) -> tuple[Index, NDArray[np.int64]]:
        """Return the patient's number of each row, and of each patient whether the outcome ever occurred.

        Patients are numbered as they come: sorted by pseudonym, their folds would hang on the installation's key.
        """
        codes, names = pd.factorize(np.asarray(X)[:, -1] if groups is None else np.asarray(groups))
        ever = np.zeros(len(names), dtype=np.int64)
        if self.stratify:
            np.maximum.at(ever, codes, (np.asarray(y) > 0.5).astype(np.int64))
        return codes, ever
