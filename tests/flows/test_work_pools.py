"""The templates of deployments/work-pools are what Prefect and Kubernetes take, and hold no secret."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import prefect
import pytest
from prefect.server.schemas.actions import validate_base_job_template
from prefect.workers.process import ProcessJobConfiguration

from wardround import services
from wardround.services.api import POOL, call
from wardround.services.deploying import folder

KINDS = ("process", "docker", "kubernetes")
SECRETS = ("WARDROUND_S3_ACCESS_KEY", "WARDROUND_S3_SECRET_KEY", "WARDROUND_PSEUDONYM_KEY")
VIEWS = Path(prefect.__file__).parent / "server" / "api" / "collections_data" / "views"
PACKAGES = {"process": "prefect", "docker": "prefect-docker", "kubernetes": "prefect-kubernetes"}

QUANTITY = {"type": "string", "pattern": r"^[0-9]+(m|Mi|Gi)?$"}
CONTAINER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "image", "env", "resources", "securityContext"],
    "properties": {
        "name": {"type": "string"},
        "image": {"type": "string"},
        "imagePullPolicy": {"enum": ["IfNotPresent", "Always", "Never"]},
        "args": {"type": "array", "items": {"type": "string"}},
        "env": {"type": "array", "items": {"type": "object", "required": ["name", "value"]}},
        "envFrom": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["secretRef"],
                "properties": {"secretRef": {"type": "object", "required": ["name"]}},
            },
        },
        "resources": {
            "type": "object",
            "required": ["limits", "requests"],
            "additionalProperties": {"type": "object", "properties": {"cpu": QUANTITY, "memory": QUANTITY}},
        },
        "securityContext": {
            "type": "object",
            "required": ["allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities"],
        },
        "volumeMounts": {"type": "array", "items": {"type": "object", "required": ["name", "mountPath"]}},
    },
}
JOB = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "batch/v1"},
        "kind": {"const": "Job"},
        "metadata": {"type": "object", "required": ["generateName", "namespace"]},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["template", "backoffLimit"],
            "properties": {
                "parallelism": {"const": 1},
                "completions": {"const": 1},
                "backoffLimit": {"const": 0},
                "ttlSecondsAfterFinished": {"type": "integer", "minimum": 0},
                "template": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["spec"],
                    "properties": {
                        "metadata": {"type": "object"},
                        "spec": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["restartPolicy", "containers"],
                            "properties": {
                                "restartPolicy": {"const": "Never"},
                                "serviceAccountName": {"type": "string"},
                                "automountServiceAccountToken": {"const": False},
                                "securityContext": {"type": "object", "required": ["runAsNonRoot", "runAsUser"]},
                                "containers": {"type": "array", "minItems": 1, "maxItems": 1, "items": CONTAINER},
                                "volumes": {"type": "array", "items": {"type": "object", "required": ["name"]}},
                            },
                        },
                    },
                },
            },
        },
    },
}
"""The part of Kubernetes' Job (batch/v1) that the template uses; what it does not name may not be there."""


def template(kind: str) -> dict[str, Any]:
    return json.loads((folder() / "work-pools" / f"{kind}.json").read_text())


def filled(value: Any, values: dict[str, Any]) -> Any:
    """Return *value* with its placeholders replaced, as a worker does with the defaults of the variables."""
    if isinstance(value, str):
        if whole := re.fullmatch(r"\{\{ (\w+) \}\}", value):
            return values.get(whole[1])
        return re.sub(r"\{\{ (\w+) \}\}", lambda found: str(values[found[1]]), value)
    if isinstance(value, dict):
        return {key: filled(inner, values) for key, inner in value.items()}
    return [filled(inner, values) for inner in value] if isinstance(value, list) else value


def defaults(kind: str) -> dict[str, Any]:
    properties = template(kind)["variables"]["properties"]
    return {name: each["default"] for name, each in properties.items() if "default" in each}


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_is_what_prefect_takes(kind):
    mine = template(kind)
    assert validate_base_job_template(mine) == mine
    schema = mine["variables"]
    jsonschema.Draft202012Validator.check_schema(schema)
    shown = {name: schema["properties"][name]["default"] for name in defaults(kind)}
    jsonschema.validate(shown, schema)
    assert all(each.get("title") and each.get("description") for each in schema["properties"].values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_has_everything_that_prefects_own_has(kind):
    known = json.loads((VIEWS / "aggregate-worker-metadata.json").read_text())
    usual = known[PACKAGES[kind]][kind]["default_base_job_configuration"]
    mine = template(kind)
    assert set(usual["job_configuration"]) == set(mine["job_configuration"])
    assert set(usual["variables"]["properties"]) <= set(mine["variables"]["properties"])


@pytest.mark.parametrize("kind", KINDS)
def test_no_template_holds_a_secret_and_all_keep_telemetry_off(kind):
    environment = defaults(kind)["env"]
    for name in SECRETS:
        assert environment.get(name, "{{ prefect.blocks.secret.").startswith("{{ prefect.blocks.secret.")
    mine = {name: value for name, value in services.quiet().items() if "UI" not in name}
    assert mine.items() <= environment.items()


def test_a_container_runs_the_image_that_compose_builds_with_a_limit_on_memory():
    given = defaults("docker")
    assert f"image: {given['image']}" in (folder() / "compose.yaml").read_text()
    assert given["mem_limit"] == given["memswap_limit"]
    assert template("docker")["variables"]["properties"]["privileged"]["default"] is False


def test_the_manifest_is_a_kubernetes_job_that_gets_its_secrets_by_reference_and_no_right_it_does_not_need():
    values = defaults("kubernetes") | {"name": "round", "labels": {}, "command": ["prefect", "flow-run", "execute"]}
    manifest = filled(template("kubernetes")["job_configuration"]["job_manifest"], values)
    pod = manifest["spec"]["template"]["spec"]
    [container] = pod["containers"]
    container["env"] = [{"name": key, "value": value} for key, value in container["env"].items()]  # as its worker does
    jsonschema.validate(manifest, JOB)
    assert container["envFrom"] == [{"secretRef": {"name": "wardround"}}]
    assert not {each["name"] for each in container["env"]} & set(SECRETS)
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert f"--uid {pod['securityContext']['runAsUser']}" in (folder() / "Dockerfile").read_text()


def test_the_schema_of_a_job_notices_what_kubernetes_would_drop():
    values = defaults("kubernetes") | {"name": "round", "labels": {}, "command": []}
    manifest = filled(template("kubernetes")["job_configuration"]["job_manifest"], values)
    manifest["spec"]["template"]["spec"]["completions"] = 1  # where Prefect's own template has it
    with pytest.raises(jsonschema.ValidationError, match="completions"):
        jsonschema.validate(manifest, JOB)


def test_the_process_pool_is_made_from_its_template_and_its_worker_can_use_it(prefect_session):
    pool = call(f"{prefect_session.api_url}/work_pools/{POOL}")
    assert pool["type"] == "process"
    assert pool["base_job_template"] == template("process")
    made = asyncio.run(ProcessJobConfiguration.from_template_and_values(pool["base_job_template"], {}))
    assert services.quiet().items() >= {k: v for k, v in made.env.items() if k in services.quiet()}.items()
    assert made.env["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
