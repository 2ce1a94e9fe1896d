"""How a line of the table comes about: accepted rows, one candidate learned alone, its figures."""

import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import SecretStr

from wardround.evaluation.intervals import REPLICATES, Estimate
from wardround.evaluation.measure import measured
from wardround.problems import problem_of
from wardround.problems.base import Prediction, selected, with_answer
from wardround.settings import Settings
from wardround.sources.canonical import canonical
from wardround.training import Trained, fit_and_evaluate
from wardround.use_cases.base import Candidate, UseCase

SETTINGS = Settings(pseudonym_key=SecretStr("no figure of the table hangs on this key"))
QUICK_ROWS, QUICK_REPLICATES = 240, 100
NEURAL = ("cnn", "recurrent", "unet")


class Of(NamedTuple):
    """Whose figures they are."""

    question: str
    split: str
    rows: str
    family: str


@dataclass(kw_only=True)
class Table:
    """The lines of the table, shown as they come; a cell that repeats the line above stays empty."""

    quick: bool
    _above: tuple[str, ...] = ()

    def add(self, what: Of, figure: str, value: str, interval: str, *, wanted: str = "", remark: str = "") -> None:
        """Show one line."""
        same = [what[: last + 1] == self._above[: last + 1] for last in range(len(what))]
        cells = ["" if repeated else cell for cell, repeated in zip(what, same, strict=True)]
        self._above = what
        print("| " + " | ".join([*cells, figure, value, interval, wanted, remark]) + " |", flush=True)

    def estimates(
        self, what: Of, found: Mapping[str, Estimate], *, wanted: Mapping[str, str] | None = None, remark: str = ""
    ) -> None:
        """Show one line per estimate; the *remark* stands in the first."""
        for name, one in found.items():
            asked = (wanted or {}).get(name, "")
            self.add(what, name.replace("_", " "), *shown(one), wanted=asked, remark=remark)
            remark = ""


def shown(one: Estimate) -> tuple[str, str]:
    """Return an estimate and its interval as the table shows them."""
    if not np.isfinite(one.value):
        return "not measurable", ""
    between = one.interval
    return f"{one.value:.3f}", "none" if between is None else f"{between.low:.3f} to {between.high:.3f}"


def rows_of(use_case: UseCase, raw: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return the rows of *raw* that a round accepts: read without a fault, nothing missing that is to be read."""
    frame = canonical(use_case, raw, SETTINGS, place="benchmark")
    bad = {row for rows in frame.attrs["row_faults"].values() for row in rows}
    frame.attrs = {}
    frame = frame.drop(index=sorted(bad)).dropna(subset=[one.name for one in use_case.contents])
    frame = frame.reset_index(drop=True)
    answered = with_answer(problem_of(use_case), frame)
    if table.quick and len(frame) > QUICK_ROWS and answered.all():
        kept = np.sort(np.random.default_rng(0).permutation(len(frame))[:QUICK_ROWS])
        frame = frame.iloc[kept].reset_index(drop=True)
    return frame


def learned(use_case: UseCase, candidate: Candidate, frame: pd.DataFrame, table: Table) -> Trained:
    """Learn one *candidate* alone, as the round does; in a quick run networks make two epochs."""
    if table.quick and candidate.family in NEURAL:
        candidate = replace(candidate, parameters={**candidate.parameters, "epochs": 2})
    if table.quick and use_case.split.last:
        use_case = replace(use_case, split=replace(use_case.split, last=min(use_case.split.last, len(frame) // 4)))
    start = time.perf_counter()
    trained = fit_and_evaluate(replace(use_case, candidates=(candidate,)), frame, use_case.seed)
    print(f"{use_case.name} {name_of(candidate)}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return trained


def name_of(candidate: Candidate) -> str:
    """Return how a candidate is called in the table; two of one family are told apart by what they were given."""
    given = [str(candidate.parameters[name]) for name in ("base", "n_clusters") if name in candidate.parameters]
    return " ".join([candidate.family, *given]).replace("_", " ")


def figures(
    use_case: UseCase, frame: pd.DataFrame, prediction: Prediction, names: Iterable[str], table: Table
) -> dict[str, Estimate]:
    """Return the metrics *names* on the rows of *frame* that have a prediction."""
    problem, tested = problem_of(use_case), np.flatnonzero(np.isfinite(prediction.value))
    return measured(
        [problem.metric(name) for name in names], frame["target"].to_numpy(dtype=float)[tested],
        selected(prediction, tested), frame["patient_id"].to_numpy()[tested], use_case.threshold,
        seed=use_case.seed, replicates=QUICK_REPLICATES if table.quick else REPLICATES,
    )  # fmt: skip


def sizes(use_case: UseCase, frame: pd.DataFrame, prediction: Prediction) -> str:
    """Return how many rows were judged, of how many patients, and out of how many that were learned from."""
    tested = np.isfinite(prediction.value)
    if tested.all():
        count = f"{len(frame):,}, each judged once"
    else:
        count = f"{tested.sum():,} judged, {(~tested).sum():,} learned from"
    patients = frame["patient_id"][tested].nunique()
    return count + (f", of {patients:,} patients" if use_case.patient_id else "; patients not known")


def every_candidate(
    table: Table,
    use_case: UseCase,
    frame: pd.DataFrame,
    names: tuple[str, ...],
    *,
    split: str,
    wanted: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
) -> dict[str, Trained]:
    """Add the figures of each candidate of *use_case*; return what was learned, by the candidate's name."""
    made = {}
    for candidate in use_case.candidates:
        family = name_of(candidate)
        made[family] = one = learned(use_case, candidate, frame, table)
        what = Of(f"`{use_case.name}`", split, sizes(use_case, one.frame, one.out_of_fold), family)
        estimates = figures(use_case, one.frame, one.out_of_fold, names, table)
        table.estimates(what, estimates, wanted=wanted, remark=(remarks or {}).get(family, ""))
    return made


def only(use_case: UseCase, *families: str) -> UseCase:
    """Return *use_case* with the candidates of *families* alone."""
    return replace(use_case, candidates=tuple(one for one in use_case.candidates if one.family in families))
