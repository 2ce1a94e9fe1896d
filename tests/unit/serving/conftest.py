"""A ward that predicts: real models of real patients behind a real server on a real port."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from wardround import models, people, registry
from wardround.domain import Champion, CriterionResult, ModelVersion, Verdict, to_json, utc_now
from wardround.monitoring.profile import build_profile
from wardround.problems import Prediction
from wardround.processes import free_port
from wardround.serving.log import PredictionLog
from wardround.serving.predictions import Lane, Predictors, router
from wardround.serving.predictions.refusals import plainly
from wardround.settings import Settings
from wardround.sources import read
from wardround.sources.canonical import canonical
from wardround.store import Store
from wardround.use_cases.base import UseCase
from wardround.use_cases.heart_disease import USE_CASE

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
Files = dict[str, bytes]


@dataclass(frozen=True)
class School:
    """Canonical rows of real patients, and the files of models that learned from them."""

    rows: pd.DataFrame
    learned: dict[tuple[str, str, int], tuple[Files, UseCase]] = field(default_factory=dict)

    def files(self, use_case: UseCase, family: str, parameters: dict[str, Any], seed: int) -> Files:
        """Return the files of a model of *use_case*, taught once; another *seed* is another model."""
        key = (use_case.problem, family, seed)
        if key not in self.learned:
            frame = self.rows.iloc[seed::3].reset_index(drop=True)
            target = self.number(frame) if use_case.problem == "regression" else frame["target"].to_numpy()
            learner = models.learner(family, use_case, parameters).fit(frame, target, seed=seed)
            told = Prediction(value=learner.predict(frame).value)
            profile = build_profile(use_case, frame, told, target, {}, seed, loss=np.zeros(len(frame)))
            self.learned[key] = (learner.save() | {"profile.json": to_json(profile)}, use_case)
        files, taught = self.learned[key]
        assert taught == use_case
        return files

    @staticmethod
    def number(frame: pd.DataFrame) -> np.ndarray:
        """Return a number to predict: the blood pressure it takes to exercise, say, with some missing filled in."""
        return (frame["age"] + 10 * frame["target"] + frame["st_depression"].fillna(0)).to_numpy(dtype=float)


@pytest.fixture(scope="session")
def school(tmp_path_factory: pytest.TempPathFactory) -> School:
    settings = Settings(home=tmp_path_factory.mktemp("school"), pseudonym_key="a fixed key, for tests, nothing else")
    return School(canonical(USE_CASE, read(USE_CASE, USE_CASE.source, settings), settings, place="heart disease"))


@dataclass
class Ward:
    """A store with models and keys, and servers that answer from it."""

    store: Store
    settings: Settings
    school: School
    case: UseCase = USE_CASE

    def model(self, family: str = "logistic", seed: int = 0, **parameters: Any) -> ModelVersion:
        """Register a model, as training does."""
        files = self.school.files(self.case, family, parameters, seed)
        draft = ModelVersion(
            use_case=self.case.name, version="", problem=self.case.problem, family=family, parameters=parameters,
            features=self.case.input_names, batches=("a" * 64,), label_sets=(), rows=300, patients=300,
            data_hash="b" * 64, use_case_hash="c" * 64, seed=seed, code_version="0", packages={}, files={},
            cause="a test", parent=None, created_at=NOW,
        )  # fmt: skip
        return registry.register(self.store, draft, files)

    def promote(self, version: ModelVersion) -> Champion:
        """Move the champion's pointer to *version*."""
        current = registry.champion(self.store, self.case.name)
        before = current.version if current else None
        passed = CriterionResult(
            criterion="c", kind="floor", metric="auroc", population="reference", figure=0.8, interval=None, limit=0.7,
            passed=True, sentence="", reason="",
        )  # fmt: skip
        verdict = Verdict(
            use_case=self.case.name, challenger=version.version, champion=before, comparison="", criteria=(passed,)
        )
        return registry.promote(
            self.store, self.case.name, version.version, verdict=verdict, actor="tester", reason="a test",
            expected=before, now=NOW,
        )  # fmt: skip

    def key(self, *use_cases: str, days: int = 1) -> str:
        """Return the token of a new API key."""
        now = utc_now()
        return people.add_api_key(
            self.store, system="the ward's screens", use_cases=use_cases or ("*",), by="chief", now=now,
            expires_at=now + timedelta(days=days),
        )[1]  # fmt: skip

    @contextmanager
    def served(self, *cases: UseCase, **changes: Any) -> Iterator["Served"]:
        """Run a server on a port of its own; *changes* are settings."""
        settings = self.settings.model_copy(update=changes)
        with Served(self.store, settings, cases or (self.case,)) as served:
            yield served

    def records(self, count: int, start: int = 0) -> list[dict[str, Any]]:
        """Return records of real patients, over and over if there are fewer."""
        known = self.school.rows.iloc[[(start + i) % len(self.school.rows) for i in range(count)]]
        rows = [row | {"record_id": f"case {start + i}"} for i, row in enumerate(known.to_dict("records"))]
        return self.sent(rows)

    def sent(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return canonical rows as a hospital would send them."""
        return [
            {
                "record_id": row["record_id"],
                "features": {feature.name: _cell(feature.kind, row[feature.name]) for feature in self.case.features},
            }
            for row in rows
        ]


def _cell(kind: str, value: Any) -> Any:
    if pd.isna(value):
        return None
    return value == "true" if kind == "boolean" else value


class Served:
    """A server in a thread of this process, and a client of it."""

    def __init__(self, store: Store, settings: Settings, cases: tuple[UseCase, ...]):
        self.log = PredictionLog(settings, store, every=3600)
        self.predictors = Predictors(cases, store=store, settings=settings, log=self.log)
        self.app = _app(self.predictors, self.log)
        self.port = free_port()
        config = uvicorn.Config(
            self.app, port=self.port, log_level="warning", access_log=False, loop="uvloop", http="httptools"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Served":
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            threading.Event().wait(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self.client.close()

    @cached_property
    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60)

    def ask(self, body: Any, *, key: str | None = None, case: str = USE_CASE.name, **more: Any) -> httpx.Response:
        """POST *body* (bytes as they are) for predictions."""
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return self.client.post(
            f"/v1/use-cases/{case}/predictions", headers=headers | more.pop("headers", {}), **content, **more
        )

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)


def _app(predictors: Predictors, log: PredictionLog) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        async with AsyncExitStack() as stack:
            log.start()
            stack.callback(log.stop)
            predictors.start()
            stack.callback(predictors.stop)
            yield

    app = FastAPI(title="wardround", version="0", lifespan=lifespan, docs_url=None, redoc_url=None)
    for kind in (HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, plainly)
    app.include_router(router(predictors))
    app.add_middleware(Lane, predictors=predictors)
    return app


@pytest.fixture
def ward(store: Store, settings: Settings, school: School) -> Ward:
    """A store with nothing in it yet."""
    return Ward(store, settings, school)


@pytest.fixture(scope="session")
def ward_of(school: School) -> Callable[..., Ward]:
    """Make a ward of any store; *rows* are those its models learn from, where they are not of heart disease."""
    return lambda store, settings, case, rows=None: Ward(
        store, settings, school if rows is None else School(rows), case
    )
