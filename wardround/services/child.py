"""A supervised child process, and the notes by which later commands find it again."""

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from wardround import processes
from wardround.errors import ServiceFailed
from wardround.services.api import prefect_home


class Child:
    """One supervised child process of a service."""

    name = ""
    title = ""
    patience = 10.0
    owned = True
    process: subprocess.Popen[bytes] | None = None

    def __init__(self, home: Path, *, detached: bool):
        self.home = home.resolve()
        self.detached = detached
        self.log = prefect_home(home) / f"{self.name}.log"

    def launch(self) -> None:
        """Start the process, at the same place as before."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Whether it answers."""
        raise NotImplementedError

    def await_ready(self, patience: float = 90.0) -> None:
        """Return when it answers.

        Raises:
            ServiceFailed: it ended (the message holds the end of its log), or *patience* seconds went by.
        """
        assert self.process is not None
        until = time.monotonic() + patience
        while not self.ready():
            if self.process.poll() is not None:
                self.kill()
                said = processes.tail(self.log) or "it did not start"
                raise ServiceFailed(self.title, said, f"The whole log is {self.log}")
            if time.monotonic() > until:
                self.kill()
                raise ServiceFailed(
                    self.title, f"it did not answer within {patience:.0f} seconds",
                    f"Try again when this machine has less to do; its log is {self.log}",
                )  # fmt: skip
            time.sleep(0.1)

    def remember(self, **more: object) -> None:
        """Note what a later command must know of this process."""
        assert self.process is not None
        write(self.memory, {"pid": self.process.pid, "detached": self.detached, **more})

    @property
    def memory(self) -> Path:
        """Where it is noted."""
        return prefect_home(self.home) / f"{self.name}.json"

    def ensure_alive(self) -> None:
        """Start it again, at the same place, if it died."""
        if self.owned and self.process is not None and self.process.poll() is not None:
            self.launch()
            self.await_ready()

    def stop(self) -> None:
        """End it and wait; a service that was running before, or a detached one, is left alone."""
        if self.owned and not self.detached:
            self.kill()

    def kill(self) -> None:
        """End it whoever started it."""
        if self.process is not None:
            processes.stop(self.process, self.patience)
            self.process = None


def is_alive(known: dict[str, Any]) -> bool:
    """Whether the remembered process still runs and is ours (process numbers come back)."""
    try:
        command = Path(f"/proc/{known['pid']}/cmdline").read_bytes()
    except (OSError, KeyError):
        return False
    return b"prefect" in command or b"wardround" in command


def end(known: dict[str, Any], patience: float = 20.0) -> None:
    """End a remembered process: SIGTERM, then SIGKILL after *patience* seconds."""
    until = time.monotonic() + patience
    with contextlib.suppress(ProcessLookupError):
        os.kill(known["pid"], signal.SIGTERM)
        while is_alive(known):
            if time.monotonic() > until:
                os.kill(known["pid"], signal.SIGKILL)
            time.sleep(0.1)


def read(path: Path) -> dict[str, Any]:
    """Return what was noted at *path*, empty when nothing readable is there."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write(path: Path, content: dict[str, object]) -> None:
    """Note *content* at *path*; a reader sees the old note or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(content))
    fresh.replace(path)
