"""Every family of models with rows to learn from, real ones and few, and the parameters that make it small."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from pydantic import SecretStr

from wardround import contents, models
from wardround.contents.arrays import packed
from wardround.errors.extras import ExtraMissing
from wardround.problems import PROBLEMS, Prediction
from wardround.problems.base import judged
from wardround.settings import Settings
from wardround.sources import read
from wardround.sources.canonical import canonical
from wardround.use_cases import load
from wardround.use_cases.base import Content, Source, Target, UseCase

SETTINGS = Settings(pseudonym_key=SecretStr("a fixed key, for tests and nothing else"))
SEED = 3

TABLE = load("heart_disease")
PICTURE = Content(name="picture", kind="image", channels=("grey",))
DEEP = replace(PICTURE, options={"depth": 16})
BEAT = Content(name="beat", kind="series", channels=("lead",))
REPORT = Content(name="report", kind="text", language="en", deidentified="identifiers were replaced by the publisher")
RECORD = Content(name="record", kind="text", language="zh", deidentified="the publisher says so")
KINDS = ("normal", "cardiomegaly", "other")
CUT = 80
"""Characters of a Chinese record that are kept, so that a sequence labeller learns within half a second."""
ENTITIES = ("疾病和诊断", "症状", "手术", "药物", "解剖部位", "影像检查", "实验室检验")


@dataclass(frozen=True)
class Case:
    """A family with a use case, canonical rows and a target to learn from; fitted when it is first asked for."""

    use_case: UseCase
    family: str
    frame: pd.DataFrame = field(repr=False)
    target: Any = field(repr=False)
    parameters: dict[str, Any]

    @property
    def kind(self) -> models.Family:
        return models.FAMILIES[self.use_case.problem, self.family]

    def unfitted(self) -> models.Learner:
        return models.learner(self.family, self.use_case, self.parameters)

    def fitted(self) -> models.Learner:
        return self.unfitted().fit(self.frame, self.target, seed=SEED)

    @cached_property
    def learner(self) -> models.Learner:
        return self.fitted()

    @cached_property
    def prediction(self) -> Prediction:
        return self.learner.predict(self.frame)

    @property
    def some(self) -> pd.DataFrame:
        return self.frame.iloc[:16]

    @cached_property
    def explained(self) -> pd.DataFrame:
        return self.learner.explain(self.some)

    @cached_property
    def files(self) -> dict[str, bytes]:
        return self.learner.save()

    @property
    def hashes(self) -> dict[str, str]:
        """The sha256 of each of its files."""
        return {name: hashlib.sha256(body).hexdigest() for name, body in self.files.items()}

    @property
    def judged(self) -> Prediction:
        return judged(PROBLEMS[self.use_case.problem], self.frame.get("truth"), self.prediction)


def _use_case(problem: str, content: Content, target: Target) -> UseCase:
    return replace(
        TABLE, problem=problem, source=Source(kind="parquet", location="rows.parquet"), site=None, target=target,
        contents=(content,), features=contents.features(content), subgroups=(), expectations=None,
    )  # fmt: skip


def _canonical(use_case: UseCase, raw: dict[str, Any]) -> pd.DataFrame:
    count = len(next(iter(raw.values())))
    table = pd.DataFrame({"id": [f"record {number} of somebody" for number in range(count)], **raw})
    return canonical(use_case, table, SETTINGS, place="the rows of the contract")


@cache
def _heart() -> tuple[pd.DataFrame, Any]:
    raw = read(TABLE, TABLE.source, SETTINGS)
    raw = pd.concat([raw[raw["dataset"] == "Cleveland"].iloc[:120], raw[raw["dataset"] == "Hungary"].iloc[:40]])
    return canonical(TABLE, raw, SETTINGS, place="the shipped table"), raw["num"].to_numpy(dtype=float)


def table(problem: str, folder: Path) -> tuple[UseCase, pd.DataFrame, Any]:
    """Heart patients of two hospitals: the disease, its grade, the highest heart rate; every third outcome missing."""
    frame, grades = _heart()
    grade = Target(column="num", allowed=(0, 1, 2, 3, 4))
    rate = frame["max_heart_rate"].fillna(140.0).to_numpy(dtype=float)
    disease = frame["target"].to_numpy(dtype=float)
    known = np.arange(len(frame)) % 3 > 0
    others = tuple(feature for feature in TABLE.features if feature.name != "max_heart_rate")
    use_case, target = {
        "classification": (TABLE, disease),
        "few": (TABLE, np.where(known, disease, np.nan)),
        "regression": (replace(TABLE, target=Target(column="thalch"), features=others), rate),
        "multiclass": (replace(TABLE, target=grade), grades),
        "clustering": (replace(TABLE, target=Target(column="")), np.full(len(frame), np.nan)),
        "anomaly": (replace(TABLE, target=Target(column="")), np.full(len(frame), np.nan)),
    }[problem]
    problem = "classification" if problem == "few" else problem
    return replace(use_case, problem=problem), frame, target


def pictures(problem: str, folder: Path) -> tuple[UseCase, pd.DataFrame, Any]:
    """Chest pictures of children (PneumoniaMNIST): ill or not, how bright, which third of brightness."""
    with np.load(folder / "pneumoniamnist" / "pneumoniamnist.npz", allow_pickle=False) as archive:
        ill = archive["val_labels"][:, 0].astype(float)
        each = np.concatenate([np.flatnonzero(ill == 0)[:24], np.flatnonzero(ill == 1)[:24]])
        grey, ill = archive["val_images"][each], ill[each]
    bright = grey.mean(axis=(1, 2))
    third = np.searchsorted(np.quantile(bright, (1 / 3, 2 / 3)), bright).astype(float)
    return _of_array(problem, PICTURE, [packed(one) for one in grey], ill, bright, third)


def beats(problem: str, folder: Path) -> tuple[UseCase, pd.DataFrame, Any]:
    """Every second sample of heart beats (ECG5000): normal or not, how deep, normal or one of two other kinds."""
    rows = np.loadtxt(folder / "ecg5000" / "ECG5000_TRAIN.txt")
    rows = np.concatenate([rows[rows[:, 0] == 1][:24], rows[rows[:, 0] == 2][:16], rows[rows[:, 0] == 4][:8]])
    time = np.arange(0, 140, 2) / 140
    cells = [packed(np.column_stack([time, beat]).astype(np.float32)) for beat in rows[:, 1::2]]
    kind = np.searchsorted([1, 2, 4], rows[:, 0]).astype(float)
    return _of_array(problem, BEAT, cells, (kind > 0).astype(float), rows[:, 1:].min(axis=1), kind)


def _of_array(
    problem: str, content: Content, cells: list[bytes], classes: Any, number: Any, kind: Any
) -> tuple[UseCase, pd.DataFrame, Any]:
    target = {
        "classification": Target(column="y", positive=(1,)),
        "regression": Target(column="y"),
        "multiclass": Target(column="y", allowed=("first", "second", "third")),
        "anomaly": Target(column=""),
    }[problem]
    given = {"classification": classes, "regression": number, "multiclass": kind}.get(
        problem, np.full(len(cells), np.nan)
    )
    use_case = _use_case(problem, content, target)
    order = np.random.default_rng(0).permutation(len(cells))
    return use_case, _canonical(use_case, {content.name: [cells[i] for i in order]}), np.asarray(given)[order]


def nuclei(problem: str, folder: Path) -> tuple[UseCase, pd.DataFrame, Any]:
    """Sixteen crops of one picture of nuclei, with the nuclei somebody outlined."""
    from skimage.io import imread

    grey, mask = (imread(folder / "nuclei" / name) for name in ("img2d.tif", "mask2d.tif"))
    places = [(row, column) for row in range(64, 320, 64) for column in range(64, 320, 64)]
    crops = [np.s_[row : row + 64, column : column + 64] for row, column in places]
    cells = [packed(grey[crop].astype(np.uint16)) for crop in crops]
    truths = [packed(mask[crop].astype(np.uint16)) for crop in crops]
    use_case = _use_case(problem, DEEP, Target(column="mask"))
    frame = _canonical(use_case, {"picture": cells, "mask": truths})
    return use_case, frame, frame["target"].to_numpy(dtype=float)


@cache
def _reports(folder: Path) -> list[tuple[str, str, tuple[str, ...]]]:
    """Findings, impression and subjects of reports, read where they are and kept nowhere."""
    found = []
    with tarfile.open(folder / "radiology_reports" / "NLMCXR_reports.tgz") as archive:
        for member in archive:
            body = archive.extractfile(member) if member.name.endswith(".xml") else None
            if body is None:
                continue
            report = ElementTree.fromstring(body.read())
            parts = {text.get("Label"): text.text or "" for text in report.iter("AbstractText")}
            subjects = {(each.text or "").split("/")[0].lower() for each in report.iter("major")}
            if len(parts.get("FINDINGS") or "") > 80 and parts.get("IMPRESSION"):
                labels = {subject if subject in KINDS else "other" for subject in subjects}
                found.append((parts["FINDINGS"], parts["IMPRESSION"], tuple(k for k in KINDS if k in labels)))
            if len(found) == 90:
                return found
    return found


def reports(problem: str, folder: Path) -> tuple[UseCase, pd.DataFrame, Any]:
    """Radiology reports: normal or not, the first subject, all subjects, or the impression to be said shortly."""
    rows = [(text, said, labels) for text, said, labels in _reports(folder) if labels]
    first = [KINDS.index(labels[-1]) for *_, labels in rows]
    target, truth = {
        "classification": (Target(column="y", positive=(1,)), [float("normal" in labels) for *_, labels in rows]),
        "multiclass": (Target(column="y", allowed=KINDS), [KINDS[place] for place in first]),
        "multilabel": (Target(column="y", allowed=KINDS), ["|".join(labels) for *_, labels in rows]),
        "summary": (Target(column="y"), [said for _, said, _ in rows]),
    }[problem]
    use_case = _use_case(problem, REPORT, target)
    frame = _canonical(use_case, {"report": [text for text, *_ in rows], "y": truth})
    return use_case, frame, frame["target"].to_numpy(dtype=float)


def records(problem: str, folder: Path) -> tuple[UseCase, pd.DataFrame, Any]:
    """Chinese records with what somebody marked in them (cEHRNER)."""
    texts, truths = [], []
    for block in (folder / "cehrner" / "train.txt").read_text(encoding="utf-8").split("\n\n")[:90]:
        pairs = [line.rsplit(" ", 1) for line in block.split("\n")]
        spans: list[list[Any]] = []
        for place, (_, tag) in enumerate(pairs):
            if tag.startswith("B_"):
                spans.append([place, place + 1, tag[2:]])
            elif tag.startswith("I_") and spans and spans[-1][1:] == [place, tag[2:]]:
                spans[-1][1] = place + 1
        texts.append("".join(sign or " " for sign, _ in pairs)[:CUT])
        truths.append(json.dumps([span for span in spans if span[1] <= CUT], ensure_ascii=False))
    use_case = _use_case(problem, RECORD, Target(column="y", allowed=ENTITIES))
    frame = _canonical(use_case, {"record": texts, "y": truths})
    return use_case, frame, frame["target"].to_numpy(dtype=float)


Rows = Callable[[str, Path], tuple[UseCase, pd.DataFrame, Any]]
_QUICK = {"epochs": 2, "patience": 0}
_SMALL: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": 10},
    "boosting": {"max_iter": 10},
    "neighbours": {"n_neighbors": 7},
    "kmeans": {"n_clusters": 2, "resamples": 4, "n_init": 2},
    "gaussian_mixture": {"n_clusters": 2, "resamples": 4, "n_init": 2},
    "isolation_forest": {"n_estimators": 10},
    "dense": {**_QUICK, "width": 8},
    "autoencoder_features": {**_QUICK, "width": 8, "code": 3},
    "autoencoder": {**_QUICK, "width": 8, "code": 3},
    "cnn": {**_QUICK, "width": 4, "blocks": 2},
    "recurrent": {**_QUICK, "width": 8},
    "unet": {**_QUICK, "width": 4, "blocks": 2, "tile": 32},
    "bag_of_words": {"terms": 500},
    "crf": {"iterations": 8},
    "sentence_ranking": {"terms": 500},
}
_OF_CONTENT: dict[tuple[str, str], tuple[Rows, ...]] = {
    **{(problem, "cnn"): (pictures, beats) for problem in ("classification", "regression", "multiclass")},
    **{(problem, "recurrent"): (beats,) for problem in ("classification", "regression", "multiclass")},
    **{(problem, "bag_of_words"): (reports,) for problem in ("classification", "multiclass", "multilabel")},
    **{("segmentation", family): (nuclei,) for family in ("thresholding", "unet")},
    **{("tagging", family): (records,) for family in ("dictionary", "crf")},
    **{("summary", family): (reports,) for family in ("lead", "textrank", "sentence_ranking")},
    ("anomaly", "autoencoder"): (table, pictures, beats),
}
_OF_TABLES = (
    *(("classification", family) for family in (
        "logistic", "linear_svm", "rbf_svm", "random_forest", "boosting", "neighbours", "dense",
        "autoencoder_features", "self_training",
    )),
    *(("regression", family) for family in (
        "linear", "ridge", "lasso", "elastic_net", "linear_svm", "rbf_svm", "random_forest", "boosting", "neighbours",
        "dense",
    )),
    *(("multiclass", family) for family in ("logistic", "random_forest", "boosting", "dense")),
    *(("clustering", family) for family in ("kmeans", "gaussian_mixture")),
    *(("anomaly", family) for family in ("isolation_forest", "principal_components")),
)  # fmt: skip
CASES: dict[tuple[str, str], tuple[Rows, ...]] = {**dict.fromkeys(_OF_TABLES, (table,)), **_OF_CONTENT}
"""(problem, family) -> what it learns from here. A family that is registered and not named here fails a test."""
_EACH = [(*key, rows) for key, each in CASES.items() for rows in each]
_KINDS = {table: "", pictures: "image", nuclei: "image", beats: "series", reports: "text", records: "text"}


@pytest.fixture(scope="session")
def learner_cases() -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Every family that has a case -> (kind of content, its rows)."""
    return {key: [(_KINDS[rows], rows.__name__) for rows in each] for key, each in CASES.items()}


