"""The main job, as `make demo` runs it: one command, real data, real servers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wardround.domain import Action, Cause
from wardround.local import running

BATCHES = [
    "cleveland", "cleveland-clean-half", "hungary", "cleveland-unit-mmol", "switzerland", "va-long-beach",
]  # fmt: skip
COMMAND = Path(sys.executable).with_name("wardround")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(home: Path) -> tuple[dict[str, Any], str]:
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("WARDROUND_", "PREFECT_"))}
    done = subprocess.run(
        [str(COMMAND), "demo", "--json"], env=plain | {"WARDROUND_HOME": str(home)},
        capture_output=True, text=True, timeout=540, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def entry(demo: tuple[dict[str, Any], str], batch: str) -> dict[str, Any]:
    return next(each for each in demo[0]["rounds"] if each["batch"] == batch)


def test_it_prints_one_json_document_about_every_batch(demo):
    document, _ = demo
    assert document["use_case"] == "heart_disease"
    assert [each["batch"] for each in document["rounds"]] == BATCHES
    for each in document["rounds"]:
        assert set(each) == {
            "batch", "rows", "quarantined", "drifted", "estimated", "realised", "decision", "cause",
            "champion_before", "champion_after", "seconds", "expected",
        }  # fmt: skip
        assert Action(each["decision"])
        assert Cause(each["cause"])


def test_a_clean_batch_is_left_alone(demo):
    clean = entry(demo, "cleveland-clean-half")
    assert (clean["decision"], clean["cause"], clean["drifted"], clean["quarantined"]) == ("none", "none", [], 0)


def test_a_changed_unit_is_a_data_fault_and_starts_no_training(demo):
    changed = entry(demo, "cleveland-unit-mmol")
    assert (changed["decision"], changed["cause"]) == ("quarantine", "data fault")
    assert changed["quarantined"] == changed["rows"] == 152
    assert changed["champion_after"] == changed["champion_before"]
    assert "mmol/L" in demo[1]


def test_the_event_and_no_direct_call_starts_the_retraining(demo):
    retrained = [each for each in demo[0]["rounds"] if each["decision"] == "retrain"]
    assert retrained
    assert "the event started the flow run" in demo[1]


def test_late_outcomes_are_held_against_the_estimate(demo):
    late = entry(demo, "cleveland-clean-half")
    assert late["realised"]["auroc"] == pytest.approx(late["estimated"]["auroc"], abs=0.1)


def test_nothing_is_left_running(demo, home):
    assert not running(home / "demo")


def test_a_look_afterwards_shows_the_champion_and_an_intact_ledger(demo, home):
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("WARDROUND_", "PREFECT_"))}
    plain |= {"WARDROUND_HOME": demo[0]["addresses"]["home"], "WARDROUND_S3_PREFIX": demo[0]["addresses"]["prefix"]}
    for arguments, says in (
        (["verify"], "are intact"),
        (["models", "list", "--use-case", "heart_disease"], "champion"),
        (["report", "hungary", "--use-case", "heart_disease", "--out", str(home / "hungary.html")], "retrain"),
    ):
        done = subprocess.run([str(COMMAND), *arguments], env=plain, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert says in done.stdout
    assert "<html" in (home / "hungary.html").read_text()[:2000].lower()
