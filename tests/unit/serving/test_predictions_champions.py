"""The champion is picked up within seconds, without a dropped request; a broken one never answers."""

import asyncio
import json
import threading
import time
from datetime import UTC, datetime

import httpx
import pytest

from wardround import registry
from wardround.errors import StoreFailed
from wardround.models.tabular import TabularLearner
from wardround.serving.predictions import champions

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
PROMOTIONS = 20
CLIENTS = 50


def test_fifty_clients_and_twenty_promotions_drop_no_request(ward):
    one, other = ward.model(seed=0), ward.model(seed=1)
    ward.promote(one)
    ward.promote(other)
    own = {}
    for version in (one, other):
        learner = champions.load_learner(ward.store, version)
        own[version.version] = learner.predict(ward.school.rows.iloc[:25]).value.tolist()
    assert set(own[one.version]).isdisjoint(own[other.version])
    key = ward.key()
    with ward.served(api_rate=10**9) as served:
        rush = Rush(ward, served, key, (one.version, other.version))
        asyncio.run(rush.run())
    assert len(rush.moves) == PROMOTIONS + 1
    for began, ended, place, version, value in rush.answers:
        assert value == own[version][place]
        assert version in rush.champions(began, ended)
    assert {version for *_, version, _ in rush.answers} == set(own)
    assert {version for *_, version, _ in rush.answers[-CLIENTS:]} == {rush.moves[-1][2]}
    assert len(rush.answers) > 10 * CLIENTS


class Rush:
    """Fifty clients that ask again and again while the champion moves twenty times; any refusal fails at once."""

    def __init__(self, ward, served, key, versions):
        self.ward, self.served, self.versions = ward, served, versions
        records = ward.records(25)
        bodies = [json.dumps({"records": [record]}).encode() for record in records]
        head = f"POST /v1/use-cases/heart_disease/predictions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        head += "Content-Type: application/json\r\nContent-Length: "
        self.requests = [head.encode() + f"{len(body)}\r\n\r\n".encode() + body for body in bodies]
        self.answers = []  # (began, ended, record, version, value)
        self.moves = [(0.0, 0.0, versions[1])]  # (pointer moved not before, not after, version)
        self.looks = [(0.0, 0.0)]  # (the server began to look at the pointer, it had taken over what it saw)
        self.over = False

    async def run(self):
        watched = self.served.predictors["heart_disease"].champions
        refresh = watched.refresh

        def look():
            began = time.monotonic()
            changed = refresh()
            self.looks.append((began, time.monotonic()))
            return changed

        watched.refresh = look
        await asyncio.gather(self.move(), *(self.client(number) for number in range(CLIENTS)))

    async def client(self, number):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.served.port)
        place, last = number % 25, False
        while not last:
            last = self.over
            began, place = time.monotonic(), (place + 7) % 25
            writer.write(self.requests[place])
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            body = json.loads(await reader.readexactly(int(head.split(b"content-length: ")[1].split()[0])))
            assert head.startswith(b"http/1.1 200"), body
            value = body["predictions"][0]["probability"]
            self.answers.append((began, time.monotonic(), place, body["model"]["version"], value))
            await asyncio.sleep(0.1)  # server, clients and mover share one interpreter
        writer.close()

    async def move(self):
        for turn in range(PROMOTIONS):
            asked, version, began = len(self.answers), self.versions[turn % 2], time.monotonic()
            await asyncio.to_thread(
                registry.rollback, self.ward.store, "heart_disease", to=version, actor="t", reason="", now=NOW
            )
            self.moves.append((began, time.monotonic(), version))
            if turn % 2:  # the other half is for the poll to see, or to miss
                await asyncio.to_thread(self.served.predictors.refresh)
            while len(self.answers) < asked + CLIENTS // 2:
                await asyncio.sleep(0.01)
        await asyncio.to_thread(self.served.predictors.refresh)
        self.over = True

    def champions(self, began, ended):
        """The versions that were champion between the last look that was over when a request began, and its answer."""
        since = max(start for start, end in self.looks if end <= began)
        left = [after for _, after, _ in self.moves[1:]] + [float("inf")]
        return {it[2] for it, until in zip(self.moves, left, strict=True) if it[0] <= ended and until >= since}


