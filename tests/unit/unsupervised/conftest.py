"""Patients of known groups."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from wardround.use_cases import load
from wardround.use_cases.base import Feature, Target


@pytest.fixture
def two_numbers():
    """A use case of two numbers, for any problem without an outcome."""

    def made(problem):
        features = (Feature(name="one", kind="numeric"), Feature(name="other", kind="numeric"))
        return replace(load("heart_disease"), problem=problem, features=features, target=Target(column=""))

    return made


@pytest.fixture
def groups():
    """Make rows of three groups whose centres lie *apart* standard deviations from each other."""

    def made(apart, rows=240, seed=0):
        generator = np.random.default_rng(seed)
        group = generator.choice(3, rows, p=(0.5, 0.3, 0.2))
        centres = apart * np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
        spots = centres[group] + generator.normal(size=(rows, 2))
        names = [f"p{i}" for i in range(rows)]
        frame = pd.DataFrame({"record_id": names, "patient_id": names, "one": spots[:, 0], "other": spots[:, 1]})
        return frame, group

    return made
