"""Another hospital's patients are sent to the API; the next round sees them as if a file of them had come.

The server is killed once right after an answer, and what it answered is there all the same.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from expectations import suite_for
from wardround import batches, labels, ledger, people, registry, services
from wardround.domain import CriterionResult, Decision, Sensitivity, Verdict, from_json, utc_now
from wardround.ingest import ingest
from wardround.monitoring.arming import arm_version
from wardround.monitoring.visit import monitor
from wardround.processes import free_port, spawn, stop
from wardround.settings import Settings
from wardround.sources import read, source_from
from wardround.sources.canonical import canonical
from wardround.store import Store
from wardround.training import train
from wardround.use_cases import load
from wardround.use_cases.base import UseCase

COMMAND = str(Path(sys.executable).with_name("wardround"))
SERVER = str(Path(__file__).with_name("answering_server.py"))
CANARY = "MRN-canary-"
PERSON = "Zyxwv Quux "
OWN = """
from dataclasses import replace
from wardround.use_cases.base import Candidate
from wardround.use_cases.heart_disease import USE_CASE as BASE
USE_CASE = replace(BASE, name="online_hearts", patient_id="person", candidates=(
    Candidate(family="logistic", parameters={"C": 0.1}),))
"""


@dataclass
class Ward:
    """A ward with a champion, the patients of another hospital, and the servers that answer about them."""

    case: UseCase
    path: str
    store: Store
    settings: Settings
    folder: Path
    elsewhere: pd.DataFrame
    token: str = field(repr=False, default="")
    prefect: str = ""
    answers: dict[str, float] = field(default_factory=dict)
    told: dict[str, bytes] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("WARDROUND_", "PREFECT_"))}
        return plain | {
            "WARDROUND_HOME": str(self.settings.home),
            "WARDROUND_S3_ENDPOINT_URL": self.store.endpoint_url,
            "WARDROUND_S3_BUCKET": self.store.bucket,
            "WARDROUND_S3_ACCESS_KEY": self.store.access_key,
            "WARDROUND_S3_SECRET_KEY": self.store.secret_key,
            "WARDROUND_S3_PREFIX": self.store.prefix,
            "WARDROUND_PSEUDONYM_KEY": self.settings.pseudonym_secret.decode(),
            "WARDROUND_ACTOR": "tester",
            "PREFECT_API_URL": self.prefect,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [COMMAND, *arguments, "--use-case", self.path, "--json"], env=self.environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        self.told[" ".join(arguments)] = (done.stdout + done.stderr).encode()
        return done

    def places(self) -> Iterator[tuple[str, bytes]]:
        """Everything that was said, kept or stored, shipments unpacked."""
        yield from self.told.items()
        for key in self.store.keys(""):
            body = self.store.get(key)
            rows = repr(pq.read_table(io.BytesIO(body)).to_pylist()).encode() if key.endswith(".parquet") else b""
            yield key, key.encode() + body + rows
        for path in self.settings.home.rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()

    def records(self) -> list[dict[str, Any]]:
        """Return the other hospital's patients as its system would send them: names and numbers of real people."""
        frame = canonical(self.case, self.elsewhere, self.settings, place="elsewhere")
        made = []
        for place, row in enumerate(frame.to_dict("records")):
            features = {
                f.name: None if pd.isna(row[f.name]) else row[f.name] == "true" if f.kind == "boolean" else row[f.name]
                for f in self.case.features
            }
            names = self.elsewhere.iloc[place]
            made.append(
                {"record_id": names["id"], "patient_id": names["person"], "site": row["site"], "features": features}
            )
        return made

    def ask(self, records: list[dict[str, Any]], *, killed: bool) -> None:
        """Start a server, have *records* answered, and end it: in order, or with SIGKILL after the last answer."""
        port = free_port()
        log = self.folder / f"server-{port}.log"
        server = spawn([sys.executable, SERVER, str(port), self.path], env=self.environment, log=log)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                self._wait(client, server)
                client.headers["authorization"] = f"Bearer {self.token}"
                sizes = [1] * 20 + [40] * 10
                while records:
                    part, records = records[: sizes[0]], records[sizes.pop(0) :]
                    answer = client.post(f"/v1/use-cases/{self.case.name}/predictions", json={"records": part})
                    assert answer.status_code == 200, answer.text
                    for sent, given in zip(part, answer.json()["predictions"], strict=True):
                        value = given.get("value", given.get("probability"))
                        self.answers[sent["record_id"]] = float(value)
                self.told[f"metrics {port}"] = client.get("/metrics").content + client.get("/readyz").content
            for path in self.settings.home.glob("serving/*/*"):
                self.told[f"spool {path}"] = path.read_bytes()
            if killed:
                server.kill()
        finally:
            stop(server)
        self.told[log.name] = log.read_bytes()

    @staticmethod
    def _wait(client: httpx.Client, server: "subprocess.Popen[bytes]") -> None:
        while True:
            assert server.poll() is None, "the server ended"
            try:
                if client.get("/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass


def named(body: bytes) -> bool:
    """Whether *body* names one of the patients."""
    return any(name.lower().encode() in body.lower() for name in (CANARY, PERSON))


@pytest.fixture(scope="module")
def ward(s3_server: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    folder = tmp_path_factory.mktemp("online")
    path = folder / "online_hearts.py"
    path.write_text(OWN)
    case = load(str(path))
    store = replace(s3_server, prefix=f"{s3_server.prefix}online-is-monitored/")
    settings = Settings(
        home=folder / "home", s3_endpoint_url=store.endpoint_url, s3_bucket=store.bucket,
        s3_access_key=store.access_key, s3_secret_key=SecretStr(store.secret_key), s3_prefix=store.prefix,
        pseudonym_key=SecretStr("a fixed key, for tests and nothing else"), actor="tester",
    )  # fmt: skip
    rows = read(case, case.source, settings)
    rows["person"] = [f"{PERSON}{number}" for number in rows["id"]]
    rows["id"] = [f"{CANARY}{number}" for number in rows["id"]]
    home = rows[rows["dataset"] == "Cleveland"]
    home.to_csv(folder / "home.csv", index=False)
    now = datetime(2026, 3, 2, 6, tzinfo=UTC)
    first = ingest(
        case, source_from(str(folder / "home.csv")), suite_for(case), label="home", store=store, settings=settings,
        now=now,
    ).batch  # fmt: skip
    version = train(case, (first.id,), store=store, settings=settings, seed=1, cause="first", parent=None, now=now)
    criterion = CriterionResult(
        criterion="for the test", kind="floor", metric="auroc", population="current", figure=0.9, interval=None,
        limit=0.5, passed=True, sentence="above the floor", reason="test",
    )  # fmt: skip
    verdict = Verdict(
        use_case=case.name, challenger=version.version, champion=None, comparison="none", criteria=(criterion,)
    )
    registry.promote(
        store, case.name, version.version, verdict=verdict, actor="tester", reason="test", expected=None, now=now
    )
    arm_version(case, version.version, store=store, settings=settings, now=now)
    _, token = people.add_api_key(
        store, system="ward screens", use_cases=(case.name,), by="tester", now=utc_now(),
        expires_at=utc_now() + timedelta(days=1),
    )  # fmt: skip
    elsewhere = rows[rows["dataset"] == "Hungary"].reset_index(drop=True)
    made = Ward(case, str(path), store, settings, folder, elsewhere, token)
    records = made.records()
    made.ask(records[:120], killed=True)
    made.ask(records[120:], killed=False)
    with services.PrefectServer(settings.home) as prefect:
        made.prefect = prefect.api_url
        yield made


@pytest.fixture(scope="module")
def decided(ward: Ward) -> Decision:
    """What the round decided about what was answered."""
    done = ward.run("round", "log:online")
    assert done.returncode in (0, 1), done.stderr
    return from_json(Decision, done.stdout.encode())


def test_every_answer_is_in_the_batch_once_also_those_of_the_killed_server(ward, decided):
    batch = batches.load(ward.store, ward.case.name, decided.batch)
    assert batch.rows_in == len(ward.elsewhere) == len(ward.answers) > 290
    assert batch.source == "log:online#1"
    found = {outcome.expectation: outcome for outcome in batch.outcomes}
    assert found["answers"].sentence == "no answers are not what the model gives for their inputs"
    assert "last digits" not in found
    assert not list((ward.settings.home / "serving").iterdir())


def test_the_round_decides_as_it_does_about_a_file_of_the_same_patients(ward, decided, tmp_path):
    other = replace(ward.store, prefix=f"{ward.store.prefix.rstrip('/')}-file/")
    before = ("models", "champions/", "monitors/", "batches/", "ledger/", "predictions/")
    for key in ward.store.keys(""):
        if key.startswith(before) and decided.batch not in key:
            other.put(key, ward.store.get(key), sensitivity=Sensitivity.AGGREGATE)
    ward.elsewhere.drop(columns="num").to_csv(tmp_path / "elsewhere.csv", index=False)
    batch = ingest(
        ward.case, source_from(str(tmp_path / "elsewhere.csv")), suite_for(ward.case), label="file", store=other,
        settings=ward.settings, now=decided.as_of,
    ).batch  # fmt: skip
    assert batch.id == decided.batch, "the same rows have the same name, whichever way they came"
    theirs = monitor(ward.case, batch, store=other, settings=ward.settings, now=decided.decided_at, as_of=decided.as_of)
    assert theirs.drifted
    assert (theirs.action, theirs.cause, theirs.drifted, theirs.readings, theirs.reasons) == (
        decided.action, decided.cause, decided.drifted, decided.readings, decided.reasons,
    )  # fmt: skip


def test_what_people_were_told_is_to_the_last_bit_what_the_round_scored(ward, decided):
    from wardround.privacy import pseudonym
    from wardround.scoring import predictions

    scored = predictions(ward.store, ward.case, decided.batch, decided.champion).set_index("record_id")["value"]
    key = ward.settings.pseudonym_secret
    told = {pseudonym(key, ward.case.name, "record", name): value for name, value in ward.answers.items()}
    assert np.array_equal(scored.to_numpy(), [told[name] for name in scored.index])


def test_outcomes_that_come_later_find_the_patients(ward, decided, tmp_path):
    ward.elsewhere[["id", "num"]].to_csv(tmp_path / "outcomes.csv", index=False)
    done = ward.run("label", str(tmp_path / "outcomes.csv"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["matched"] == len(ward.elsewhere)
    batch = batches.load(ward.store, ward.case.name, decided.batch)
    assert batches.labelled_count(ward.store, batch) == len(ward.elsewhere)
    assert len(labels.listing(ward.store, ward.case.name)) == 1


def test_a_second_round_is_refused_for_want_of_answers(ward, decided):
    done = ward.run("round", "log:online")
    assert done.returncode == 1
    assert "no prediction was answered since the last batch" in done.stderr
    ledger.verify(ward.store)


def test_no_name_of_a_patient_is_anywhere(ward, decided):
    assert len(ward.told) >= 6
    assert any(place.startswith("spool") and len(body) > 1_000 for place, body in ward.told.items())
    places = dict(ward.places())
    assert len(places) > 50
    assert [place for place, body in places.items() if named(body)] == []


def test_the_sweep_hears_a_name_in_the_spool_in_a_shipment_and_in_a_log(ward, decided):
    spool = ward.settings.home / "serving" / "leak.spool"
    spool.write_text(f"{CANARY}7")
    key = f"predictions/{ward.case.name}/leak.parquet"
    table = io.BytesIO()
    pd.DataFrame({"record_id": [f"{PERSON}7"]}).to_parquet(table)
    ward.store.put(key, table.getvalue(), sensitivity=Sensitivity.ROW_LEVEL)
    loud = replace(ward, told={"server.log": f"answered for {PERSON}".encode()})
    heard = [place for place, body in loud.places() if named(body)]
    spool.unlink()
    assert sorted(heard) == sorted(["server.log", key, str(spool)])
