"""One real Prefect server for the whole session, watched for connections to anywhere but this machine."""

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from wardround import services
from wardround.services.api import call
from wardround.settings import Settings

CI_VARIABLES = (
    "CI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "TRAVIS", "CIRCLECI", "BUILDKITE", "TF_BUILD",
    "CODEBUILD_BUILD_ID", "BITBUCKET_COMMIT", "TEAMCITY_VERSION", "DRONE", "SEMAPHORE", "APPVEYOR", "BUDDY", "CI_NAME",
)  # fmt: skip
"""Variables that silence some telemetry by themselves, so that its being off proves nothing while they are set."""

HOOK = """
import os, sys

sys.modules["uvloop"] = None  # its sockets are made in C and raise no audit events

def watch(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
        if not isinstance(address, tuple):
            return
        if address[1] == 9 or not (address[0].startswith("127.") or address[0] == "::1"):
            note(f"connect {address[0]}:{address[1]}")
    elif event == "socket.getaddrinfo":
        host = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
        if host not in (None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0"):
            note(f"look up {host}")

def note(what):
    with open(os.environ["NETWORK_LOG"], "a") as log:
        log.write(f"{os.path.basename(sys.argv[0])} {what}\\n")

sys.addaudithook(watch)
"""


class Watched:
    """The environment of a process whose attempts to leave this machine are written down."""

    def __init__(self, folder: Path):
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(textwrap.dedent(HOOK))
        self.log = folder / "attempts.log"
        self.variables = {"PYTHONPATH": str(folder), "NETWORK_LOG": str(self.log)}

    def bare(self, home: Path) -> dict[str, str]:
        """An environment in which nothing silences telemetry: no CI variables, none of ours."""
        silenced = (*CI_VARIABLES, *services.quiet(), "HTTPS_PROXY", "HTTP_PROXY", "PREFECT_API_URL")
        plain = {key: value for key, value in os.environ.items() if key not in silenced}
        return plain | self.variables | {"HOME": str(home), "OMP_NUM_THREADS": "1"}

    def run(self, code: str, environment: Mapping[str, str]) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], env=dict(environment), capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def attempts(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def watched(tmp_path) -> Watched:
    return Watched(tmp_path / "watched")


@pytest.fixture(scope="session")
def prefect_session(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """A server with everything deployed, no worker yet; `watched` has noted every attempt to leave the machine."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    folder = tmp_path_factory.mktemp("prefect")
    watched = Watched(folder / "watched")
    settings = Settings(home=folder / "home")
    settings.home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name in (*CI_VARIABLES, *services.quiet()):
            patch.delenv(name, raising=False)
        for name, value in watched.variables.items():
            patch.setenv(name, value)
        server = services.PrefectServer(settings.home, port=services.free_port()).start()
    try:
        services.deploy(server.api_url, settings)
        fresh = folder / "fresh.db"
        used = settings.home / "prefect" / "prefect.db"
        with closing(sqlite3.connect(used)) as source, closing(sqlite3.connect(fresh)) as copy:
            source.backup(copy)
        with temporary_settings({PREFECT_API_URL: server.api_url}):
            yield SimpleNamespace(
                server=server, settings=settings, watched=watched, api_url=server.api_url, fresh=fresh
            )
    finally:
        server.stop()


@pytest.fixture
def prefect(prefect_session, settings_environment, monkeypatch) -> SimpleNamespace:
    """The session's server, with this process's settings leading to the test's own store."""
    for name, value in settings_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PREFECT_API_URL", prefect_session.api_url)
    return prefect_session


@pytest.fixture
def migrated_home(prefect_session, tmp_path) -> Path:
    """A home whose Prefect database needs no migration, so that a second server starts in three seconds.

    Everything is deployed in it and nothing has run: runs of other tests would go on in the second server.
    """
    home = tmp_path / "home-of-a-second-server"
    (home / "prefect").mkdir(parents=True)
    shutil.copy(prefect_session.fresh, home / "prefect" / "prefect.db")
    return home


def runs_of(api_url: str, flow: str) -> list[dict]:
    """Return the runs of *flow*, newest first."""
    return call(f"{api_url}/flow_runs/filter", {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_DESC"})
