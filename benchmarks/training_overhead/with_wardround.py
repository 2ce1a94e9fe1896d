"""The side of wardround: from the canonical frame to the files of a version."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rows import KINDS, TOPICS, Rows

from wardround import models
from wardround.contents.arrays import packed
from wardround.use_cases import load
from wardround.use_cases.base import Content, Feature, UseCase


def asked(problem: str, rows: Rows) -> tuple[UseCase, pd.DataFrame]:
    """Return a use case that asks for what *rows* hold, and its canonical frame."""
    base, frame = load("heart_disease"), rows.frame
    features: tuple[Feature, ...] = ()
    contents: tuple[Content, ...] = ()
    allowed: tuple[str, ...] = {"multilabel": TOPICS, "tagging": KINDS}.get(problem, TOPICS[:3])
    if "record" in frame:
        contents = (Content(name="record", kind="text", language="en", deidentified="generated"),)
        allowed = TOPICS
    elif rows.content is None or len(frame.columns) > 1:
        kinds = {name: "numeric" if name.startswith("number") else "category" for name in frame.columns[1:]}
        features = tuple(Feature(name=str(name), kind=kind) for name, kind in kinds.items())  # type: ignore[arg-type]
    else:
        contents, frame = _with_content(rows)
    target = replace(base.target, allowed=allowed)
    return replace(base, problem=problem, features=features, contents=contents, target=target), frame  # type: ignore[arg-type]


def _with_content(rows: Rows) -> tuple[tuple[Content, ...], pd.DataFrame]:
    x, frame = rows.content, rows.frame.copy()
    if isinstance(x, np.ndarray) and x.ndim == 3:
        cells = [packed(each) for each in x]
        content = Content(name="content", kind="image", channels=("grey",))
    else:
        cells = [packed(np.column_stack([np.arange(len(each)), each]).astype(np.float32)) for each in x]
        channels = np.atleast_2d(x[0].T).shape[0]
        content = Content(name="content", kind="series", channels=tuple(f"c{place}" for place in range(channels)))
    frame["content"] = pd.Series(cells, dtype=object)
    masks: list[Any] = [None] * len(x) if rows.masks is None else [packed(each) for each in rows.masks]
    frame["truth"] = pd.Series(masks, dtype=object)
    return (content,), frame


def train(family: str, use_case: UseCase, frame: pd.DataFrame, target: Any, setting: Any, folder: Path) -> None:
    """Fit and keep a learner."""
    made = models.learner(family, use_case, setting).fit(frame, target, seed=0)
    for name, body in made.save().items():
        (folder / name).write_bytes(body)
