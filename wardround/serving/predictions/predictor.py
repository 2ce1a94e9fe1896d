"""The predictor of a use case: champion, queue and log in one, asked by the API, CDS Hooks and FHIR alike."""

import asyncio
import gc
import hashlib
import random
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from wardround.domain import utc_now
from wardround.errors import LogFull
from wardround.serving.log import Entry, names
from wardround.serving.predictions import telling
from wardround.serving.predictions.access import Access
from wardround.serving.predictions.answers import Answer
from wardround.serving.predictions.champions import Champions, Serving
from wardround.serving.predictions.contents import characters, read_contents
from wardround.serving.predictions.engine import Engine
from wardround.serving.predictions.form import Form, Record, unfit
from wardround.serving.predictions.metrics import Metrics
from wardround.serving.predictions.refusals import Fault, Refused
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    from wardround.serving.log import PredictionLog
    from wardround.settings import Settings
    from wardround.store import Store

_NAMES = random.Random(secrets.token_bytes(32))  # unique, not secret; asking the system would wait for other threads
EVERY = 1.0
"""Seconds between two looks at the champion's pointer."""
READERS = 4
"""Threads that read contents; those of the event loop look API keys up, and must not wait for them."""
MOST_TEXT = 100_000
"""Characters of a request that names are taken out of, which takes a minute a million; a long letter has 20,000."""
MOST_TEXT_WAITING = 500_000
"""Characters of all requests that wait for that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    request: str
    caller: str
    records: Sequence[Record]
    saliency: bool


class Predictor:
    """Answers for one use case with whoever is its champion when the learner is called."""

    def __init__(
        self, use_case: UseCase, *, store: "Store", settings: "Settings", log: "PredictionLog", metrics: Metrics
    ):
        self.use_case = use_case
        self.settings = settings
        self.form = Form(use_case)
        self._names = use_case.feature_names
        self.champions = Champions(use_case, store=store)
        self.metrics = metrics
        self.engine: Engine[_Asked, Answer] = Engine(use_case.name, self._work, most_waiting=settings.api_waiting)
        self._log = log
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix=f"read-{use_case.name}")
        self._reading = self._text = 0

    async def predict(self, records: list[Any], *, caller: str, request_id: str | None = None) -> Answer:
        """Return the answer to *records*, JSON objects with ``features`` and, optionally, ``record_id`` and the like.

        *caller* is the id of the API key, *request_id* one made by `new_request`.

        Raises:
            Refused: 422, a field is wrong; 503, there is no champion or the log takes nothing; 429, too many wait.
        """
        return await self.answer(
            self.form.checked(records, most=self.settings.api_max_records), caller=caller, request_id=request_id
        )

    async def answer(
        self, records: Sequence[Record], *, caller: str, request_id: str | None = None, saliency: bool = False
    ) -> Answer:
        """Return the answer to records that `form` checked; see `predict`.

        *saliency*: with where in their contents the answers come from.
        """
        self.require_champion()
        request = request_id or new_request()
        if self.use_case.contents:
            records = await self._read(records, request)
        asked = _Asked(request=request, caller=caller, records=records, saliency=saliency)
        answer = await self.engine.submit(asked, rows=len(records))
        if nothing := [place for place, each in enumerate(answer.predictions) if each.value != each.value]:
            fault = "the model has no prediction for it"
            raise unfit([Fault(record=place, field="records", fault=fault) for place in nothing])
        return answer

    async def _read(self, records: Sequence[Record], request: str) -> list[Record]:
        """Return the records with their contents read and measured, in a thread: it would hold up everybody else.

        Raises:
            Refused: as `_with_contents`; 413, more text than names are taken out of in good time; 429, too many wait.
        """
        text = characters(self.use_case, [record.contents for record in records])
        if text > MOST_TEXT:
            raise Refused(
                413, f"names are taken out of at most {MOST_TEXT} characters of text in a request, not {text}: send "
                "fewer records, or long texts in a batch",
            )  # fmt: skip
        if self._reading >= self.settings.api_waiting or self._text + text > MOST_TEXT_WAITING:
            raise Refused(429, "too many requests wait already: try again in a moment", headers={"Retry-After": "5"})
        self._reading, self._text = self._reading + 1, self._text + text
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._readers, self._with_contents, records, request)
        finally:
            self._reading, self._text = self._reading - 1, self._text - text

    def _with_contents(self, records: Sequence[Record], request: str) -> list[Record]:
        """Return the records with what was measured of their contents, named by pseudonyms as in a batch.

        Raises:
            Refused: 422, a content cannot be read, or a measure of it is out of range.
        """
        patients = [
            names(self.use_case, self.settings, it.record_id, it.patient_id, request=request, position=place)[1]
            for place, it in enumerate(records)
        ]
        given = [record.contents for record in records]
        held, faults = read_contents(self.use_case, given, key=self.settings.pseudonym_secret, patients=patients)
        if faults:
            raise unfit(faults)
        found = []
        for record, own in zip(records, held, strict=True):
            values = dict(zip(self._names, record.values, strict=True)) | own.measured
            found.append(replace(record, values=tuple(values.values()), contents=own.cells))
        return found

    def require_champion(self) -> Serving:
        """Return the champion.

        Raises:
            Refused: 503, there is none.
        """
        serving = self.champions.serving
        if serving is None:
            raise Refused(
                503, f"{self.use_case.name} has no champion yet: try again after its first promotion",
                headers={"Retry-After": "60"},
            )  # fmt: skip
        return serving

    def _work(self, batch: Sequence[_Asked]) -> list[Answer]:
        serving = self.require_champion()
        records = [record for asked in batch for record in asked.records]
        columns = zip(*(record.values for record in records), strict=True)
        inputs: dict[str, Sequence[Any]] = dict(zip(self._names, columns, strict=True))
        for content in self.use_case.contents:
            inputs[content.name] = [record.contents[content.name] for record in records]
        prediction, sizes = serving.learner.answer(inputs)
        wanted = np.repeat([asked.saliency for asked in batch], [len(asked.records) for asked in batch])
        looked_at = telling.looked_at(self.use_case, serving, inputs, wanted) if wanted.any() else None
        predicted = telling.predicted(self.use_case, serving, records, prediction, sizes, looked_at)
        now, version = utc_now(), serving.version
        answers, start = [], 0
        for asked in batch:
            part = tuple(predicted[start : start + len(asked.records)])
            start += len(part)
            answers.append(
                Answer(
                    request_id=asked.request, use_case=self.use_case.name, version=version.version,
                    family=version.family, at=now, predictions=part, saliency=asked.saliency,
                )
            )  # fmt: skip
        try:
            self._log.append(entry for pair in zip(batch, answers, strict=True) for entry in self._entries(*pair))
        except LogFull:
            raise Refused(
                503, "predictions cannot be recorded just now, so none is given", headers={"Retry-After": "30"}
            ) from None
        self.metrics.answered(self.use_case.name, rows=len(records), predicted=predicted)
        return answers

    def _entries(self, asked: _Asked, answer: Answer) -> Iterator[Entry]:
        for place, (record, given) in enumerate(zip(asked.records, answer.predictions, strict=True)):
            features = dict(zip(self._names, record.values, strict=True))
            marks = {name: telling.mark(cell) for name, cell in record.contents.items()}
            own, patient = names(
                self.use_case, self.settings, record.record_id, record.patient_id, request=asked.request, position=place
            )
            yield Entry(
                use_case=self.use_case, request=asked.request, position=place, record_id=own, patient_id=patient,
                site=record.site, time=record.time, answered_at=answer.at,
                input_sha256=hashlib.sha256(orjson.dumps(features | marks, option=orjson.OPT_SORT_KEYS)).hexdigest(),
                caller=asked.caller, version=answer.version, value=given.value, low=given.low, high=given.high,
                features=features,
            )  # fmt: skip


class Predictors(Mapping[str, Predictor]):
    """The predictors by name of their use case, who may ask them, and the thread that looks for new champions."""

    def __init__(self, use_cases: Iterable[UseCase], *, store: "Store", settings: "Settings", log: "PredictionLog"):
        self.settings = settings
        self.log = log
        self.metrics = Metrics()
        self.access = Access(store, rate=settings.api_rate)
        self._by_name = {
            case.name: Predictor(case, store=store, settings=settings, log=log, metrics=self.metrics)
            for case in use_cases
        }
        self._over = threading.Event()
        self._watch: threading.Thread | None = None

    def __getitem__(self, name: str) -> Predictor:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def start(self) -> None:
        """Take the present champions, then start to answer and to look for new ones."""
        self._over.clear()
        self.refresh()
        for predictor in self.values():
            predictor.engine.start()
        self._watch = threading.Thread(target=self._look, name="champions", daemon=True)
        self._watch.start()
        gc.freeze()  # to go through all of pandas and every tree for garbage makes everybody wait a tenth of a second

    def stop(self) -> None:
        """Answer what waits, then end every thread."""
        self._over.set()
        gc.unfreeze()
        for predictor in self.values():
            predictor.engine.stop()
        if self._watch is not None:
            self._watch.join(timeout=5)

    def refresh(self) -> None:
        """Look once where every pointer points."""
        for predictor in self.values():
            predictor.champions.refresh()
            self.metrics.champion(predictor.champions)

    def _look(self) -> None:
        while not self._over.wait(EVERY):
            self.refresh()


def new_request() -> str:
    """Return a new name of a request, 32 hex digits; callers do not choose them, since theirs could name a patient."""
    return f"{_NAMES.getrandbits(128):032x}"
