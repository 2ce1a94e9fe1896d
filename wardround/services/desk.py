"""The review desk and prediction API as a service beside Prefect, kept alive by a supervisor."""

import sys
import urllib.request
from collections.abc import Sequence

from wardround import processes
from wardround.services.api import environment
from wardround.services.child import Child, read
from wardround.settings import Settings

PREFERRED_PORT = 8600
_LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class DeskServer(Child):
    """`wardround serve` on 127.0.0.1, with the settings it is given and the address of Prefect to tell of approvals.

    The port is kept from one start to the next. *use_cases*: names or files, none: all that come with wardround.
    """

    name = "desk"
    title = "the review desk"

    def __init__(
        self,
        api_url: str | None,
        settings: Settings,
        *,
        port: int | None = None,
        use_cases: Sequence[str] = (),
        detached: bool = False,
    ):
        super().__init__(settings.home, detached=detached)
        known = read(self.memory).get("port")
        self.port = port or processes.free_port(*([known] if isinstance(known, int) else []), PREFERRED_PORT)
        self._use_cases = tuple(use_cases)
        self._settings, self._api_url = settings, api_url

    @property
    def url(self) -> str:
        """Where a person looks."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "DeskServer":
        """Start it and return when it answers.

        Raises:
            ServiceFailed: it did not come up; the message holds the end of its log.
        """
        self.launch()
        self.await_ready()
        return self

    def launch(self) -> None:
        """Start the process on its port."""
        chosen = [part for name in self._use_cases for part in ("--use-case", name)]
        command = (sys.executable, "-m", "wardround", "serve", "--port", str(self.port), *chosen)
        known = environment(self._settings, api_url=self._api_url)
        if self._settings.proxy_secret is not None:  # the one child that is to know it
            known["WARDROUND_PROXY_SECRET"] = self._settings.proxy_secret.get_secret_value()
        self.process = processes.spawn(command, env=known, log=self.log, cwd=self.home, detached=self.detached)
        self.remember(port=self.port)

    def ready(self) -> bool:
        """Whether its sign-in page answers."""
        try:
            with _LOCAL.open(f"{self.url}/sign-in", timeout=3) as answer:
                return bool(answer.status == 200)
        except (OSError, ValueError):
            return False
