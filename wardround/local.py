"""The embedded S3 server: a real SeaweedFS on the loopback interface, as a supervised child process.

A second process on the same folder uses the server that already runs. The server itself holds the folder's lock
for as long as it lives, so there is never a second one, whoever was killed when.
"""

import atexit
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

from wardround import processes
from wardround.errors import ServiceFailed, StoreFailed
from wardround.store import Store
from wardround.weed import SERVICE, Weed, boot_id, disk_errors, read_json, require_space, write_private

BUCKET = "wardround"


def running(home: Path, *, bucket: str = BUCKET) -> bool:
    """Whether an embedded server runs for *home* and answers to its credentials."""
    store = _store(home.resolve() / "s3", bucket)
    if store is None:
        return False
    try:
        store.probe()
    except StoreFailed as error:
        return "there is no bucket" in error.detail
    return True


def shut_down(home: Path, *, patience: float = 15.0) -> bool:
    """Stop the server that runs for *home*, whoever started it, and return whether there was one.

    Raises:
        ServiceFailed: it did not stop.
    """
    root = home.resolve() / "s3"
    pid = read_json(root / "run" / "endpoint.json").get("pid")
    if not isinstance(pid, int) or not _serves(pid, root):
        return False
    first = read_json(root / "run" / "ports.json").get("first")
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + patience
    while _serves(pid, root):
        if time.monotonic() > until:
            raise ServiceFailed(SERVICE, f"process {pid} does not stop", f"End it with `kill -9 {pid}`")
        time.sleep(0.05)
    (root / "run" / "endpoint.json").unlink(missing_ok=True)
    if isinstance(first, int):
        Weed(root=root, durable=True).tidy(first)
    return True