def test_a_promotion_is_picked_up_by_itself(ward):
    first, second = ward.model(seed=0), ward.model(seed=1)
    ward.promote(first)
    key, records = ward.key(), ward.records(1)
    with ward.served() as served:
        assert served.ask({"records": records}, key=key).json()["model"]["version"] == first.version
        ward.promote(second)
        while served.ask({"records": records}, key=key).json()["model"]["version"] != second.version:
            time.sleep(0.1)
        assert second.version in served.get("/metrics").text
        assert first.version not in served.get("/metrics").text


def test_a_damaged_champion_never_answers_and_the_one_before_goes_on(ward, intruder, caplog):
    first, second = ward.model(seed=0), ward.model(seed=1)
    ward.promote(first)
    key, records = ward.key(), ward.records(1)
    with ward.served() as served:
        ward.promote(second)
        intruder.flip(second.file_key("model.skops"), 100)
        served.predictors.refresh()
        answered = served.ask({"records": records}, key=key)
        assert answered.json()["model"]["version"] == first.version
        ready = served.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["status"] == "degraded"
        assert "altered or damaged" in ready.json()["use_cases"]["heart_disease"]["refused"]
        assert 'wardround_champion_refused{use_case="heart_disease"} 1.0' in served.get("/metrics").text
        assert "the new champion is not used" in caplog.text
        intruder.flip(second.file_key("model.skops"), 100)  # restored from a backup
        champion = served.predictors["heart_disease"].champions
        champion._refused = None  # it looks again by itself after `AGAIN` seconds
        served.predictors.refresh()
        assert served.ask({"records": records}, key=key).json()["model"]["version"] == second.version
        assert served.get("/readyz").json()["status"] == "ready"


@pytest.mark.parametrize("name", ["learner.json", "profile.json", "manifest.json"])
def test_every_file_of_a_champion_is_held_against_its_hash(ward, intruder, name):
    first, second = ward.model(seed=0), ward.model(seed=1)
    ward.promote(first)
    ward.promote(second)
    key = second.prefix + name if name == "manifest.json" else second.file_key(name)
    body = ward.store.get(key)
    intruder.write(key, body.replace(b'"seed": 1', b'"seed": 2') if name == "manifest.json" else body + b" ")
    watched = champions.Champions(ward.case, store=ward.store)
    assert not watched.refresh()
    assert watched.serving is None
    assert watched.trouble


def test_without_its_hashes_a_damaged_champion_would_answer(ward, intruder, monkeypatch):
    version = ward.model()
    ward.promote(version)
    facts = ward.store.get(version.file_key("learner.json"))
    intruder.write(version.file_key("learner.json"), facts.replace(b'"reference"', b' "reference"'))
    watched = champions.Champions(ward.case, store=ward.store)
    assert not watched.refresh()
    monkeypatch.setattr(registry, "read_file", lambda store, version, name: store.get(version.file_key(name)))
    assert champions.Champions(ward.case, store=ward.store).refresh()


def test_a_champion_of_another_declaration_is_refused(ward, ward_of):
    from dataclasses import replace

    ward.promote(ward.model())
    fewer = replace(ward.case, features=ward.case.features[1:])
    watched = champions.Champions(fewer, store=ward.store)
    assert not watched.refresh()
    assert "another declaration" in watched.trouble


def test_while_the_store_is_away_the_last_champion_answers_and_it_is_said(ward, monkeypatch):
    version = ward.model()
    ward.promote(version)
    key, records = ward.key(), ward.records(1)
    with ward.served() as served:
        assert served.ask({"records": records}, key=key).status_code == 200

        def away(*_, **__):
            raise StoreFailed("http://s3", "no answer", "look")

        monkeypatch.setattr("wardround.store.call", away)
        served.predictors.refresh()
        assert served.ask({"records": records}, key=key).json()["model"]["version"] == version.version
        ready = served.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert "no answer" in ready.json()["use_cases"]["heart_disease"]["store"]
        assert 'wardround_store_answers{use_case="heart_disease"} 0.0' in served.get("/metrics").text
        monkeypatch.undo()
        served.predictors.refresh()
        assert served.get("/readyz").json()["status"] == "ready"


