"""What the shipped questions about pictures, signals, texts, groups and few labels reach on real data, in one table.

Every candidate is learned and judged as a round does it (`wardround.training.fit_and_evaluate`), alone, so that no
figure is that of a winner. Intervals resample patients, or rows where nobody knows the patient. Figures of the notes
are counts, with exact binomial intervals.

    WARDROUND_DATA=... python benchmarks/figures_by_kind.py [--quick] [--only NAME ...]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
from pydantic import SecretStr
from scipy.stats import binomtest, norm, rankdata

from wardround.cli.visits import few_labels as few_labels_visit
from wardround.evaluation.intervals import REPLICATES, Estimate, paired_interval
from wardround.evaluation.measure import measured
from wardround.evaluation.statistics import weighted
from wardround.privacy.notes.engine import found
from wardround.privacy.notes.rules import STRUCTURED
from wardround.problems import problem_of
from wardround.problems.base import Prediction, selected, with_answer
from wardround.settings import Settings
from wardround.sources import read, source_from
from wardround.sources.canonical import canonical
from wardround.training import Trained, fit_and_evaluate
from wardround.use_cases import load
from wardround.use_cases.base import Candidate, Split, UseCase

NOTES = Path(__file__).resolve().parents[1] / "tests" / "golden" / "notes"
SETTINGS = Settings(pseudonym_key=SecretStr("no figure of the table hangs on this key"))
QUICK_ROWS, QUICK_REPLICATES = 240, 100
DRAWS = 10
NEURAL = ("cnn", "recurrent", "unet")
RUN, SHARED = 20, 0.7
"""A record is a near copy if of its runs of so many characters more than this share is in records learned from."""


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
            self.add(what, name.replace("_", " "), *_shown(one), wanted=asked, remark=remark)
            remark = ""


def _shown(one: Estimate) -> tuple[str, str]:
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


def chest_xray(table: Table) -> None:
    """Add the held-out part, and beside it folds of the other two parts, which tells a change between the parts."""
    use_case = load("chest_xray")
    every = replace(use_case.source, options={**use_case.source.options, "split": "train+val+test"})
    frame = rows_of(use_case, read(use_case, every, SETTINGS), table)
    test = frame["record_id"].isin(_names(use_case, "test"))
    names = (
        "auroc", "sensitivity", "specificity", "calibration_slope", "calibration_intercept", "ece", "brier",
    )  # fmt: skip
    split = "PneumoniaMNIST, train and val learned from, test judged"
    held_out = replace(use_case, split=Split(kind="last rows", last=int(test.sum())))
    every_candidate(
        table, held_out, frame, names, split=split, wanted={"auroc": ">= 0.94"},
        remarks={
            "logistic": "learns from what was measured of a picture, not from the picture; so does boosting",
            "cnn": "ranks best and is furthest off in level; threshold 0.3, as of all",
        },
    )  # fmt: skip
    every_candidate(
        table, use_case, frame[~test].reset_index(drop=True), names,
        split="train and val alone, 3 folds",
        remarks={"logistic": "the same without the change from train to test"},
    )  # fmt: skip


def _names(use_case: UseCase, split: str) -> "pd.Series[Any]":
    source = replace(use_case.source, options={**use_case.source.options, "split": split})
    return canonical(use_case, read(use_case, source, SETTINGS), SETTINGS, place="benchmark")["record_id"]


def nuclei(table: Table) -> None:
    """Add random folds of crops, as the use case has them, and one half of the slide after the other."""
    use_case = load("nuclei")
    frame = rows_of(use_case, read(use_case, use_case.source, SETTINGS), table)
    names = ("dice", "iou", "surface_distance", "instance_f1", "count_error")
    every_candidate(
        table,
        use_case,
        frame,
        names,
        split="one slide in 64 crops, 4 folds by crop",
        wanted={"dice": ">= 0.80"},
        remarks={"thresholding": "each crop counts alike; surface distance in pixels, count error in nuclei per crop"},
    )
    every_candidate(
        table, replace(use_case, split=Split(kind="last rows", last=32)), frame, names,
        split="upper half of the slide learned from, lower half judged", wanted={"dice": ">= 0.80"},
        remarks={"thresholding": "unseen crops that are neighbours of seen ones only along one line"},
    )  # fmt: skip


def ecg_beats(table: Table) -> None:
    """Add the folds of the use case."""
    use_case = load("ecg_beats")
    frame = rows_of(use_case, read(use_case, use_case.source, SETTINGS), table)
    every_candidate(
        table, use_case, frame, ("accuracy", "balanced_accuracy", "macro_f1", "brier"),
        split="ECG5000, the train file, 5 folds by beat", wanted={"accuracy": ">= 0.93"},
        remarks={"logistic": "all beats are of one patient: the interval is of beats, not of patients"},
    )  # fmt: skip


def clinical_entities_zh(table: Table) -> None:
    """Add the test file, and what is left of it without near copies of records learned from."""
    use_case = replace(load("clinical_entities_zh"), split=Split(kind="last rows", last=41))
    frame = rows_of(use_case, read(use_case, use_case.source, SETTINGS), table)
    names, wanted = ("f1", "precision", "recall"), {"f1": ">= 0.65"}
    split = "cEHRNER, train and dev learned from, test judged (strict spans)"
    made = every_candidate(table, use_case, frame, names, split=split, wanted=wanted)
    for family, one in made.items():
        texts, tested = one.frame["record"].tolist(), np.isfinite(one.out_of_fold.value)
        seen = set().union(*(_runs(texts[row]) for row in np.flatnonzero(~tested)))
        fresh = np.array([row for row in np.flatnonzero(tested) if not _copied(_runs(texts[row]), seen)])
        part, answers = one.frame.iloc[fresh], selected(one.out_of_fold, fresh)
        what = Of(
            f"`{use_case.name}`", "the same, without near copies", f"{len(fresh)} judged; patients not known", family
        )
        remark = f"{tested.sum() - len(fresh)} test records share over 70 % of their wording with those learned from"
        table.estimates(what, figures(use_case, part, answers, names, table), wanted=wanted, remark=remark)


def _runs(text: str) -> set[str]:
    return {text[at : at + RUN] for at in range(max(1, len(text) - RUN + 1))}


def _copied(mine: set[str], seen: set[str]) -> bool:
    return len(mine & seen) > SHARED * len(mine)


def _same_wording_together(frame: pd.DataFrame) -> pd.DataFrame:
    """Return *frame* as if reports with the same findings were of one patient, so that none is judged by its twin."""
    alike = frame["findings"].str.lower().str.replace(r"\W+", " ", regex=True)
    return frame.assign(patient_id=pd.factorize(alike)[0].astype(str))


def _reports(table: Table, name: str, metrics: tuple[str, ...], wanted: Mapping[str, str], best: str) -> None:
    use_case = load(name)
    frame = rows_of(use_case, read(use_case, use_case.source, SETTINGS), table)
    frame = frame[with_answer(problem_of(use_case), frame)].reset_index(drop=True)
    every_candidate(table, use_case, frame, metrics, split="Indiana chest reports, 5 folds by report", wanted=wanted)
    together = _same_wording_together(frame)
    twins = int(together["patient_id"].duplicated(keep=False).sum())
    every_candidate(
        table, only(use_case, best), together, metrics, split="the same, equal findings in one fold", wanted=wanted,
        remarks={best.replace("_", " "): f"{twins:,} reports have the findings of another word for word"},
    )  # fmt: skip


def radiology_summary(table: Table) -> None:
    """Add ROUGE-L, and the gain over the two baselines on the same reports."""
    gains = {"rouge_l_over_lead": "> 0", "rouge_l_over_textrank": "> 0"}
    _reports(table, "radiology_summary", ("rouge_l", *gains, "faithful"), gains, "sentence_ranking")


def radiology_topics(table: Table) -> None:
    """Add how well headings are found."""
    _reports(table, "radiology_topics", ("micro_f1", "macro_f1", "exact_match"), {}, "bag_of_words")


def notes(table: Table) -> None:
    """Add what is found of the identifiers in the committed notes, and what of that is one."""
    for language, tongue in (("en", "English"), ("zh", "Chinese")):
        corpus = [json.loads(line) for line in (NOTES / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()]
        corpus = corpus[:: 6 if table.quick else 1]
        gone: Counter[bool] = Counter()
        there: Counter[bool] = Counter()
        right = taken = 0
        for note in corpus:
            findings = found(note["text"], language=language)
            inside = {place for each in findings for place in range(each.start, each.end)}
            for start, end, category in note["spans"]:
                structured = category in STRUCTURED
                there[structured] += 1
                gone[structured] += all(at in inside or not note["text"][at].isalnum() for at in range(start, end))
            taken += len(findings)
            right += sum(any(s < one.end and one.start < e for s, e, _ in note["spans"]) for one in findings)
        what = Of(f"notes, {tongue}", "the committed synthetic notes", f"{len(corpus)} notes", "patterns")
        remark = "no longer unseen: the patterns were mended until they found what these notes hold"
        table.add(what, "recall", *_share(gone.total(), there.total()), wanted=">= 0.99", remark=remark)
        table.add(what, "recall, structured", *_share(gone[True], there[True]), wanted="1.000")
        table.add(what, "precision", *_share(right, taken))


def _share(hits: int, of: int) -> tuple[str, str]:
    between = binomtest(hits, of).proportion_ci(method="exact")
    return f"{hits / of:.3f} ({hits:,}/{of:,})", f"{between.low:.3f} to {between.high:.3f}"


def icu_labs(table: Table) -> None:
    """Add the folds of the use case."""
    use_case = load("icu_labs")
    frame = rows_of(use_case, read(use_case, use_case.source, SETTINGS), table)
    every_candidate(
        table, use_case, frame, ("auroc", "auprc", "brier", "sensitivity", "specificity", "net_benefit"),
        split="eICU demo, 5 folds by patient",
        remarks={"logistic": "optimistic: the outcome was chosen after trying 19 on these very stays"},
    )  # fmt: skip


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


NO_GROUPS = "normal after a change of scale, with the correlations and distributions of the real ones; mean and range"


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
            table.add(what, f"{name}, difference", *_shown(gain), remark="paired" if name == "auroc" else "")


SUBJECTS = {
    one.__name__: one
    for one in (
        chest_xray, nuclei, ecg_beats, icu_labs, clinical_entities_zh, radiology_summary, radiology_topics, notes,
        patient_clusters, few_labels,
    )
}  # fmt: skip


def main() -> None:
    """Print the table of all subjects, or of those named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rows, epochs and resamples: only that it runs")
    parser.add_argument("--only", action="append", choices=sorted(SUBJECTS), help="a subject (all, unless given)")
    options = parser.parse_args()
    table = Table(quick=options.quick)
    print("| question | data and split | rows | family | figure | value | 95 % interval | wanted | remark |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in options.only or SUBJECTS:
        SUBJECTS[name](table)


if __name__ == "__main__":
    main()
