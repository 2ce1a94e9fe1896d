"""What a model relies on: the rise of its loss when one feature is shuffled among rows it did not learn from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wardround.models.base import Learner
from wardround.problems import Prediction, Problem
from wardround.problems.base import Floats, judged

if TYPE_CHECKING:
    import pandas as pd

REPEATS = 5
MOST_ROWS = 2_000


def permutation_importance(
    parts: Sequence[tuple[Learner, NDArray[np.intp]]],
    frame: "pd.DataFrame",
    target: Floats,
    problem: Problem,
    *,
    seed: int,
) -> tuple[tuple[str, float], ...]:
    """Return (feature, mean rise of the loss per row), the largest first.

    *parts* are learners, each with the positions of rows it did not learn from; at most 2,000 rows of a part are
    used, each shuffled five times (Breiman 2001; Fisher, Rudin and Dominici 2019).
    """
    import pandas as pd

    generator = np.random.default_rng(seed)
    rises: dict[str, float] = {}
    rows = 0
    for learner, test in parts:
        index = test if len(test) <= MOST_ROWS else np.sort(generator.choice(test, MOST_ROWS, replace=False))
        part, truth = frame.iloc[index][list(learner.columns)].reset_index(drop=True), target[index]
        answers = frame.iloc[index]["truth"].to_numpy() if problem.truth else None
        own = _lost(problem, truth, answers, learner.predict(part))
        for name in learner.columns:
            shuffled = [part[name].take(generator.permutation(len(part))) for _ in range(REPEATS)]
            copies = pd.concat([part] * REPEATS, ignore_index=True)
            copies[name] = pd.concat(shuffled, ignore_index=True)
            again = None if answers is None else np.tile(answers, REPEATS)
            loss = _lost(problem, np.tile(truth, REPEATS), again, learner.predict(copies)) / REPEATS
            rises[name] = rises.get(name, 0.0) + loss - own
        rows += len(index)
    means = [(name, rise / max(rows, 1)) for name, rise in rises.items()]
    return tuple(sorted(means, key=lambda pair: -pair[1]))


def _lost(problem: Problem, target: Floats, truths: Any, prediction: Prediction) -> float:
    return float(np.nansum(problem.losses(target, judged(problem, truths, prediction))))
