"""The area under the ROC curve for many weightings of the same rows at once, sorted once."""

import numpy as np
from numpy.typing import NDArray

from wardround.problems.base import Floats, Weighted


def area(positive: NDArray[np.bool_], value: Floats) -> Weighted:
    """Return the AUROC of *value* (n,) for *positive* (n,), a tie counting half (Hanley & McNeil 1982).

    NaN where the weighted rows are all of one kind.
    """
    order = np.argsort(value, kind="stable")
    ranked, up = value[order], positive[order].astype(float)
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))

    def figure(weights: Floats) -> Floats:
        weights = weights[:, order]
        rising = np.add.reduceat(weights * up, starts, axis=1)
        falling = np.add.reduceat(weights * (1 - up), starts, axis=1)
        below = np.cumsum(falling, axis=1) - falling / 2
        pairs = rising.sum(axis=1) * falling.sum(axis=1)
        won = (rising * below).sum(axis=1)
        return np.asarray(np.divide(won, pairs, out=np.full(len(weights), np.nan), where=pairs > 0))

    return figure
