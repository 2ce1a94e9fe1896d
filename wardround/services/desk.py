"""The review desk and prediction API as a service beside Prefect, kept alive by a supervisor."""

import socket
import sys
import urllib.request
import weakref
from collections.abc import Sequence

from wardround import processes
from wardround.services.api import environment
from wardround.services.child import Child, read
from wardround.settings import Settings

PREFERRED_PORTS = range(8600, 8620)
_LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class DeskServer(Child):
    """`wardround serve` on 127.0.0.1, with the settings it is given and the address of Prefect to tell of approvals.

    The port is kept from one start to the next, and from now on nobody else's desk takes it: its address is told before
    it is started. *use_cases*: names or files, none: all that come with wardround.
    """

    name = "desk"
    title = "the review desk"
    _let_go: "weakref.finalize[..., DeskServer] | None" = None

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
        if port is None:
            port, mark = _held(*([known] if isinstance(known, int) else []), *PREFERRED_PORTS)
            self._let_go = weakref.finalize(self, mark.close)
        self.port = port
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

    def kill(self) -> None:
        """End it whoever started it, and let its port go."""
        super().kill()
        if self._let_go is not None:
            self._let_go()

    def ready(self) -> bool:
        """Whether its sign-in page answers."""
        try:
            with _LOCAL.open(f"{self.url}/sign-in", timeout=3) as answer:
                return bool(answer.status == 200)
        except (OSError, ValueError):
            return False


def _held(*preferred: int) -> tuple[int, socket.socket]:
    """Return a free port and what keeps other desks off it: UDP's of the same number, free when the process ends."""
    wanted = list(preferred)
    while True:
        port = processes.free_port(*wanted)
        mark = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            mark.bind(("127.0.0.1", port))
        except OSError:
            mark.close()
            wanted = [each for each in wanted if each != port]
        else:
            return port, mark
