"""How often the gate errs: with real rows and real models, at fixed seeds.

    python benchmarks/gate_operating_characteristics.py [--quick] [--repetitions 200] [--rows 1000]

identical  The challenger is the champion trained again on the same rows with other seeds (trees and folds), judged by
           out-of-fold predictions. Each repetition draws other patients. Promotion is an error.
worse      The challenger is truly superior for all patients together, but its AUROC is 0.03 lower than the champion's
           among men. Promotion is an error.
better     The same challenger without that fault. Refusal is an error; the row shows that the gate can say yes.
ungated    The better challenger where no gate is configured, and where only limits are.

The gates are `default_gates("classification")`. The rows are the thyroid clinic's (Garvan Institute) where
WARDROUND_TEST_DATA or ../shared/data has them, else the heart disease table that comes with the package. (That is too
small a table for the planted challenger to stay superior overall: look at its `identical` only.)
"""

import argparse
import os
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from wardround.domain import Verdict
from wardround.evaluation.comparison import Judged, ScoredRows
from wardround.evaluation.defaults import default_gates
from wardround.evaluation.gates import judge
from wardround.problems.base import Prediction
from wardround.use_cases import load
from wardround.use_cases.base import Limit, UseCase

ROOT = Path(__file__).resolve().parents[1]
LOSS = 0.03
SEED = 20261121


@dataclass(frozen=True)
class Table:
    """Rows to learn from: inputs (n, features) without missing values, outcomes (n,), sex (n,)."""

    name: str
    use_case: str
    inputs: np.ndarray
    target: np.ndarray
    sex: np.ndarray
    man: str

    def __len__(self) -> int:
        return len(self.target)

    def take(self, index: np.ndarray) -> "Table":
        """Return the rows at *index*."""
        return replace(self, inputs=self.inputs[index], target=self.target[index], sex=self.sex[index])


def table() -> Table:
    """Return the thyroid rows where there are any, else the heart disease rows."""
    data = Path(os.environ.get("WARDROUND_TEST_DATA", ROOT.parent / "shared" / "data"))
    found = sorted((data / "thyroid").glob("*.csv*"))
    if found:
        frame = pd.read_csv(found[0])
        target = (frame["target"] != "-").to_numpy(float)
        inputs = frame.drop(columns=["target", "patient_id", "TBG", "referral_source"])
        return _numbers("thyroid", "thyroid", inputs, target, frame["sex"], "M")
    frame = pd.read_csv(ROOT / "wardround" / "data" / "heart_disease.csv.gz")
    inputs = frame.drop(columns=["id", "num", "dataset"])
    return _numbers("heart disease", "heart_disease", inputs, (frame["num"] > 0).to_numpy(float), frame["sex"], "Male")


def _numbers(name: str, use_case: str, inputs: pd.DataFrame, target: np.ndarray, sex: pd.Series, man: str) -> Table:
    columns = {}
    for column in inputs:
        values = inputs[column]
        if not pd.api.types.is_numeric_dtype(values):
            values = pd.Series(pd.factorize(values)[0], index=values.index).astype(float)
        columns[f"{column} missing"] = values.isna().astype(float)
        columns[column] = values.astype(float).fillna(values.median())
    return Table(name, use_case, pd.DataFrame(columns).to_numpy(), target, sex.astype(object).to_numpy(), man)


def scored(rows: Table, value: np.ndarray) -> Judged:
    """Return what the gate must know of a model with these out-of-fold predictions."""
    names = np.arange(len(rows)).astype(str)
    prediction = Prediction(value=value, low=None, high=None)
    groups = pd.DataFrame({"sex": rows.sex})
    return Judged(
        version="", size=1_000, latency=1.0, features=(),
        scored={
            "reference": ScoredRows(
                record_id=names, patient_id=names, target=rows.target, prediction=prediction, subgroups=groups
            )
        },
    )  # fmt: skip


def forest(rows: Table, seed: int, trees: int) -> np.ndarray:
    """Return out-of-fold probabilities of a random forest; *seed* sets its trees and its folds."""
    model = RandomForestClassifier(n_estimators=trees, min_samples_leaf=5, random_state=seed)
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    return cross_val_predict(model, rows.inputs, rows.target, cv=folds, method="predict_proba")[:, 1]


