"""Pictures to break, and use cases that take them."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from wardround.settings import Settings
from wardround.use_cases.base import Content, Feature, Source, Target, UseCase


@pytest.fixture
def plain_settings(tmp_path: Path) -> Settings:
    """Settings without any service behind them."""
    key = SecretStr("a fixed key, for tests and nothing else")
    return Settings(home=tmp_path, data=tmp_path, pseudonym_key=key, small_cell=10)


@pytest.fixture
def chest():
    """A picture of two dark lungs beside a bright middle, with grain."""

    def drawn(seed: int = 0, side: int = 64) -> np.ndarray:
        rng = np.random.default_rng(seed)
        across = np.linspace(-1, 1, side)
        lungs = np.exp(-((np.abs(across) - 0.45) ** 2) / 0.03)
        picture = 170 - 90 * lungs[None, :] + 6 * rng.standard_normal((side, side))
        return np.clip(np.rint(picture), 0, 255).astype(np.uint8)

    return drawn


@pytest.fixture
def case():
    """A use case of one picture; *options* are the content's."""

    def made(*, channels=("grey",), shape=None, options=None, features=(), **changes) -> UseCase:
        content = Content(name="picture", kind="image", channels=channels, shape=shape, options=options or {})
        usual = {
            "name": "pictures", "question": "What is there?", "problem": "classification",
            "source": Source(kind="images", location="."), "record_id": "uid",
            "target": Target(column="sick", positive=(1,), allowed=(0, 1)), "features": features,
            "contents": (content,), "candidates": (), "gates": (),
        }  # fmt: skip
        return UseCase(**(usual | changes))

    return made


@pytest.fixture
def age() -> Feature:
    return Feature(name="age", kind="numeric", column="PatientAge", unit="years")
