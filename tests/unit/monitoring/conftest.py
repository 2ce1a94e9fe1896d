"""Cleveland's real patients: one half is the reference of a real model, the other half arrives."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from wardround.domain import Batch, Decision
from wardround.monitoring.decision import decide
from wardround.monitoring.drift import drift_readings
from wardround.monitoring.performance import performance_readings
from wardround.monitoring.profile import Profile, build_profile
from wardround.monitoring.quality import quality_readings
from wardround.monitoring.summary import BatchSummary
from wardround.settings import Settings
from wardround.sources import read
from wardround.sources.canonical import canonical
from wardround.use_cases.base import UseCase
from wardround.use_cases.heart_disease import USE_CASE

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


@dataclass(frozen=True)
class Predicted:
    value: np.ndarray


@dataclass(frozen=True)
class Clinic:
    """A use case, its reference (rows, out-of-fold predictions, profile), a model, and rows that arrive."""

    use_case: UseCase
    reference: pd.DataFrame
    out_of_fold: np.ndarray
    profile: Profile
    predict: Callable[[pd.DataFrame], np.ndarray]
    arriving: pd.DataFrame
    elsewhere: pd.DataFrame

    def summary(self, frame: pd.DataFrame) -> BatchSummary:
        summary = BatchSummary(self.profile)
        summary.update(frame, self.predict(frame))
        return summary

    def batch(self, rows: int, **fields) -> Batch:
        usual = Batch(
            use_case=self.use_case.name, id="b" * 64, label="month", source="", rows_in=rows, rows_accepted=rows,
            rows_quarantined=0, rows_labelled=rows, refused=False, outcomes=(), faults=(), ingested_at=NOW,
        )  # fmt: skip
        return replace(usual, **fields)

    def decide(self, frame: pd.DataFrame, history: tuple[Decision, ...] = (), demoted=None, **fields) -> Decision:
        summary = self.summary(frame)
        batch = self.batch(len(frame), **fields)
        readings = (
            *quality_readings(self.use_case, self.profile, summary, batch, as_of=NOW, small_cell=10),
            *drift_readings(self.use_case, self.profile, summary, history),
            *performance_readings(self.use_case, self.profile, summary, demoted=demoted),
        )
        return decide(
            self.use_case, batch, readings, champion="c", rows=summary.rows, outcomes=summary.loss.total,
            importance=self.profile.importance, as_of=NOW, decided_at=NOW,
        )  # fmt: skip


@pytest.fixture(scope="session")
def clinic(tmp_path_factory) -> Clinic:
    settings = Settings(home=tmp_path_factory.mktemp("home"), pseudonym_key="a fixed key, for tests and nothing else")
    raw = read(USE_CASE, USE_CASE.source, settings)
    rows = canonical(USE_CASE, raw, settings, place="heart disease")
    home = rows[rows["site"] == "Cleveland"]
    order = np.random.default_rng(5).permutation(len(home))
    reference = home.iloc[order[:152]].reset_index(drop=True)
    arriving = home.iloc[order[152:]].reset_index(drop=True)
    names = list(USE_CASE.feature_names)
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), list(USE_CASE.numeric)),
        (OneHotEncoder(handle_unknown="ignore"), list(USE_CASE.categorical)),
    )
    model = make_pipeline(columns, LogisticRegression(C=0.1))
    target = reference["target"].to_numpy()
    out_of_fold = cross_val_predict(model, reference[names], target, cv=5, method="predict_proba")[:, 1]
    model.fit(reference[names], target)
    importance = {
        "thallium_scan": 0.03,
        "vessels_coloured": 0.03,
        "chest_pain": 0.02,
        "st_depression": 0.02,
        "age": 0.001,
    }
    return Clinic(
        use_case=USE_CASE,
        reference=reference,
        out_of_fold=out_of_fold,
        profile=build_profile(USE_CASE, reference, Predicted(out_of_fold), target, importance, 1),
        predict=lambda frame: model.predict_proba(frame[names])[:, 1],
        arriving=arriving,
        elsewhere=rows[rows["site"] == "Hungary"].reset_index(drop=True),
    )