def case_of(problem: str, family: str, rows: Rows, folder: Path) -> Case:
    """Return *family* with its *rows*, those of *folder* unless they are shipped."""
    use_case, frame, target = rows("few" if family == "self_training" else problem, folder)
    parameters = dict(_SMALL.get(family, {}))
    if family == "autoencoder" and rows is not table:
        parameters |= {"of": use_case.contents[0].name, "blocks": 2}
    return Case(use_case, family, frame, target, parameters)


def name_of(each: tuple[str, str, Rows]) -> str:
    """Return how a case is called."""
    return f"{each[0]}-{each[1]}-{each[2].__name__}"


@pytest.fixture(scope="module", params=_EACH, ids=name_of)
def case(request: pytest.FixtureRequest) -> Case:
    """One family with its rows; skipped, visibly, where the shared data or an extra are absent."""
    problem, family, rows = request.param
    made = case_of(problem, family, rows, Path() if rows is table else request.getfixturevalue("shared_data"))
    try:
        made.unfitted()
    except ExtraMissing as error:
        pytest.skip(str(error))
    return made


@pytest.fixture(scope="session")
def elsewhere(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What every case is learned to be by another process: other hashes of names, another folder, two threads."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "2")
    other = {"PYTHONHASHSEED": "77", "OMP_WAIT_POLICY": "passive", **threads}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("learned_elsewhere.py")), str(shared_data)],
        env=os.environ | other, cwd=tmp_path_factory.mktemp("elsewhere"),
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found
