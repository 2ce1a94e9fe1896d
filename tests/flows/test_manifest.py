"""What is declared in deployments/ is what the code can do, and the other way round."""

import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prefect import Flow

import flows
from wardround import use_cases
from wardround.services.deploying import folder

DECLARED = yaml.safe_load((folder() / "prefect.yaml").read_text())["deployments"]
BY_NAME = {deployment["name"]: deployment for deployment in DECLARED}


def flow_of(deployment: dict) -> Flow:
    module, name = deployment["entrypoint"].split(":")
    return getattr(importlib.import_module(module), name)


def test_every_flow_module_is_deployed_and_every_deployment_has_its_module():
    modules = {module.name for module in pkgutil.iter_modules(flows.__path__)}
    assert {deployment["entrypoint"] for deployment in DECLARED} == {f"flows.{name}:{name}" for name in modules}


def test_flows_come_from_beside_the_library():
    import wardround

    assert Path(flows.__file__).parent.parent == Path(wardround.__file__).parent.parent


def test_schedules_are_those_of_the_use_cases_and_wait_for_a_source():
    schedules = BY_NAME["round"]["schedules"]
    declared = {s["parameters"]["use_case"]: (s["cron"], s["timezone"], s["active"]) for s in schedules}
    wanted = {
        name: (case.schedule.cron, case.schedule.time_zone, False)
        for name in use_cases.REGISTRY
        for case in [use_cases.load(name)]
    }
    assert declared == wanted
    assert [s["slug"] for s in schedules] == [s["parameters"]["use_case"].replace("_", "-") for s in schedules]


@pytest.mark.parametrize("deployment", DECLARED, ids=list(BY_NAME))
def test_a_deployment_stores_no_folder_and_says_what_it_is_for(deployment):
    assert "pull" not in deployment
    assert deployment["description"]
    assert deployment["enforce_parameter_schema"] is True
    assert "wardround" in deployment["tags"]
    text = json.dumps(deployment)
    assert not re.search(r"/(home|root|work|usr|tmp)/", text)


@pytest.mark.parametrize("deployment", DECLARED, ids=list(BY_NAME))
def test_every_parameter_tells_in_the_form_what_it_wants(deployment):
    schema = flow_of(deployment).parameters.properties
    assert all(parameter.get("description") for parameter in schema.values()), schema
    titles = {name: parameter["title"] for name, parameter in schema.items()}
    assert all(title != name and title[:1].isupper() for name, title in titles.items()), titles
    choices = {name for name, parameter in schema.items() if "anyOf" in parameter}
    assert choices <= {"as_of", "batches"}, "the form shows a choice of Python types in the place of a field"
    given = dict(deployment.get("parameters", {}))
    for trigger in deployment.get("triggers", []):
        given |= trigger["parameters"]
    assert set(given) <= set(schema)


@pytest.mark.parametrize("name", ["retrain", "promote", "mend"])
def test_the_event_gives_every_parameter_that_its_run_cannot_do_without(name):
    [trigger] = BY_NAME[name]["triggers"]
    signature = inspect.signature(flow_of(BY_NAME[name]).fn)
    needed = {name for name, parameter in signature.parameters.items() if parameter.default is parameter.empty}
    assert needed <= set(trigger["parameters"])


def test_the_triggers_wait_for_the_events_that_are_sent():
    from tasks.telling import APPROVE, RETRAIN

    for name, event in (("retrain", RETRAIN), ("promote", APPROVE)):
        [trigger] = BY_NAME[name]["triggers"]
        assert trigger["expect"] == [event]


def test_every_run_but_the_mending_ones_is_made_again_when_it_dies():
    [trigger] = BY_NAME["mend"]["triggers"]
    tags = {tag.removeprefix("prefect.tag.") for tag in trigger["match_related"]["prefect.resource.id"]}
    assert tags == set(BY_NAME) - {"mend", "tell"}, "what died while it mended, or is made every ten minutes, is left"
    assert all(tags & set(BY_NAME[name]["tags"]) == {name} for name in tags)


def test_a_run_that_waits_is_not_taken_for_dead():
    from tasks.promoting import WAITS

    [automation] = json.loads((folder() / "automations.json").read_text())
    assert {"prefect.flow-run.Suspended", WAITS} <= set(automation["trigger"]["expect"])


@pytest.mark.parametrize("name", ["round", "retrain", "train"])
def test_runs_that_must_not_meet_wait_for_each_other(name):
    assert BY_NAME[name]["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


def test_importing_every_flow_imports_nothing_that_computes():
    heavy = ("pandas", "numpy", "sklearn", "boto3", "great_expectations", "evidently", "matplotlib")
    names = ", ".join(sorted({deployment["entrypoint"].split(":")[0] for deployment in DECLARED}))
    code = f"import sys, {names}; print([name for name in {heavy!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
