"""The local Prefect server: API, UI and services in one process."""

import fcntl
import os
import sys
from pathlib import Path
from types import TracebackType

from wardround import processes
from wardround.errors import ServiceFailed
from wardround.services.api import call, prefect_home, quiet
from wardround.services.child import Child, read

PREFERRED_PORT = 4200
ATTEMPTS = 3
NOWHERE = "http://127.0.0.1:9"


def running(home: Path) -> str | None:
    """Return the API address of the server that runs on *home*, or None."""
    port = _remembered(home)
    if port is None:
        return None
    api_url = f"http://127.0.0.1:{port}/api"
    return api_url if _serves(api_url, home) else None


def _serves(api_url: str, home: Path) -> bool:
    """Whether the server that answers at *api_url* is the one of *home*: another one may have the port now."""
    try:
        return Path(call(f"{api_url}/admin/settings", timeout=3)["home"]) == prefect_home(home)
    except (ServiceFailed, KeyError, TypeError):
        return False


def _remembered(home: Path) -> int | None:
    port = read(prefect_home(home) / "server.json").get("port")
    return port if isinstance(port, int) else None


class PrefectServer(Child):
    """The Prefect API and UI on 127.0.0.1 with its SQLite database under ``<home>/prefect``.

    A server that already runs on *home* is used as it is and never stopped from here. The port is kept from
    one start to the next, so that addresses stay good. *detached*: it outlives this process until
    `stop_detached` ends it.
    """

    name = "server"
    title = "the Prefect server"

    def __init__(self, home: Path, *, port: int | None = None, detached: bool = False):
        super().__init__(home, detached=detached)
        self.port = port or 0

    @property
    def api_url(self) -> str:
        """What ``PREFECT_API_URL`` must be."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def ui_url(self) -> str:
        """Where a person looks."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "PrefectServer":
        """Start the server, or find the running one, and return when it answers.

        Raises:
            ServiceFailed: it did not come up; the message holds the end of its log.
        """
        prefect_home(self.home).mkdir(parents=True, exist_ok=True)
        prefect_home(self.home).chmod(0o700)  # parameters and logs are for this machine's owner only
        with (prefect_home(self.home) / "server.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two commands at once must not open the database with two servers
            if (found := running(self.home)) is not None:
                self.owned = False
                self.port = int(found.rsplit(":", 1)[1].removesuffix("/api"))
                return self
            self._start_on_a_port(self.port or _remembered(self.home) or PREFERRED_PORT)
        return self

    def _start_on_a_port(self, preferred: int) -> None:
        """Start on *preferred*, or on another port when somebody else is there or comes there first."""
        for attempt in range(ATTEMPTS):
            self.port = processes.free_port(preferred) if attempt == 0 else processes.free_port()
            self.launch()
            try:
                self.await_ready()
            except ServiceFailed:
                if attempt == ATTEMPTS - 1 or "address already in use" not in processes.tail(self.log, 4000):
                    raise
            else:
                return

    def launch(self) -> None:
        """Start the process on its port."""
        self.owned = True
        self.process = processes.spawn(
            (
                sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app",
                "--host", "127.0.0.1", "--port", str(self.port), "--timeout-keep-alive", "5",
                "--timeout-graceful-shutdown", "3", "--log-level", "warning", "--no-access-log",
            ),
            env=self._environment(), log=self.log, cwd=self.home, detached=self.detached,
        )  # fmt: skip
        self.remember(port=self.port)

    def _environment(self) -> dict[str, str]:
        """The server's environment: everything Prefect, and no secret of the store.

        Its page for new work pools would fetch a list from GitHub: unless a proxy is configured there is no
        way out of this machine.
        """
        child = {
            key: value for key, value in os.environ.items()
            if not key.startswith(("PREFECT_API", "WARDROUND_", "AWS_")) and key != "PREFECT_PROFILE"
        }  # fmt: skip
        if not any(child.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
            child |= {"HTTPS_PROXY": NOWHERE, "HTTP_PROXY": NOWHERE}
        child["NO_PROXY"] = ",".join(filter(None, ("127.0.0.1,localhost", child.get("NO_PROXY"))))
        return child | quiet() | {
            "PREFECT_HOME": str(prefect_home(self.home)),
            "PREFECT_SERVER_API_HOST": "127.0.0.1",
            "PREFECT_SERVER_API_PORT": str(self.port),
            "PREFECT_SERVER_UI_API_URL": self.api_url,
            "PREFECT_SERVER_UI_ENABLED": "true",
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
            "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
            "PREFECT__SERVER_FINAL": "1",
        }  # fmt: skip

    def ready(self) -> bool:
        """Whether our API answers."""
        return _serves(self.api_url, self.home)

    def __enter__(self) -> "PrefectServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
