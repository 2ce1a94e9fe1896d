"""Every kind of data through the same round: what arrives in each use case's demo is decided as its makers expect.

The quick test takes the library's road with each use case's plainest candidate; the slow one runs the whole command,
with all candidates, a real Prefect and the event that starts the retraining.
"""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from expectations import suite_for
from wardround import registry, training
from wardround.cli import visits
from wardround.cli.visits.base import Delivery
from wardround.domain import utc_now
from wardround.gating import gate
from wardround.ingest import ingest
from wardround.models import FAMILIES
from wardround.monitoring.visit import monitor
from wardround.problems import problem_of
from wardround.sources import source_from
from wardround.use_cases import REGISTRY, load
from wardround.use_cases.base import Floor, UseCase

NAMES = sorted(module.name for module in pkgutil.iter_modules(visits.__path__) if module.name != "base")
COMMAND = Path(sys.executable).with_name("wardround")
QUICK = ("ecg_beats", "few_labels", "icu_labs", "nuclei", "patient_clusters", "radiology_summary")
"""One of each kind; the others' rounds take as long as all of these and are made by the slow test."""
WITHOUT_DEMO = {"thyroid", "diabetes_progression", "length_of_stay"}
"""Tables whose rounds other tests make."""


def plain(use_case: UseCase) -> UseCase:
    """The use case with one candidate that needs no network, boosting where it is one, and a gate it passes."""
    usable = [c for c in use_case.candidates if FAMILIES[use_case.problem, c.family].extra != "deep"]
    usable.sort(key=lambda candidate: candidate.family != "boosting")
    anything = Floor(metric=problem_of(use_case).loss, limit=1e9, reason="what is tested is what follows the gate")
    return replace(use_case, candidates=(replace(usable[0], search="none", grid={}),), gates=(anything,))


def test_every_use_case_that_is_shipped_has_a_demo():
    assert set(NAMES) == set(REGISTRY) - WITHOUT_DEMO


@pytest.mark.parametrize("name", QUICK)
def test_what_arrives_is_decided_as_expected(name, store, settings, shared_data, tmp_path):
    settings = settings.model_copy(update={"data": shared_data})
    use_case = plain(load(name))
    suite = suite_for(use_case)
    begin = utc_now() - timedelta(weeks=10)
    deliveries: tuple[Delivery, ...] = importlib.import_module(f"wardround.cli.visits.{name}").deliver(
        tmp_path, settings
    )
    assert {delivery.expected for delivery in deliveries[1:]} >= {"none", "quarantine", "retrain"}
    decided = {}
    for week, delivery in enumerate(deliveries):
        now = begin + timedelta(weeks=week)
        done = ingest(
            use_case, source_from(str(delivery.path)), suite, label=delivery.label, store=store, settings=settings,
            now=now,
        )  # fmt: skip
        batch = done.batch
        assert batch.rows_in == batch.rows_accepted + batch.rows_quarantined
        if week == 0:
            version = training.train(
                use_case, [batch.id], store=store, settings=settings, seed=1, cause="test", parent=None, now=now
            )
            verdict = gate(use_case, version.version, store=store, settings=settings, now=now)
            registry.promote(
                store, use_case.name, version.version, verdict=verdict, expected=None, actor="tester", reason="test",
                now=now,
            )  # fmt: skip
            continue
        decision = monitor(use_case, batch, store=store, settings=settings, now=now, as_of=now)
        decided[delivery.label] = (decision.action.value, decision.reasons)
    told = {delivery.label: delivery.expected for delivery in deliveries[1:]}
    assert {label: action for label, (action, _) in decided.items()} == told, decided.items()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_whole_demo_ends_as_expected(name, shared_data, tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("WARDROUND_", "PREFECT_"))}
    done = subprocess.run(
        [str(COMMAND), "demo", "--use-case", name, "--json"],
        env=environment | {"WARDROUND_HOME": str(tmp_path), "WARDROUND_DATA": str(shared_data)},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    first, *later = document["rounds"]
    assert first["champion_after"]
    assert [each["decision"] for each in later] == [each["expected"] for each in later]
    assert "the event started the flow run" in done.stderr
    reports = Path(document["addresses"]["reports"])
    assert {path.stem for path in reports.glob("*.html")} == {each["batch"] for each in document["rounds"]}
    assert list(reports.glob("card-*.md"))