def identical(rows: Table, case: UseCase, repetitions: int, size: int, trees: int) -> list[Verdict]:
    """Judge the champion's own procedure, re-seeded, on other patients each time."""
    verdicts = []
    for repetition in range(repetitions):
        generator = np.random.default_rng([SEED, repetition])
        drawn = rows.take(generator.choice(len(rows), size=size, replace=False))
        old, new = (forest(drawn, 2 * repetition + side, trees) for side in (1, 2))
        verdicts.append(_judged(case, drawn, new, old, repetition))
    return verdicts


def planted(rows: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return out-of-fold probabilities for all rows: champion, better challenger, and the one that is worse for men.

    The last is the better one with noise on the log-odds of men, as much as takes its AUROC among them, over
    all rows, `LOSS` below the champion's.
    """
    old, new = (
        cross_val_predict(
            HistGradientBoostingClassifier(max_iter=rounds, learning_rate=0.1, max_leaf_nodes=8, random_state=SEED),
            rows.inputs, rows.target, cv=StratifiedKFold(5, shuffle=True, random_state=SEED), method="predict_proba",
        )[:, 1]
        for rounds in (15, 80)
    )  # fmt: skip
    men = rows.sex == rows.man
    aim = roc_auc_score(rows.target[men], old[men]) - LOSS
    noise = np.random.default_rng(SEED).normal(size=men.sum())
    low, high = 0.0, 20.0
    worse = new.copy()
    for _ in range(40):
        middle = (low + high) / 2
        odds = np.log(new[men] / (1 - new[men])) + middle * noise
        worse[men] = 1 / (1 + np.exp(-odds))
        low, high = (middle, high) if roc_auc_score(rows.target[men], worse[men]) > aim else (low, middle)
    return old, new, worse


def replays(rows: Table, case: UseCase, old: np.ndarray, new: np.ndarray, repetitions: int, size: int) -> list[Verdict]:
    """Judge *new* against *old* on *size* patients drawn from all rows, again and again."""
    verdicts = []
    for repetition in range(repetitions):
        index = np.random.default_rng([SEED, 7, repetition]).choice(len(rows), size=size, replace=True)
        verdicts.append(_judged(case, rows.take(index), new[index], old[index], repetition))
    return verdicts


def _judged(case: UseCase, rows: Table, new: np.ndarray, old: np.ndarray, seed: int) -> Verdict:
    return judge(case, scored(rows, new), scored(rows, old), seed=seed, small_cell=10)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 repetitions and small forests")
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument(
        "--rows",
        type=int,
        default=1_000,
        help="patients in each repetition of `identical`; the others have twice as many, half as often",
    )
    options = parser.parse_args()
    repetitions, trees = (20, 30) if options.quick else (options.repetitions, 40)
    rows = table()
    case = replace(load(rows.use_case), gates=default_gates("classification", ("sex",)))
    begun = time.perf_counter()
    old, new, worse = planted(rows)
    print(f"{rows.name}, {len(rows):,} rows, seed {SEED}")
    for name, value in (("champion", old), ("better", new), ("worse for men", worse)):
        men = rows.sex == rows.man
        print(
            f"  {name:14} AUROC {roc_auc_score(rows.target, value):.4f}, men "
            f"{roc_auc_score(rows.target[men], value[men]):.4f}, Brier {np.mean((value - rows.target) ** 2):.4f}"
        )
    size = min(options.rows, len(rows) * 3 // 4)
    print(f"\n{size:,} patients in each repetition", end="")
    show("identical", identical(rows, case, repetitions, size, trees), repetitions)
    half, twice = repetitions // 2, 2 * options.rows
    print(f"\n{twice:,} patients in each repetition", end="")
    show("worse", replays(rows, case, old, worse, half, twice), half)
    show("better", replays(rows, case, old, new, half, twice), half)
    empty = replace(case, gates=())
    only = replace(case, gates=(Limit(what="size", limit=1e9, reason="none"),))
    show("ungated", replays(rows, empty, old, new, 1, options.rows), 1)
    show("limits only", replays(rows, only, old, new, 1, options.rows), 1)
    print(f"{time.perf_counter() - begun:.0f} s")


def show(name: str, verdicts: list[Verdict], repetitions: int) -> None:
    """Print how often these verdicts were a pass, and how often each criterion held."""
    promoted = sum(verdict.passed for verdict in verdicts)
    print(f"\n{name}: promoted {promoted} of {repetitions} ({promoted / repetitions:.1%})")
    held = Counter(c.criterion for verdict in verdicts for c in verdict.criteria if c.passed)
    for criterion in verdicts[0].criteria:
        print(f"    {held[criterion.criterion] / repetitions:7.1%} held  {criterion.criterion}")


if __name__ == "__main__":
    main()
