"""The log of one running server: it keeps what is answered, ships it in the background, and says when it cannot."""

import contextlib
import logging
import shutil
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wardround.domain import utc_now
from wardround.errors import LogFull, WardroundError
from wardround.serving.log.entries import Entry, row
from wardround.serving.log.shipping import frame, ship
from wardround.serving.log.spool import FREE, Folder, Segment, Writer
from wardround.settings import Settings

if TYPE_CHECKING:
    from wardround.store import Store

SEGMENT_BYTES = 16 << 20
"""A file of the spool is shipped as one piece, in memory; a longer one is not begun."""
MIN_FREE = 64 << 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LogState:
    """How the log stands: *waiting* rows of *waiting_bytes* are on this machine only; counts are since the start."""

    waiting: int
    waiting_bytes: int
    appended: int
    shipped: int
    damaged_bytes: int
    fault: str | None


class PredictionLog:
    """Keeps every prediction before it is answered, and ships them to ``predictions/<use case>/online/``.

    `append` survives the end of this process however it ends. A power cut may cost what was appended in the last
    *sync_every* seconds (0: nothing, each append waits for the disk). Shipped is every *every* seconds, sooner when
    *rows* wait; up to *max_bytes* are kept while the store is away, then `append` refuses.
    """

    def __init__(
        self,
        settings: Settings,
        store: "Store",
        *,
        every: float = 60.0,
        rows: int = 5_000,
        max_bytes: int = 1 << 30,
        sync_every: float = 1.0,
    ):
        self.root = settings.home / "serving"
        self._store, self._every, self._rows, self._max_bytes, self._sync_every = (
            store,
            every,
            rows,
            max_bytes,
            sync_every,
        )
        self._turn = threading.Lock()
        self._shipping = threading.Lock()
        self._folder: Folder | None = None
        self._writer: Writer | None = None
        self._next = 1
        self._waiting = self._bytes = self._appended = self._shipped = self._damaged = 0
        self._fault: str | None = None
        self._stopped, self._due = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []

    def append(self, entries: Iterable[Entry]) -> None:
        """Keep *entries*, all or none; when this returns, they may be answered.

        Raises:
            LogFull: they could not be kept, so they must not be answered.
            PrivacyBroken: an entry holds something else than a pseudonym, or a feature that nobody knows.
        """
        parts: dict[tuple[str, str], tuple[tuple[str, ...], list[list[Any]]]] = {}
        for entry in entries:
            name, cells = row(entry)
            parts.setdefault(name, (entry.use_case.feature_names, []))[1].append(cells)
        if not parts:
            return
        count = sum(len(rows) for _, rows in parts.values())
        body = frame((*name, *held) for name, held in parts.items())
        with self._turn:
            if self._bytes + len(body) > self._max_bytes:
                raise LogFull(str(self.root), self._too_much(), FREE)
            writer = self._writer
            if writer is None or writer.size > SEGMENT_BYTES:
                writer = self._begin()
            self._bytes += writer.append(body)
            self._waiting += count
            self._appended += count
            if self._waiting >= self._rows:
                self._due.set()
        if not self._sync_every:
            writer.sync()

    def start(self) -> "PredictionLog":
        """Make the spool's folder and begin to ship in the background, leftovers of servers that ended first.

        Raises:
            ServiceFailed: the folder cannot be made.
        """
        with self._turn:
            self._open()
        self._due.set()
        for work in (self._keep_shipping, *((self._keep_syncing,) if self._sync_every else ())):
            thread = threading.Thread(target=work, daemon=True, name="wardround-prediction-log")
            thread.start()
            self._threads.append(thread)
        return self

    def stop(self, *, patience: float = 10.0) -> None:
        """Ship what is left if the store answers, and give the folder up; the next start ships what stays."""
        self._stopped.set()
        self._due.set()
        for thread in self._threads:
            thread.join(patience)
        if any(thread.is_alive() for thread in self._threads):
            return  # it waits for a store that is away, and its folder stays locked until this process ends
        with contextlib.suppress(WardroundError):
            self._store.probe()
            self.ship()
        with self._turn:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            if self._folder is not None:
                self._folder.close()
                self._folder = None

    def ship(self) -> int:
        """Ship all that waits here and all that servers which ended left behind; return how many rows.

        Raises:
            StoreFailed: the store did not take it; what it took is not written again.
        """
        with self._shipping:
            rows = 0
            with self._turn:
                folder = self._folder
                begun = self._writer.segment.number if self._writer else self._next
            if folder is not None:
                # what was tried in vain before comes first: while the store is away, no more files are begun
                rows += sum(self._ship(folder, s, own=True) for s in folder.segments() if s.number < begun)
                with self._turn:
                    writer, self._writer = self._writer, None
                    begun = self._next
                if writer is not None:
                    writer.close()
                rows += sum(self._ship(folder, s, own=True) for s in folder.segments() if s.number < begun)
            for left in Folder.abandoned(self.root):
                for segment in left.segments():
                    rows += self._ship(left, segment, own=False)
            return rows

    @property
    def problem(self) -> str | None:
        """Why nothing more can be kept, for readiness; None when all is well."""
        if self._bytes >= self._max_bytes:
            return self._too_much()
        with contextlib.suppress(OSError):
            if shutil.disk_usage(self.root if self.root.exists() else self.root.parent).free < MIN_FREE:
                return f"the disk of {self.root} is full"
        return None

    @property
    def state(self) -> LogState:
        """How it stands now."""
        with self._turn:
            return LogState(
                waiting=self._waiting, waiting_bytes=self._bytes, appended=self._appended, shipped=self._shipped,
                damaged_bytes=self._damaged, fault=self._fault,
            )  # fmt: skip

    def _too_much(self) -> str:
        return (
            f"{self._bytes >> 20} MB of predictions wait for the object store and no more than "
            f"{self._max_bytes >> 20} MB are kept"
        )

    def _open(self) -> Folder:
        if self._folder is None:
            self._folder = Folder.new(self.root, f"{utc_now():%Y%m%dT%H%M%S%f}")  # names tell who began last
        return self._folder

    def _begin(self) -> Writer:
        folder = self._open()
        if self._writer is not None:
            self._writer.close()
        self._writer = Writer(folder.segment(self._next))
        self._next += 1
        return self._writer

    def _ship(self, folder: Folder, segment: Segment, *, own: bool) -> int:
        """Ship one file that nobody writes any more, and remove it."""
        held = segment.frames()
        rows = ship(self._store, held.bodies, server=folder.name, segment=segment.number)
        size = segment.path.stat().st_size
        damaged = held.damaged + (held.torn if own else 0)
        if damaged:
            segment.path.rename(segment.path.with_suffix(".damaged"))
            _log.error(
                "%d bytes of %s could not be read; the file is kept as .damaged beside it", damaged, segment.path
            )
        else:
            segment.path.unlink()
        with self._turn:
            self._shipped += rows
            self._damaged += damaged
            if own:
                self._waiting -= rows
                self._bytes -= size
        return rows

    def _keep_shipping(self) -> None:
        while not self._stopped.is_set():
            self._due.wait(self._every)
            self._due.clear()
            if self._stopped.is_set():
                return
            self._attempt(self.ship)

    def _keep_syncing(self) -> None:
        while not self._stopped.wait(self._sync_every):
            with self._turn:
                writer = self._writer
            if writer is not None:
                self._attempt(writer.sync)

    def _attempt(self, act: Any) -> None:
        try:
            act()
        except Exception as error:
            fault = str(error) if isinstance(error, WardroundError) else type(error).__name__
            if fault != self._fault:
                _log.warning("predictions stay on this machine for now: %s", fault)
            self._fault = fault
        else:
            self._fault = None