class EmbeddedS3:
    """The embedded server of one *home*; a context manager, and a service a supervisor can look after.

    *durable* syncs every write to the disk: a power cut then loses at most one operation, where it would lose the
    last 20 seconds (writing costs 8 ms instead of 2). The choice is made at the first start and stays with the
    data. A *detached* server outlives this process (`shut_down` ends it); any other one dies with it.
    """

    def __init__(
        self,
        home: Path,
        durable: bool = True,
        *,
        detached: bool = False,
        bucket: str = BUCKET,
        patience: float = 60.0,
    ):
        root = home.resolve() / "s3"
        if (root / "data" / "filer.db").exists():
            durable = True
        elif (root / "data" / "filerldb2").exists():
            durable = False
        self.home = home.resolve()
        self.detached = detached
        self.bucket = bucket
        self.patience = patience
        self.weed = Weed(root=root, durable=durable)
        self._process: subprocess.Popen[bytes] | None = None
        self._starter = self._first_port = 0

    @property
    def owned(self) -> bool:
        """Whether this object started the server (and did not find it running)."""
        return self._process is not None

    @property
    def store(self) -> Store:
        """The store on the running server.

        Raises:
            ServiceFailed: it does not run.
        """
        store = _store(self.weed.root, self.bucket)
        if store is None:
            raise ServiceFailed(SERVICE, f"it does not run for {self.home}", "Start it with `wardround up`")
        return store

    def start(self) -> "EmbeddedS3":
        """Start the server, or use the one that runs, and return when it takes and gives back objects.

        Raises:
            ServiceFailed: the program is missing, the disk is full, or the server did not get ready.
        """
        until = time.monotonic() + self.patience
        with disk_errors(self.weed.root):
            self.weed.make_folders()
            require_space(self.weed.root)
        while True:
            with disk_errors(self.weed.root), self._lock() as lock:
                if lock is not None:
                    self._serve(lock, until)
                    return self
            if running(self.home, bucket=self.bucket):
                self.store.prepare()
                return self
            if time.monotonic() > until:
                raise ServiceFailed(
                    SERVICE, f"another process holds {self.weed.root} and does not answer",
                    "End it (`ps aux | grep weed`), then try again",
                )  # fmt: skip
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the server if this object started it; harmless otherwise."""
        atexit.unregister(self.stop)
        process, self._process = self._process, None
        if process is None or self._starter != os.getpid():  # a forked child inherits the object, not the server
            return
        died = process.poll() is not None
        processes.stop(process, 15.0)
        if not died and process.returncode != -signal.SIGKILL:  # only a clean stop takes the address away
            (self.weed.root / "run" / "endpoint.json").unlink(missing_ok=True)
        self.weed.tidy(self._first_port)

    def destroy(self) -> None:
        """Kill the server and remove all its data at once: for throw-away homes in tests."""
        atexit.unregister(self.stop)
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            self.weed.tidy(self._first_port)
        shutil.rmtree(self.weed.root, ignore_errors=True)

    def ensure_alive(self) -> None:
        """Start the server again, on the same ports, if it died."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._process = None
        elif running(self.home, bucket=self.bucket):
            return
        self.start()

    def __enter__(self) -> "EmbeddedS3":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.detached:
            self.stop()

    @contextlib.contextmanager
    def _lock(self) -> Iterator[IO[str] | None]:
        """Give the folder's locked file, or None when somebody else's server has it."""
        with (self.weed.root / "run" / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield file

    def _serve(self, lock: IO[str], until: float) -> None:
        weed, address = self.weed, self.weed.root / "run" / "endpoint.json"
        keys = weed.secrets()
        weed.configure(keys)
        if read_json(address).get("boot_id", boot_id()) != boot_id():
            weed.recover()
        avoid, said = None, ""
        for _ in range(3):  # somebody may take a port between our look and the server's bind
            first = weed.pick_ports(avoid)
            weed.log.unlink(missing_ok=True)
            process = processes.spawn(
                weed.command(first), env=weed.environment(keys), log=weed.log, cwd=weed.root / "conf",
                detached=self.detached, keep=(lock.fileno(),),
            )  # fmt: skip
            endpoint = f"http://127.0.0.1:{first}"
            try:
                said = self._wait(process, endpoint, keys, until)
                if not said:
                    if weed.durable:
                        weed.sync_every_write(first, keys)
                    write_private(address, {"endpoint": endpoint, "pid": process.pid, "boot_id": boot_id()})
                    self._process, self._starter, self._first_port = process, os.getpid(), first
                    if not self.detached:
                        atexit.register(self.stop)
                    return
            except BaseException:
                process.kill()
                process.wait()
                raise
            process.kill()
            process.wait()
            if time.monotonic() > until:
                break
            avoid = first
        raise ServiceFailed(SERVICE, f"it did not start: {said}", f"Its log is {weed.log}")

    def _wait(self, process: subprocess.Popen[bytes], endpoint: str, keys: dict[str, str], until: float) -> str:
        """Wait until a signed write can be read back, and return "" or what is wrong.

        The server's health page says 200 before writes work, so it is not asked; a foreign server on the port
        does not know our key.
        """
        store = Store(
            endpoint_url=endpoint, bucket=self.bucket, access_key=keys["access_key"], secret_key=keys["secret_key"]
        )
        while True:
            if process.poll() is not None:
                return f"it ended with {process.returncode}: {processes.tail(self.weed.log, 400)}"
            try:
                store.prepare(attempts=1)
            except StoreFailed as error:
                if time.monotonic() > until:
                    return error.detail
                time.sleep(0.05)
            else:
                return ""


def _store(root: Path, bucket: str) -> Store | None:
    """The store on the server whose address lies in *root*, None when no address or no key lies there."""
    endpoint = read_json(root / "run" / "endpoint.json").get("endpoint")
    keys = read_json(root / "secrets.json")
    if not endpoint or not keys:
        return None
    return Store(endpoint_url=endpoint, bucket=bucket, access_key=keys["access_key"], secret_key=keys["secret_key"])


def _serves(pid: int, root: Path) -> bool:
    """Whether process *pid* is our server (a process id may have gone to somebody else)."""
    with contextlib.suppress(OSError):
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return f"-dir={root}/data".encode() in arguments
    return False
