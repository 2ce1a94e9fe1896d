"""The questions about pictures and signals."""

from dataclasses import replace
from typing import Any

import pandas as pd
from table import SETTINGS, Table, every_candidate, rows_of

from wardround.sources import read
from wardround.sources.canonical import canonical
from wardround.use_cases import load
from wardround.use_cases.base import Split, UseCase


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


def icu_labs(table: Table) -> None:
    """Add the folds of the use case."""
    use_case = load("icu_labs")
    frame = rows_of(use_case, read(use_case, use_case.source, SETTINGS), table)
    every_candidate(
        table, use_case, frame, ("auroc", "auprc", "brier", "sensitivity", "specificity", "net_benefit"),
        split="eICU demo, 5 folds by patient",
        remarks={"logistic": "optimistic: the outcome was chosen after trying 19 on these very stays"},
    )  # fmt: skip
