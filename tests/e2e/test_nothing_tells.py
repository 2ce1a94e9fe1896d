"""What is planted in patients' rows is looked for in everything people and machines can read afterwards."""

import html
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
from pydantic import SecretStr

from wardround import local, people
from wardround.domain import utc_now
from wardround.serving.desk.site import site
from wardround.settings import Settings
from wardround.sources import read
from wardround.store import AGGREGATE_PREFIXES, ROW_LEVEL_PREFIXES, Store
from wardround.store.places import CREDENTIAL_PREFIXES
from wardround.use_cases import load

COMMAND = str(Path(sys.executable).with_name("wardround"))
NAME, RECORD, WORD, ODD, HUGE = "Zyxwv Quux", "MRN-77-", "canaryword", "311.7351", "8888.8125"
CANARIES = (NAME, RECORD, WORD, ODD, HUGE)
ALERTS = """
[[sinks]]
kind = "file"
name = "log"
path = "told.jsonl"
minimum_urgency = "low"
tell_closed = true
"""
OWN = """
from dataclasses import replace
from wardround.use_cases.heart_disease import USE_CASE as BASE
USE_CASE = replace(BASE, name="canary", identifiers=("name",), expectations=None, candidates=BASE.candidates[:1])
"""


def pages(home: Path, own: Path, store: Store) -> dict[str, bytes]:
    """Every page that a link of the desk leads to, as an administrator sees it."""
    secret, use_case = "of the proxy before the desk, and of nobody else", load(str(own))
    settings = Settings(home=home, sign_in_header="X-Person", proxy_secret=SecretStr(secret))
    people.add(
        store, name="chief", full_name="Eve Chief", role=people.Role.ADMIN, passphrase=secret, by="chief", now=utc_now()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends httpx2, which is not needed for what is done here
        from starlette.testclient import TestClient
    client = TestClient(
        site(settings, {use_case.name: use_case}, origins={use_case.name: str(own)}), base_url="http://desk.example",
        headers={"X-Person": "chief", "X-Wardround-Proxy": secret},
    )  # fmt: skip
    found, waiting = dict[str, bytes](), ["/"]
    while waiting:
        path = waiting.pop()
        answer = client.get(path)
        assert answer.status_code < 500, (path, answer.status_code)
        found[path] = answer.content
        links = re.findall(r'(?:href|src)="(/[^"#]*)', answer.text) if "html" in answer.headers["content-type"] else []
        waiting += [link for link in map(html.unescape, links) if link not in found and link not in waiting]
    return found


def planted(rows: pd.DataFrame) -> pd.DataFrame:
    """Names, record numbers, a value nobody else has, and a few broken cells that error messages like to quote."""
    rows = rows.reset_index(drop=True).astype({"age": object, "trestbps": object})
    rows["name"] = [f"{NAME} {number}" for number in range(len(rows))]
    rows["id"] = [f"{RECORD}{int(number):05}" for number in rows["id"]]
    rows["chol"] = rows["chol"].astype(object)
    for rare in (10, 400):
        rows.loc[rare, "chol"] = ODD
    rows.loc[3, "age"] = WORD
    rows.loc[5, "trestbps"] = HUGE
    return rows


@dataclass
class Ward:
    home: Path
    said: str
    messages: Path
    store: Store
    pages: dict[str, bytes] = field(default_factory=dict)

    def tellers(self) -> Iterator[tuple[str, bytes]]:
        """All but row-level objects: Prefect's database and logs, S3's log, aggregates, keys, messages, terminal,
        and every page of the desk that a link leads to."""
        yield "terminal", self.said.encode()
        yield "messages", self.messages.read_bytes()
        yield from self.pages.items()
        for folder in (self.home / "prefect", self.home / "s3" / "log"):
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    yield str(path.relative_to(self.home)), path.read_bytes()
        for key in self.store.keys(""):
            yield f"key {key}", key.encode()
            if not key.startswith(ROW_LEVEL_PREFIXES):
                yield key, self.store.get(key)

    def told(self) -> list[str]:
        return [
            f"{place}: {c}" for place, body in self.tellers() for c in CANARIES if c.lower().encode() in body.lower()
        ]


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    folder = tmp_path_factory.mktemp("nothing-tells")
    home = folder / "home"
    (folder / "canary.py").write_text(OWN)
    (folder / "alerts.toml").write_text(ALERTS)
    use_case = load("heart_disease")
    rows = planted(read(use_case, use_case.source, Settings()))
    rows[rows["dataset"] == "Cleveland"].to_csv(folder / "january.csv", index=False)
    rows[rows["dataset"] == "Hungary"].to_csv(folder / "february.csv", index=False)
    rows[rows["dataset"] == "Hungary"].assign(chol=HUGE).to_csv(folder / "march.csv", index=False)
    rows.assign(telephone=NAME).to_csv(folder / "april.csv", index=False)
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("WARDROUND_", "PREFECT_"))}
    plain |= {"WARDROUND_HOME": str(home), "WARDROUND_USE_CASE": str(folder / "canary.py")}
    plain["WARDROUND_ALERTS"] = str(folder / "alerts.toml")
    said = ""
    with local.EmbeddedS3(home, durable=False) as server:
        for arguments in (
            ["ingest", "january.csv"], ["train"],
            ["round", "february.csv"], ["round", "march.csv"], ["round", "april.csv"],
            ["quarantine", "list"], ["models", "show"], ["verify"], ["tell"], ["tickets", "list", "--all"],
        ):  # fmt: skip
            done = subprocess.run(
                [COMMAND, *arguments], cwd=folder, env=plain, capture_output=True, text=True, check=False
            )
            assert "Traceback" not in done.stderr
            said += done.stdout + done.stderr
        shown = pages(home, folder / "canary.py", server.store)
        yield Ward(home, said, folder / "told.jsonl", server.store, shown)


def test_no_planted_value_is_anywhere_but_in_row_level_objects(ward):
    assert "is the champion of canary" in ward.said, ward.said
    assert "telephone" in ward.said
    assert any(key.startswith("rounds/canary/") for key in ward.store.keys(""))
    assert (ward.home / "prefect" / "prefect.db").stat().st_size > 100_000
    assert b"canary" in ward.messages.read_bytes(), "nobody was told of anything"
    assert sum(b"canary" in body for body in ward.pages.values()) >= 5, list(ward.pages)
    assert ward.told() == []


def test_the_sweep_hears_a_value_that_is_told(ward):
    for place in (ward.home / "prefect" / "leak.log", ward.home / "s3" / "log" / "leak.log"):
        place.write_text(f"could not read {WORD}")
        assert any("leak.log" in told for told in ward.told())
        place.unlink()
    loud = Ward(ward.home, f"patient {NAME} 7", ward.messages, ward.store)
    assert loud.told() == [f"terminal: {NAME}"]
    shown = Ward(ward.home, "", ward.messages, ward.store, {"/use-cases/canary": f"<td>{ODD}</td>".encode()})
    assert shown.told() == [f"/use-cases/canary: {ODD}"]


def test_every_object_stands_under_a_prefix_with_a_known_sensitivity(ward):
    known = (*ROW_LEVEL_PREFIXES, *AGGREGATE_PREFIXES, *CREDENTIAL_PREFIXES)
    homeless = [key for key in ward.store.keys("") if not key.startswith(known)]
    assert homeless == []
