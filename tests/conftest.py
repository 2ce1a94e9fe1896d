"""What every test may use: a real S3 server (one per session, a prefix per test), settings, the real data."""

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["DISABLE_TELEMETRY"] = "1"
os.environ["GX_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY"] = "false"
os.environ.setdefault("MPLBACKEND", "Agg")

import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest
from pydantic import SecretStr

from wardround.local import EmbeddedS3
from wardround.settings import Settings
from wardround.store import Store
from wardround.store import client as client_module

# no test fails on the wall clock; CI repeats the same examples, people explore new ones
hypothesis.settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("house")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store of the whole session: WARDROUND_S3_ENDPOINT_URL if it is set, else an embedded server."""
    if os.environ.get("WARDROUND_S3_ENDPOINT_URL"):
        store = Store.from_settings(Settings())
        store.prepare()
        yield store
        return
    server = EmbeddedS3(tmp_path_factory.mktemp("embedded"), durable=False).start()
    try:
        yield server.store
    finally:
        server.destroy()


@pytest.fixture
def store(s3_server: Store, request: pytest.FixtureRequest) -> Store:
    """A store no other test knows: the session's server, a prefix of its own."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:60].strip("-")
    return replace(s3_server, prefix=f"{s3_server.prefix}{name}-{secrets.token_hex(4)}/")


@pytest.fixture
def settings(store: Store, tmp_path: Path) -> Settings:
    """Settings that lead to `store`, with a home of their own and a fixed pseudonym key."""
    home = tmp_path / "home"
    home.mkdir()
    return Settings(
        home=home,
        s3_endpoint_url=store.endpoint_url,
        s3_bucket=store.bucket,
        s3_access_key=store.access_key,
        s3_secret_key=SecretStr(store.secret_key),
        s3_region=store.region,
        s3_prefix=store.prefix,
        pseudonym_key=SecretStr("a fixed key, for tests and nothing else"),
        small_cell=10,
        actor="tester",
    )


@pytest.fixture
def settings_environment(settings: Settings) -> dict[str, str]:
    """The variables that give a child process the same `settings`."""
    assert settings.s3_endpoint_url is not None
    assert settings.s3_secret_key is not None
    assert settings.pseudonym_key is not None
    return {
        "WARDROUND_HOME": str(settings.home),
        "WARDROUND_S3_ENDPOINT_URL": settings.s3_endpoint_url,
        "WARDROUND_S3_BUCKET": settings.s3_bucket,
        "WARDROUND_S3_ACCESS_KEY": str(settings.s3_access_key),
        "WARDROUND_S3_SECRET_KEY": settings.s3_secret_key.get_secret_value(),
        "WARDROUND_S3_REGION": settings.s3_region,
        "WARDROUND_S3_PREFIX": settings.s3_prefix,
        "WARDROUND_PSEUDONYM_KEY": settings.pseudonym_key.get_secret_value(),
        "WARDROUND_SMALL_CELL": str(settings.small_cell),
        "WARDROUND_ACTOR": settings.actor,
    }


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the real tables that cannot be shipped."""
    folder = Path(os.environ.get("WARDROUND_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the real tables are not at {folder}: set WARDROUND_TEST_DATA")
    return folder


class Intruder:
    """Somebody who writes past the store's rules, as only a hand with the bucket's credentials can."""

    def __init__(self, store: Store):
        self._store = store
        self._client = client_module._client(store._address, client_module.PATIENT, os.getpid())

    def write(self, key: str, body: bytes) -> None:
        """Put *body* at *key*, whatever is there."""
        self._client.put_object(Bucket=self._store.bucket, Key=self._store.prefix + key, Body=body)

    def remove(self, key: str) -> None:
        """Remove the object at *key*."""
        self._client.delete_object(Bucket=self._store.bucket, Key=self._store.prefix + key)

    def flip(self, key: str, place: int) -> None:
        """Change one bit of the byte at *place* (modulo the object's length)."""
        body = bytearray(self._store.get(key))
        body[place % len(body)] ^= 1
        self.write(key, bytes(body))


@pytest.fixture
def intruder(store: Store) -> Intruder:
    """An `Intruder` in `store`."""
    return Intruder(store)


@pytest.fixture
def intruder_in() -> type[Intruder]:
    """Make an `Intruder` in any store."""
    return Intruder
