"""Child processes that outlive their parent only when told to, and the supervisor that keeps them alive."""

import concurrent.futures
import contextlib
import ctypes
import os
import queue
import secrets
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded here: a fork of a process with threads must not wait for the loader's lock


class Service(Protocol):
    """What a supervisor can look after; a *detached* one outlives the process that started it."""

    detached: bool

    def start(self) -> object:
        """Bring it up and wait until it answers."""

    def stop(self) -> None:
        """Bring it down; harmless when it is down."""

    def ensure_alive(self) -> None:
        """Start it again if it died."""


S = TypeVar("S", bound=Service)


def _die_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class _Spawner:
    """Forks from one thread that lives as long as the process.

    The kernel's parent-death signal fires when the forking *thread* ends, so a child started from a
    short-lived thread would be stopped while its parent is well.
    """

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[
            tuple[concurrent.futures.Future[subprocess.Popen[bytes]], Sequence[str], dict[str, object]]
        ] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._owner = 0

    def _run(self) -> None:
        while True:
            future, command, options = self._work.get()
            try:
                future.set_result(subprocess.Popen(command, **options))  # type: ignore[call-overload]
            except BaseException as error:
                future.set_exception(error)

    def spawn(self, command: Sequence[str], options: dict[str, object]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._owner != os.getpid():
                self._work = queue.SimpleQueue()
                threading.Thread(target=self._run, daemon=True, name="wardround-spawner").start()
                self._owner = os.getpid()
        future: concurrent.futures.Future[subprocess.Popen[bytes]] = concurrent.futures.Future()
        self._work.put((future, command, options))
        return future.result()


_SPAWNER = _Spawner()


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    log: Path,
    cwd: Path | None = None,
    detached: bool = False,
    keep: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start *command* in a session of its own with its output appended to *log*.

    It gets SIGTERM when this process ends, however it ends; a *detached* child lives on. The file descriptors
    in *keep* (a lock, for example) stay open in the child.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return _SPAWNER.spawn(
            command,
            {
                "env": dict(env), "cwd": cwd, "stdin": subprocess.DEVNULL, "stdout": output,
                "stderr": subprocess.STDOUT, "start_new_session": True, "pass_fds": tuple(keep),
                "preexec_fn": None if detached else _die_with_parent,
            },
        )  # fmt: skip


def stop(process: subprocess.Popen[bytes], patience: float = 10.0) -> None:
    """End *process*: SIGTERM, then SIGKILL after *patience* seconds."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:*port* now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(*preferred: int) -> int:
    """Return the first free port of *preferred*, else any free one between 20000 and 29999."""
    for port in preferred:
        if is_free(port):
            return port
    while True:
        port = 20000 + secrets.randbelow(10000)
        if is_free(port):
            return port


def tail(log: Path, characters: int = 800) -> str:
    """Return the end of a log, empty when there is none."""
    try:
        return log.read_text(errors="replace")[-characters:].strip()
    except OSError:
        return ""


class Supervisor:
    """Starts services in order, restarts what dies, stops them in reverse; *detached*: leaves them running
    unless an exception ends it."""

    def __init__(self, *, detached: bool = False) -> None:
        self._detached = detached
        self._services: list[Service] = []

    def add(self, service: S) -> S:
        """Start *service* and look after it from now on."""
        if self._detached:
            service.detached = True
        self._services.append(service)
        service.start()
        return service

    def watch(self, stopped: threading.Event, *, timeout: float | None = None) -> None:
        """Keep everything alive until *stopped* is set or *timeout* seconds have passed."""
        until = time.monotonic() + timeout if timeout is not None else None
        while not stopped.wait(1.0):
            if until is not None and time.monotonic() >= until:
                return
            for service in self._services:
                service.ensure_alive()

    def stop(self) -> None:
        """Stop all but the detached, the last one first, each whatever became of the others."""
        with contextlib.ExitStack() as stack:
            while self._services:
                service = self._services.pop(0)
                if not service.detached:
                    stack.callback(service.stop)

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:  # what failed is of no use to anybody afterwards
            for service in self._services:
                service.detached = False
        self.stop()
