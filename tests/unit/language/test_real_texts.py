"""The shipped questions about texts, on part of the real data: quick figures here, the full ones behind ``slow``."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wardround.evaluation.measure import measured
from wardround.models import learner
from wardround.problems import problem_of
from wardround.problems.base import Prediction, judged
from wardround.settings import Settings
from wardround.sources import read
from wardround.sources.canonical import canonical
from wardround.training.fitting import fit_and_evaluate
from wardround.use_cases import load
from wardround.use_cases.base import Split, UseCase

ROOT = Path(__file__).resolve().parents[3]
LONG = 12
"""Words in a row that nobody writes twice by chance."""


@pytest.fixture(scope="module")
def here(shared_data: Path) -> Settings:
    """Settings that find the real data."""
    return Settings(data=shared_data, pseudonym_key="a fixed key, for tests and nothing else")


def rows_of(use_case: UseCase, here: Settings, part: slice | None = None) -> pd.DataFrame:
    """The canonical rows that have a text; *part* of the source's rows, in an order fixed by a seed."""
    raw = read(use_case, use_case.source, here)
    if part is not None:
        raw = raw.iloc[np.random.default_rng(5).permutation(len(raw))[part]]
    rows = canonical(use_case, raw, here, place="the texts")
    return rows[rows[use_case.contents[0].name].notna() & rows["truth"].notna()].reset_index(drop=True)


def lower_ends(use_case: UseCase, rows: pd.DataFrame, prediction: Prediction) -> dict[str, float]:
    problem = problem_of(use_case)
    found = measured(
        problem.metrics, rows["target"].to_numpy(), judged(problem, rows["truth"], prediction),
        rows["patient_id"].to_numpy(), use_case.threshold, seed=1, replicates=400,
    )  # fmt: skip
    return {name: estimate.interval.low for name, estimate in found.items() if estimate.interval is not None}


def learned_ends(
    use_case: UseCase, family: str, rows: pd.DataFrame, cut: int, **parameters: object
) -> dict[str, float]:
    """The lower ends of the figures on the rows from *cut* on, learned from those before."""
    made = learner(family, use_case, parameters).fit(rows.iloc[:cut], rows["target"].iloc[:cut].to_numpy(), seed=1)
    return lower_ends(use_case, rows.iloc[cut:], made.predict(rows.iloc[cut:]))


def test_the_learned_sentence_says_more_of_the_impression_than_the_first_and_the_central_one(here: Settings) -> None:
    use_case = load("radiology_summary")
    ends = learned_ends(use_case, "sentence_ranking", rows_of(use_case, here, slice(900)), 500)
    assert ends["rouge_l_over_lead"] > 0.05
    assert ends["rouge_l_over_textrank"] > 0.03
    assert ends["faithful"] > 0.98


def test_headings_are_named_from_the_findings(here: Settings) -> None:
    use_case = load("radiology_topics")
    ends = learned_ends(use_case, "bag_of_words", rows_of(use_case, here, slice(900)), 600, C=30.0)
    assert ends["micro_f1"] > 0.65


def test_entities_of_the_test_file_are_found_by_what_a_sixth_of_the_records_taught(here: Settings) -> None:
    use_case = load("clinical_entities_zh")
    raw = read(use_case, use_case.source, here)
    rows = canonical(use_case, pd.concat([raw.iloc[:160], raw.iloc[-41:]]), here, place="the texts")
    assert learned_ends(use_case, "crf", rows, 160, iterations=25)["f1"] > 0.4


def test_a_heading_nobody_declared_is_a_new_class(here: Settings) -> None:
    use_case = load("radiology_topics")
    assert canonical_faults(use_case, here) == {"findings: missing"}
    narrower = replace(use_case, target=replace(use_case.target, negative=("Ribs",)))
    assert canonical_faults(narrower, here) == {"findings: missing", "truth: new outcome class"}


def canonical_faults(use_case: UseCase, here: Settings) -> set[str]:
    raw = read(use_case, use_case.source, here).iloc[:300]
    raw.attrs = {}
    return set(canonical(use_case, raw, here, place="the reports").attrs["row_faults"])


def test_no_text_of_the_reports_is_in_the_repository(here: Settings) -> None:
    """They are licensed to be read, not to be copied (CC BY-NC-ND 4.0)."""
    use_case = load("radiology_summary")
    raw = read(use_case, use_case.source, here)
    of_reports = {run for column in ("findings", "impression") for text in raw[column].dropna() for run in runs(text)}
    assert len(of_reports) > 10_000
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    texts = [name for name in listed.split("\0") if name.endswith((".py", ".md", ".csv", ".json", ".txt", ".jsonl"))]
    assert [name for name in texts if (ROOT / name).is_file() and runs((ROOT / name).read_text()) & of_reports] == []


def runs(text: str) -> set[str]:
    words = re.findall(r"[a-z]+", text.lower())
    return {" ".join(words[at : at + LONG]) for at in range(len(words) - LONG + 1)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("clinical_entities_zh", {"f1": 0.65}),
        ("radiology_summary", {"rouge_l_over_lead": 0.1, "rouge_l_over_textrank": 0.08}),
        ("radiology_topics", {"micro_f1": 0.8}),
    ],
)
def test_the_whole_data_reach_the_figures_that_the_docs_tell(
    name: str, figures: dict[str, float], here: Settings
) -> None:
    use_case = load(name)
    if name == "clinical_entities_zh":  # the test file comes last
        use_case = replace(use_case, split=Split(kind="last rows", last=41))
    found = fit_and_evaluate(use_case, rows_of(use_case, here), use_case.seed).evaluation.figures
    ends = {each.metric: each.interval.low for each in found if each.interval is not None}
    assert {metric: ends[metric] > limit for metric, limit in figures.items()} == dict.fromkeys(figures, True)
