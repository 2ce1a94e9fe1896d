"""Small use cases and canonical rows by hand, with a picture and a series whose outcome can be seen in them."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from wardround import models
from wardround.contents.arrays import packed
from wardround.use_cases import load
from wardround.use_cases.base import Content, Feature, Target

PICTURE = Content(name="picture", kind="image", channels=("grey",))
SERIES = Content(name="series", kind="series", channels=("heart rate", "lactate"))
ROWS = 72
FAMILIES = {
    "dense-classification": ("dense", "classification", (), {"epochs": 12}),
    "dense-regression": ("dense", "regression", (), {"epochs": 12, "members": 2}),
    "dense-multiclass": ("dense", "multiclass", (), {"epochs": 12}),
    "autoencoder_features": ("autoencoder_features", "classification", (), {"epochs": 12}),
    "cnn-picture": ("cnn", "classification", (PICTURE,), {"epochs": 6, "width": 4, "features": "plain"}),
    "cnn-series": ("cnn", "regression", (SERIES,), {"epochs": 6, "width": 4}),
    "cnn-multiclass": ("cnn", "multiclass", (PICTURE,), {"epochs": 6, "width": 4}),
    "gru": ("recurrent", "multiclass", (SERIES,), {"epochs": 6, "width": 8, "features": "all"}),
    "lstm": ("recurrent", "classification", (SERIES,), {"epochs": 6, "width": 8, "cell": "lstm"}),
    "recurrent-regression": ("recurrent", "regression", (SERIES,), {"epochs": 6, "width": 8, "members": 2}),
    "unet": ("unet", "segmentation", (PICTURE,), {"epochs": 4, "width": 4, "tile": 16}),
    "autoencoder-features": ("autoencoder", "anomaly", (), {"epochs": 12}),
    "autoencoder-picture": ("autoencoder", "anomaly", (PICTURE,), {"epochs": 4, "width": 4}),
    "autoencoder-series": ("autoencoder", "anomaly", (SERIES,), {"epochs": 4, "width": 4}),
}
VARIANTS = (
    "dense-regression", "cnn-picture", "cnn-series", "gru", "lstm", "recurrent-regression", "unet",
    "autoencoder-series",
)  # fmt: skip
"""What the contract of all families has not: several members, features beside, gaps, rows of several sizes."""


def use_case_of(problem, contents=()):
    """A use case of *problem* with two plain features and one that is measured of the picture."""
    return replace(
        load("heart_disease"),
        problem=problem,
        contents=contents,
        target=Target(column="outcome", allowed=("low", "middle", "high"))
        if problem == "multiclass"
        else Target(column="outcome", positive=(1,)),
        features=(
            Feature(name="age", kind="numeric"),
            Feature(name="pressure", kind="numeric"),
            Feature(name="pain", kind="category"),
            Feature(name="picture_mean", kind="numeric", of="picture", measure="mean"),
        ),
    )


def rows(count=ROWS, seed=0):
    """Canonical rows, two to a patient; features, pictures and series tell the severity (0, 1 or 2), which is returned
    beside them. Every third picture is of another size; series differ in length and a third of their values is missing;
    row 5 has neither picture nor series."""
    generator = np.random.default_rng(seed)
    severity = generator.integers(0, 3, count).astype(float)
    frame = pd.DataFrame(
        {
            "record_id": [f"r{i}" for i in range(count)],
            "patient_id": [f"p{i // 2}" for i in range(count)],
            "age": 60 + 6 * severity + generator.normal(0, 3, count),
            "pressure": np.where(generator.random(count) < 0.2, np.nan, generator.normal(130, 15, count)),
            "pain": pd.array(generator.choice(["some", "none"], count), dtype="str"),
            "picture_mean": generator.normal(0, 1, count),
        }
    )
    pictures, series, masks = [], [], []
    for i, severe in enumerate(severity):
        height = 17 if i % 3 == 0 else 16
        picture = generator.normal(60, 10, (height, 16))
        mask = np.zeros((height, 16), dtype=np.uint16)
        mask[2:8, 2:8] = 1
        mask[9:15, 9 : 11 + 2 * int(severe)] = 2
        picture += 60 * (mask > 0) * (1 + severe / 2)
        pictures.append(packed(picture.clip(0, 255).astype(np.uint8)))
        masks.append(packed(mask))
        steps = int(generator.integers(5, 25))
        time = np.sort(generator.uniform(0, 20, steps))
        values = generator.normal(2 * severe, 1, (steps, 2))
        values[generator.random((steps, 2)) < 0.3] = np.nan
        series.append(packed(np.column_stack([time - time[0], values]).astype(np.float32)))
    frame["picture"], frame["series"], frame["truth"] = (
        pd.Series(cells, dtype=object) for cells in (pictures, series, masks)
    )
    if count > 5:
        frame.loc[5, ["picture", "series"]] = None
    return frame, severity


def outcome(problem, severity):
    """The target of a problem."""
    return (severity > 0).astype(float) if problem == "classification" else severity


def same(one, other):
    """Whether two predictions are the same to the last bit."""
    for part in ("value", "low", "high", "parts", "output"):
        a, b = getattr(one, part), getattr(other, part)
        if (a is None) != (b is None):
            return False
        if a is not None and not (list(a) == list(b) if a.dtype == object else np.array_equal(a, b, equal_nan=True)):
            return False
    return True


def sliced(prediction, places):
    """The same prediction for some of its rows."""
    held = {part: getattr(prediction, part) for part in ("value", "low", "high", "parts", "output")}
    return type(prediction)(**{part: None if each is None else each[places] for part, each in held.items()})


def fitted(name, **more):
    """A learner of `FAMILIES`, fitted."""
    family, problem, contents, parameters = FAMILIES[name]
    frame, severity = rows()
    made = models.learner(family, use_case_of(problem, contents), {**parameters, **more})
    return made.fit(frame, outcome(problem, severity), seed=3)


kept = cache(fitted)
"""The same, fitted once."""


@pytest.fixture(scope="session")
def hand():
    """The helpers of this folder."""
    return SimpleNamespace(
        PICTURE=PICTURE, SERIES=SERIES, FAMILIES=FAMILIES, use_case_of=use_case_of, rows=rows, outcome=outcome,
        same=same, sliced=sliced, fitted=fitted, kept=kept,
    )  # fmt: skip


@pytest.fixture(scope="session", params=VARIANTS)
def case(request):
    """(name, fitted learner, its rows), once per variant."""
    return request.param, kept(request.param), rows()[0]
