"""What a learner knows of its columns: levels, reference values, and the way to a matrix of numbers.

Levels become whole numbers before scikit-learn sees them, so that the stored model holds no text; a level of few
patients is pooled, so that no artifact names it. Numbers are imputed by their median with an indicator where some were
missing in training, a column that was missing throughout stays and says nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from wardround.errors import InputFault
from wardround.problems.base import Floats
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.compose import ColumnTransformer

RARE = 10
"""A level with fewer patients than this in training is pooled with the other rare and the unseen ones."""
MOST_LEVELS = 50
"""At most so many levels of a column are told apart, the most frequent ones."""
_CELLS = 4_000_000
PLACE = "the rows to learn from or to score"


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """Learned from training rows only.

    *levels* are the levels told apart, by category column; code ``len(levels)`` is any other, one more is missing.
    *reference* is the code or median of an unremarkable patient, in column order (None: hardly ever measured).
    """

    levels: Mapping[str, tuple[str, ...]]
    columns: tuple[str, ...]
    reference: tuple[float | None, ...]

    def matrix(self, frame: "pd.DataFrame | Mapping[str, Sequence[Any]]", *beside: Any) -> Floats:
        """Return *frame*, or its columns by name, as numbers, (rows, columns) in declared order: values, level codes;
        then the columns *beside* (rows,).

        Raises:
            InputFault: a column is missing, or a number is text or infinite.
        """
        return np.array([*self.numbers(frame), *beside]).T.copy()

    def numbers(self, frame: "pd.DataFrame | Mapping[str, Sequence[Any]]") -> list[Floats]:
        """Return the columns of `matrix`, each by itself."""
        absent = [name for name in self.columns if name not in frame]
        if absent:
            raise InputFault(
                PLACE,
                f"{len(absent)} of the {len(self.columns)} columns the model needs are missing: {', '.join(absent)}",
                "Ingest them with the use case the model was trained for",
            )
        return [
            _codes(frame[name], self.levels[name]) if name in self.levels else _numbers(name, frame[name])
            for name in self.columns
        ]

    def preprocessor(self, *, scaled: bool) -> "ColumnTransformer":
        """Return the unfitted transformer from `matrix` to what an estimator learns from."""
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        numeric = [i for i, name in enumerate(self.columns) if name not in self.levels]
        coded = [i for i, name in enumerate(self.columns) if name in self.levels]
        impute = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        steps: list[tuple[str, Any, list[int]]] = []
        if numeric:
            parts = [("impute", impute), *([("scale", StandardScaler())] if scaled else [])]
            steps.append(("numbers", Pipeline(parts), numeric))
        if coded:
            codes = [np.arange(len(self.levels[self.columns[i]]) + 2, dtype=float) for i in coded]
            steps.append(("levels", OneHotEncoder(categories=codes, sparse_output=False), coded))
        return ColumnTransformer(steps)


def learned(use_case: UseCase, frame: "pd.DataFrame", patients: Any, *beside: Any) -> tuple[Encoding, Floats]:
    """Return the encoding of *frame*'s training rows and their matrix, with the columns *beside* (n,) it; *patients*
    (n,) names the patient of each row."""
    absent = [name for name in use_case.feature_names if name not in frame.columns]
    if not absent:  # texts are compared once
        frame = frame[list(use_case.feature_names)].astype(dict.fromkeys(use_case.categorical, "category"))
    blank: tuple[float | None, ...] = (None,) * len(use_case.features)
    plain = Encoding(
        levels=dict.fromkeys(use_case.categorical, ()) if absent else _all_levels(use_case, frame, patients),
        columns=use_case.feature_names,
        reference=blank,
    )
    found = plain.numbers(frame)
    reference: list[float | None] = []
    for name, column in zip(plain.columns, found, strict=True):
        values = column[np.isfinite(column)]
        if len(values) < RARE:  # a median of so few would be a patient's own value
            reference.append(None)
        elif name in plain.levels:
            reference.append(float(np.bincount(values.astype(int)).argmax()))
        else:
            reference.append(_median(values))
    return replace(plain, reference=tuple(reference)), np.array([*found, *beside]).T.copy()


def _median(values: Floats) -> float:
    """Return what numpy.median gives for finite *values*, which are left in another order, in a third of its time."""
    middle = len(values) // 2
    values.partition(middle)
    high = values[middle]
    return float(high if len(values) % 2 else (values[:middle].max() + high) / 2)


def _all_levels(use_case: UseCase, frame: "pd.DataFrame", patients: Any) -> dict[str, tuple[str, ...]]:
    import pandas as pd

    found = {}
    who, names = pd.factorize(np.asarray(patients))
    for name in use_case.categorical:
        codes, levels = pd.factorize(frame[name])
        known = (codes >= 0) & (who >= 0)
        pairs = np.sort(codes[known] * len(names) + who[known])
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        counts = np.bincount(pairs // max(1, len(names)), minlength=len(levels)).tolist()
        common = [(-count, str(level)) for level, count in zip(levels, counts, strict=True) if count >= RARE]
        found[name] = tuple(sorted(level for _, level in sorted(common)[:MOST_LEVELS]))
    return found


def versions(encoding: Encoding, matrix: Floats) -> Iterator[tuple[slice, Floats]]:
    """Yield parts of the rows of `Encoding.matrix`, (rows, columns or more), each as (columns + 1, rows of it, same).

    The first version is the row as it is; in each other one feature is at the training rows' median or most frequent
    level: what the answer loses by it is what the feature adds (one-at-a-time ablation; Covert, Lundberg and Lee 2021,
    "Explaining by Removing").
    """
    names = encoding.columns
    missing = [float(len(encoding.levels[name]) + 1) if name in encoding.levels else np.nan for name in names]
    reference = [gone if it is None else it for it, gone in zip(encoding.reference, missing, strict=True)]
    step = max(1, _CELLS // max(1, len(names) ** 2))
    for start in range(0, len(matrix), step):
        part = slice(start, start + step)
        found = np.repeat(matrix[part][None], len(names) + 1, axis=0)
        for place, value in enumerate(reference):
            found[place + 1, :, place] = value
        yield part, found


def fit_transformed(transformer: "ColumnTransformer", matrix: Floats) -> Floats:
    """Fit *transformer* of `Encoding.preprocessor` to *matrix* in place; return what it makes of it, as `transformed`.

    To the last bit what its own fit learns, in a third of the time: it is fitted to two rows that have the medians and
    the gaps of all (scikit-learn sorts every column for its median, and twice for codes that are known), then its
    scaling to all rows.
    """
    few = np.zeros((2, matrix.shape[1]))
    for place in next((places for name, _, places in transformer.transformers if name == "numbers"), ()):
        values = matrix[:, place]
        known = values[~np.isnan(values)]
        few[0, place] = _median(known) if len(known) else np.nan
        few[1, place] = few[0, place] if len(known) == len(values) else np.nan
    transformer.fit(few)
    return _filled(transformer, matrix, fit=True)


def transformed(transformer: "ColumnTransformer", matrix: Floats) -> Floats:
    """Return what the fitted *transformer* of `Encoding.preprocessor` makes of *matrix*, to the last bit.

    Its own arithmetic without its checks, which take 2 ms whether there is one row or a thousand: a patient's single
    record waits for that, and what they look for cannot come out of `Encoding.matrix`.
    """
    return _filled(transformer, matrix, fit=False)


def _filled(transformer: "ColumnTransformer", matrix: Floats, *, fit: bool) -> Floats:
    steps = {name: (step, places) for name, step, places in transformer.transformers_}
    numbers, places = steps.get("numbers", (None, []))
    gone = numbers.named_steps["impute"].indicator_.features_ if numbers else []
    codes, coded = steps.get("levels", (None, []))
    widths = np.array([len(each) for each in codes.categories_] if codes else [], dtype=np.intp)
    known = len(places) + len(gone)
    out = np.zeros((len(matrix), known + widths.sum()))
    if numbers:
        part = np.empty((known, len(matrix)))
        part[: len(places)] = matrix.T[places]
        missing = np.isnan(part[: len(places)])
        np.copyto(part[: len(places)], numbers.named_steps["impute"].statistics_[:, None], where=missing)
        part[len(places) :] = missing[gone]
        if scale := numbers.named_steps.get("scale"):
            if fit:  # the order in which scikit-learn adds up hangs on how what it is given lies in memory
                scale.fit(part.T if len(gone) else np.ascontiguousarray(part.T))
            part -= scale.mean_[:, None]
            part /= scale.scale_[:, None]
        out[:, :known] = part.T
    if codes:
        out[np.arange(len(matrix))[:, None], known + widths.cumsum() - widths + matrix[:, coded].astype(np.intp)] = 1
    return out


def _codes(column: "pd.Series[Any] | Sequence[Any]", levels: tuple[str, ...]) -> Floats:
    other, gone = float(len(levels)), float(len(levels) + 1)
    table: dict[Any, float] = {level: float(code) for code, level in enumerate(levels)} | {None: gone, np.nan: gone}
    if hasattr(column, "to_numpy"):  # many rows, few values
        import pandas as pd

        places, different = pd.factorize(pd.Series(column))
        return np.append(_codes(different.tolist(), levels), gone)[places]
    codes = np.fromiter(map(table.get, column, repeat(-1.0)), dtype=float, count=len(column))
    if len(unknown := np.flatnonzero(codes < 0)):
        import pandas as pd

        blank = [bool(pd.isna(column[i])) for i in unknown.tolist()]
        codes[unknown] = np.where(blank, gone, other)
    return codes


def _numbers(name: str, column: "pd.Series[Any] | Sequence[Any]") -> Floats:
    try:
        if hasattr(column, "to_numpy"):
            values = column.to_numpy(dtype=float, na_value=np.nan)
        else:
            values = np.array(column, dtype=float)
    except (TypeError, ValueError):
        raise InputFault(
            PLACE, f"the column {name} holds something that is no number", "Ingest the rows: they come out typed"
        ) from None
    infinite = int(np.isinf(values).sum())
    if infinite:
        raise InputFault(PLACE, f"the column {name} is infinite in {infinite} row(s)", "Make them missing or correct")
    return np.asarray(values)