def test_a_server_without_any_champion_is_not_ready_but_lives(ward):
    with ward.served() as served:
        assert (served.get("/healthz").status_code, served.get("/readyz").status_code) == (200, 503)
        assert served.get("/readyz").json()["use_cases"]["heart_disease"]["champion"] is None


def test_a_server_whose_log_takes_nothing_is_not_ready(ward, monkeypatch):
    ward.promote(ward.model())
    with ward.served() as served:
        monkeypatch.setattr(type(served.log), "problem", property(lambda _: "the disk is full"))
        ready = served.get("/readyz")
        assert (ready.status_code, ready.json()["log"]["problem"]) == (503, "the disk is full")


def test_a_server_whose_worker_died_is_not_alive(ward, monkeypatch):
    ward.promote(ward.model())
    with ward.served() as served:
        served.predictors["heart_disease"].engine.stop()
        assert served.get("/healthz").status_code == 503
        assert served.ask({"records": ward.records(1)}, key=ward.key()).status_code == 503


def test_a_request_under_way_is_finished_by_the_champion_it_began_with(ward, monkeypatch):
    first, second = ward.model(seed=0), ward.model(seed=1)
    ward.promote(first)
    key, records = ward.key(), ward.records(1)
    asked, go = threading.Event(), threading.Event()
    answer = TabularLearner.answer

    def slowly(self, frame):
        if threading.current_thread().name.startswith("predict-"):
            asked.set()
            assert go.wait(60)
        return answer(self, frame)

    with ward.served() as served:
        monkeypatch.setattr(TabularLearner, "answer", slowly)
        waiting: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: waiting.append(served.ask({"records": records}, key=key)))
        thread.start()
        assert asked.wait(60)
        ward.promote(second)
        served.predictors.refresh()
        go.set()
        thread.join()
        assert waiting[0].json()["model"]["version"] == first.version
        assert served.ask({"records": records}, key=key).json()["model"]["version"] == second.version


def test_the_figures_name_no_patient_and_no_caller(ward):
    ward.promote(ward.model())
    key = ward.key()
    records = ward.records(3)
    records[0]["record_id"] = "Erika Mustermann"
    records[0]["features"]["cholesterol"] = None
    with ward.served() as served:
        served.ask({"records": records}, key=key)
        served.ask({"records": "Erika Mustermann"}, key=key)
        served.ask({"records": []}, key=key, case="mustermann")
        text = served.get("/metrics").text
    assert 'wardround_requests_total{status="200",use_case="heart_disease"} 1.0' in text
    assert 'wardround_requests_total{status="422",use_case="heart_disease"} 1.0' in text
    assert 'wardround_requests_total{status="404",use_case=""} 1.0' in text
    assert 'wardround_warnings_total{kind="missing",use_case="heart_disease"}' in text
    assert "wardround_log_backlog 3.0" in text
    assert 'wardround_batch_rows_sum{use_case="heart_disease"} 3.0' in text
    for secret in ("Erika", "mustermann", *key.split("_", 2)[1:], "Male"):
        assert secret not in text


def test_a_champion_that_fails_in_an_unforeseen_way_is_refused_and_ends_no_thread(ward, monkeypatch):
    ward.promote(ward.model(seed=0))
    watched = champions.Champions(ward.case, store=ward.store)
    assert watched.refresh()
    first = watched.serving
    ward.promote(ward.model(seed=1))
    with monkeypatch.context() as patch:
        patch.setattr(champions, "load_learner", lambda *_: int("Mrs Example"))
        assert not watched.refresh()
        assert watched.serving is first
        assert "ValueError" in watched.trouble
        assert "Example" not in watched.trouble
    watched._refused = None
    assert watched.refresh()
    assert watched.trouble == ""
