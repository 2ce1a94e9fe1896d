"""The questions about texts."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from table import SETTINGS, Of, Table, every_candidate, figures, only, rows_of

from wardround.privacy.notes.engine import found
from wardround.privacy.notes.rules import STRUCTURED
from wardround.problems import problem_of
from wardround.problems.base import selected, with_answer
from wardround.sources import read
from wardround.use_cases import load
from wardround.use_cases.base import Split

NOTES = Path(__file__).resolve().parents[2] / "tests" / "golden" / "notes"
RUN, SHARED = 20, 0.7
"""A record is a near copy if of its runs of so many characters more than this share is in records learned from."""


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
