"""The Prefect worker, and bringing it up together with the deployments."""

import contextlib
import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable

from wardround import processes
from wardround.errors import ServiceFailed
from wardround.processes import Supervisor
from wardround.services.api import POOL, call, environment
from wardround.services.child import Child, end, is_alive, read
from wardround.services.crashed import release
from wardround.services.deploying import deploy, ensure_pool
from wardround.settings import Settings


class Worker(Child):
    """Runs the deployments' flow runs, each in a process of its own; at most *limit* at the same time.

    There is one worker per home, since it carries the settings (bucket, prefix, keys) that its runs will have.
    """

    name = "worker"
    title = "the Prefect worker"
    patience = 20.0

    def __init__(self, api_url: str, settings: Settings, *, limit: int = 2, detached: bool = False):
        super().__init__(settings.home, detached=detached)
        self.api_url = api_url
        self.limit = limit
        self._environment = environment(settings, api_url=api_url)
        self._name = ""

    def start(self) -> "Worker":
        """Start the worker and return when the server has heard of it.

        A running one with the same settings is used as it is; a detached one with other settings is replaced.

        Raises:
            ServiceFailed: the server does not answer, the worker did not come up, or somebody else's worker
                runs on this home with other settings.
        """
        ensure_pool(self.api_url, limit=self.limit)
        known = read(self.memory)
        if is_alive(known):
            if known["settings"] == self._fingerprint():
                self.owned = False
                return self
            if not known["detached"]:
                raise ServiceFailed(
                    "the Prefect worker",
                    f"process {known['pid']} works on {self.home} with other settings",
                    "Stop it, or set WARDROUND_HOME to another folder",
                )
            end(known)
        self.launch()
        self.await_ready()
        return self

    def _fingerprint(self) -> str:
        mine = {k: v for k, v in self._environment.items() if k.startswith(("WARDROUND_", "PREFECT_API_URL"))}
        return hashlib.sha256(json.dumps(mine, sort_keys=True).encode()).hexdigest()

    def launch(self) -> None:
        """Start the process under a name of its own."""
        self.owned = True
        release(self.api_url)
        self._name = f"worker-{os.getpid()}-{time.time_ns()}"
        options = ("--pool", POOL, "--type", "process", "--name", self._name)
        self.process = processes.spawn(
            (sys.executable, "-m", "prefect", "worker", "start", *options, "--install-policy", "never"),
            env=self._environment,
            log=self.log,
            cwd=self.home,
            detached=self.detached,
        )
        self.remember(settings=self._fingerprint())

    def kill(self) -> None:
        """End it and the runs it carries."""
        super().kill()
        with contextlib.suppress(ServiceFailed):  # the server may be gone already; the next start sees to it
            release(self.api_url)

    def ready(self) -> bool:
        """Whether the server has heard of it."""
        known = call(f"{self.api_url}/work_pools/{POOL}/workers/filter", {})
        return any(worker["name"] == self._name and worker["status"] == "ONLINE" for worker in known)


class Ready:
    """Deployments and worker that come up beside other work; `wait` before counting on them."""

    def __init__(self, act: Callable[[], object]):
        self._done = threading.Event()
        self._error: BaseException | None = None
        self._act = act
        threading.Thread(target=self._run, daemon=True, name="wardround-deploy").start()

    def _run(self) -> None:
        try:
            self._act()
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    def wait(self, timeout: float = 180.0) -> None:
        """Return when all is up.

        Raises:
            WardroundError: what went wrong meanwhile, or *timeout* seconds went by.
        """
        if not self._done.wait(timeout):
            raise ServiceFailed("Prefect", f"not ready after {timeout:.0f} s", "Look at WARDROUND_HOME/prefect")
        if self._error is not None:
            raise self._error


def deploy_in_background(api_url: str, settings: Settings, supervisor: Supervisor, *, limit: int = 2) -> Ready:
    """Deploy the flows, then start a worker under *supervisor*, while the caller goes on."""

    def act() -> None:
        deploy(api_url, settings)
        supervisor.add(Worker(api_url, settings, limit=limit))

    return Ready(act)
