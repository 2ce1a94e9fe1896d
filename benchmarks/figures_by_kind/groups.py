"""The questions without an outcome, or with few."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata
from table import SETTINGS, Of, Table, every_candidate, figures, learned, name_of, rows_of, shown, sizes

from wardround.cli.visits import few_labels as few_labels_visit
from wardround.evaluation.intervals import paired_interval
from wardround.evaluation.statistics import weighted
from wardround.problems import problem_of
from wardround.sources import read, source_from
from wardround.use_cases import load
from wardround.use_cases.base import UseCase

DRAWS = 10
NO_GROUPS = "normal after a change of scale, with the correlations and distributions of the real ones; mean and range"


def patient_clusters(table: Table) -> None:
    """Add the folds of the use case, and what groups look like where there are none."""
    use_case = load("patient_clusters")
    frame = rows_of(use_case, read(use_case, use_case.source, SETTINGS), table)
    names = ("stability", "silhouette", "explained", "smallest_share")
    every_candidate(
        table, use_case, frame, names, split="Wisconsin aspirates, 5 folds by aspirate",
        remarks={"kmeans 2": "above each of the draws without groups, below, and not by much"},
    )  # fmt: skip
    drawn: dict[str, list[float]] = {name: [] for name in names}
    for seed in range(2 if table.quick else DRAWS):
        one = learned(use_case, use_case.candidates[0], _without_groups(use_case, frame, seed), table)
        for figure in one.evaluation.figures:
            if figure.metric in drawn and figure.value is not None:
                drawn[figure.metric].append(figure.value)
    split = f"made-up patients without groups, {DRAWS} times"
    what = Of(f"`{use_case.name}`", split, f"{len(frame)}, each judged once", name_of(use_case.candidates[0]))
    for name, values in drawn.items():
        between = f"from {min(values):.3f} to {max(values):.3f}"
        table.add(
            what, name.replace("_", " "), f"{np.mean(values):.3f}", between, remark=NO_GROUPS * (name == names[0])
        )


def _without_groups(use_case: UseCase, frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return as many patients drawn from a Gaussian copula (Nelsen 2006) of the real ones."""
    real = frame[list(use_case.feature_names)].to_numpy(dtype=float)
    scores = norm.ppf((rankdata(real, axis=0) - 0.5) / len(real))
    drawn = np.random.default_rng(seed).multivariate_normal(
        np.zeros(real.shape[1]), np.corrcoef(scores, rowvar=False), len(real)
    )
    made = [np.quantile(real[:, column], norm.cdf(drawn[:, column])) for column in range(real.shape[1])]
    return frame.assign(**dict(zip(use_case.feature_names, made, strict=True)))


def few_labels(table: Table) -> None:
    """Add the folds of what the demo learns from, and what the comments it withholds say of the same models."""
    use_case = load("few_labels")
    with tempfile.TemporaryDirectory() as inbox:
        first = few_labels_visit.deliver(Path(inbox), SETTINGS)[0]
        frame = rows_of(use_case, read(use_case, source_from(str(first.path)), SETTINGS), table)
    others = rows_of(use_case, read(use_case, use_case.source, SETTINGS), table)
    others = others[~others["patient_id"].isin(frame["patient_id"])].reset_index(drop=True)
    names = ("auroc", "brier", "calibration_slope")
    made = every_candidate(
        table, use_case, frame, names, split="Garvan thyroid requests of the demo, 5 folds by request",
        remarks={"logistic": "only the requests with a comment are judged; the rest is there to learn from"},
    )  # fmt: skip
    split, target = "learned from all 238, judged by withheld comments", others["target"].to_numpy(dtype=float)
    answers = {family: one.learner.predict(others) for family, one in made.items()}
    for family, answer in answers.items():
        what = Of(f"`{use_case.name}`", split, sizes(use_case, others, answer), family)
        table.estimates(what, figures(use_case, others, answer, names, table))
    for taught, base in (("self training", "logistic"), ("self training boosting", "boosting")):
        what = Of(f"`{use_case.name}`", split, sizes(use_case, others, answers[base]), f"{taught} less {base}")
        for name in names[:2]:
            one, other = (
                weighted(problem_of(use_case).metric(name), target, answers[family], use_case.threshold)
                for family in (taught, base)
            )
            gain = paired_interval(one, other, others["patient_id"], seed=use_case.seed)
            table.add(what, f"{name}, difference", *shown(gain), remark="paired" if name == "auroc" else "")
