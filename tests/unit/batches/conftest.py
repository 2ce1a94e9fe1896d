"""A small clinic: a use case with one column of every kind, its deliveries as CSV, its suite."""

import dataclasses
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wardround.ingest import Ingested, ingest
from wardround.settings import Settings
from wardround.store import Store
from wardround.use_cases.base import Candidate, Feature, Floor, Source, Target, UseCase
from wardround.validation import derived_suite

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


class Killed(BaseException):
    """The process dies here."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DyingStore(Store):
    """A store whose process is killed at its *at*-th write, before or after the object is there."""

    at: int = 0
    after: bool = False
    count: itertools.count = dataclasses.field(default_factory=itertools.count, hash=False, compare=False)

    def put(self, key, body, *, sensitivity):
        mine = next(self.count) == self.at
        if mine and not self.after:
            raise Killed
        done = super().put(key, body, sensitivity=sensitivity)
        if mine:
            raise Killed
        return done

    def delete(self, key):
        mine = next(self.count) == self.at
        if mine and not self.after:
            raise Killed
        super().delete(key)
        if mine:
            raise Killed


@pytest.fixture(scope="session")
def killed() -> type[BaseException]:
    return Killed


@pytest.fixture(scope="session")
def dying() -> Callable[..., Store]:
    """Make a store whose process dies at its *at*-th write."""

    def make(store: Store, at: int, after: bool) -> Store:
        fields = {field.name: getattr(store, field.name) for field in dataclasses.fields(Store)}
        return DyingStore(**fields, at=at, after=after)

    return make


@pytest.fixture(scope="session")
def now():
    return NOW


@pytest.fixture(scope="session")
def clinic() -> UseCase:
    return UseCase(
        name="clinic",
        question="Will this visitor be admitted?",
        problem="classification",
        source=Source(kind="csv", location="clinic.csv"),
        record_id="visit",
        patient_id="patient",
        time="seen",
        site="ward",
        target=Target(column="admitted", positive=("yes",), allowed=("yes", "no")),
        features=(
            Feature(
                name="glucose", kind="numeric", unit="mg/dL", plausible=(20, 700), other_units={"mmol/L": 18.016}
            ),
            Feature(
                name="sodium", kind="numeric", unit="mmol/L", plausible=(100, 180), max_missing=0.5,
                missing_reason="on request",
            ),
            Feature(name="smoker", kind="boolean"),
            Feature(name="stage", kind="category", allowed=("a", "b", "c")),
            Feature(name="lactate", kind="numeric", max_missing=1.0, missing_reason="rare"),
        ),
        candidates=(Candidate(family="logistic"),),
        gates=(Floor(metric="auroc", limit=0.6, reason="better than chance"),),
        primary_metric="brier",
    )  # fmt: skip


@pytest.fixture(scope="session")
def suite(clinic: UseCase):
    return derived_suite(clinic)


@pytest.fixture(scope="session")
def visits() -> Callable[..., pd.DataFrame]:
    """Clean visits as the clinic exports them."""

    def make(rows: int = 60, *, seed: int = 1, first: int = 0) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        return pd.DataFrame(
            {
                "visit": [f"v{first + row}" for row in range(rows)],
                "patient": [f"p{(first + row) // 2}" for row in range(rows)],
                "seen": [f"2026-01-{1 + row % 28:02d}T08:00:00" for row in range(rows)],
                "ward": random.choice(["north", "south"], rows),
                "glucose": random.normal(110, 20, rows).round(1).clip(60, 300),
                "sodium": random.normal(140, 3, rows).round(0),
                "smoker": random.choice(["yes", "no"], rows),
                "stage": random.choice(["a", "b", "c"], rows),
                "lactate": np.nan,
                "admitted": random.choice(["yes", "no"], rows),
            }
        )

    return make


@pytest.fixture
def deliver(clinic: UseCase, suite, store: Store, settings: Settings, tmp_path: Path) -> Callable[..., Ingested]:
    """Write a table as CSV and ingest it."""

    def go(table: pd.DataFrame, label: str = "march", *, into: Store | None = None, **other) -> Ingested:
        path = tmp_path / f"{label}.csv"
        table.to_csv(path, index=False)
        return ingest(
            other.get("use_case", clinic), Source(kind="csv", location=str(path)), other.get("suite", suite),
            label=label, store=into or store, settings=settings, now=other.get("now", NOW),
            progress=other.get("progress"),
        )  # fmt: skip

    return go
