"""A ward whose champion answers online: a really trained model, real patients, entries as the API makes them."""

import dataclasses
import hashlib
import itertools
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from pydantic import SecretStr

from expectations import suite_for
from wardround import registry
from wardround.domain import CriterionResult, ModelVersion, Sensitivity, Verdict
from wardround.ingest import Ingested, ingest
from wardround.scoring import load_learner
from wardround.serving.log import Entry, PredictionLog, names
from wardround.settings import Settings
from wardround.sources import read
from wardround.sources.canonical import canonical
from wardround.store import Store
from wardround.training import train
from wardround.use_cases.base import Candidate, Source, UseCase
from wardround.use_cases.heart_disease import USE_CASE

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
CASE = replace(USE_CASE, candidates=(Candidate(family="logistic", parameters={"C": 0.1}),))


class Killed(BaseException):
    """The process dies here."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DyingStore(Store):
    """A store whose process is killed before its *at*-th write."""

    at: int = 0
    count: itertools.count = dataclasses.field(default_factory=itertools.count, hash=False, compare=False)

    def put(self, key, body, *, sensitivity):
        if next(self.count) == self.at:
            raise Killed
        return super().put(key, body, sensitivity=sensitivity)


@dataclass
class Online:
    """A store with a champion, its learner, real patients in canonical form, and a log that ships when told."""

    case: UseCase
    store: Store
    settings: Settings
    version: ModelVersion
    raw: pd.DataFrame
    patients: pd.DataFrame

    def entries(self, places: Sequence[int], *, case: UseCase | None = None, **fields) -> list[Entry]:
        """Return what the API would log for these patients, asked for one by one."""
        case = case or self.case
        rows = self.patients.iloc[list(places)].reset_index(drop=True)
        told = load_learner(self.store, self.version).predict(rows).value
        made = []
        for place in range(len(rows)):
            features = {
                name: None if pd.isna(value) else value
                for name, value in rows.loc[place, list(case.feature_names)].items()
            }
            request = uuid.uuid4().hex
            record, patient = names(case, self.settings, int(self.raw["id"].iloc[places[place]]), None, request=request)
            usual = Entry(
                use_case=case, request=request, record_id=record, patient_id=patient, site=rows.loc[place, "site"],
                answered_at=NOW, input_sha256=hashlib.sha256(repr(features).encode()).hexdigest(), caller="key1",
                version=self.version.version, value=float(told[place]), features=features,
            )  # fmt: skip
            made.append(replace(usual, **fields))
        return made

    def log(self, **options) -> PredictionLog:
        """Return a log that nothing ships but `ship`."""
        return PredictionLog(self.settings, self.store, every=3600.0, sync_every=3600.0, **options)

    def ingest(self, store: Store | None = None, *, case: UseCase | None = None, now: datetime = NOW) -> Ingested:
        """Bring the log in, as a round does."""
        case, source = case or self.case, Source(kind="log", location="online")
        store = store or self.store
        return ingest(case, source, suite_for(case), label="online", store=store, settings=self.settings, now=now)

    def decide(self, batch) -> None:
        """Leave the trace of a round."""
        key = f"rounds/{self.case.name}/{batch.id}/{self.version.version}/decision.json"
        self.store.put(key, b"{}", sensitivity=Sensitivity.AGGREGATE)


@pytest.fixture(scope="session")
def dying() -> Callable[..., Store]:
    """Make a store whose process dies before its *at*-th write."""

    def make(store: Store, at: int) -> Store:
        return DyingStore(**{f.name: getattr(store, f.name) for f in dataclasses.fields(Store)}, at=at)

    return make


@pytest.fixture(scope="session")
def killed() -> type[BaseException]:
    return Killed


@pytest.fixture(scope="session")
def trained(s3_server, tmp_path_factory) -> Online:
    """What `online` copies; never written to by a test."""
    from wardround.arrivals import described_batch, store_batch
    from wardround.sources.canonical import canonical_id
    from wardround.validation import validate

    store = replace(s3_server, prefix=f"{s3_server.prefix}online-ward/")
    settings = Settings(
        home=tmp_path_factory.mktemp("ward"),
        pseudonym_key=SecretStr("a fixed key, for tests and nothing else"),
        actor="tester",
    )
    raw = read(CASE, CASE.source, settings)
    rows = canonical(CASE, raw, settings, place="heart disease")
    home = np.flatnonzero((rows["site"] == "Cleveland").to_numpy())
    frame = rows.iloc[home[:150]].reset_index(drop=True)
    validated = validate(CASE, frame, suite_for(CASE), now=NOW)
    batch = described_batch(CASE, validated, name=canonical_id(frame), label="first", source="cleveland", now=NOW)
    batch, _ = store_batch(CASE, batch, validated, store=store)
    version = train(CASE, (batch.id,), store=store, settings=settings, seed=1, cause="first", parent=None, now=NOW)
    criterion = CriterionResult(
        criterion="for the test", kind="floor", metric="auroc", population="current", figure=0.9, interval=None,
        limit=0.5, passed=True, sentence="above the floor", reason="test",
    )  # fmt: skip
    verdict = Verdict(
        use_case=CASE.name, challenger=version.version, champion=None, comparison="none", criteria=(criterion,)
    )
    registry.promote(
        store, CASE.name, version.version, verdict=verdict, actor="tester", reason="test", expected=None, now=NOW
    )
    return Online(CASE, store, settings, version, raw, rows)


@pytest.fixture
def online(trained, store, settings) -> Online:
    for key in trained.store.keys(""):
        store.put(key, trained.store.get(key), sensitivity=Sensitivity.AGGREGATE)
    return replace(trained, store=store, settings=settings)
