"""The spool: files of frames on this machine's disk that hold what was answered until the store has it.

One folder per running server, locked for as long as it runs; whoever finds a folder that nobody locks ships it. A
frame is a mark, its length, its CRC-32 and its bytes, so that a frame that was cut off by a kill is recognised, and
one that the disk damaged does not hide those behind it.
"""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wardround.errors import LogFull, ServiceFailed

MARK = b"\xf1WRl"
_HEAD = struct.Struct("<4sII")
_FOLDER = re.compile(r"[0-9A-Za-z]+-[0-9a-f]{8}")
_SEGMENT = re.compile(r"([0-9]{8})\.spool")
SERVICE = "the prediction log"
FREE = "Free space on this disk, or bring the object store back so that the log is shipped"


def framed(body: bytes) -> bytes:
    """Return *body* as a frame."""
    return _HEAD.pack(MARK, len(body), zlib.crc32(body)) + body


@dataclass(frozen=True, kw_only=True)
class Frames:
    """What a file of a spool holds: whole frames, bytes before the last of them that are *damaged*, bytes behind it.

    *torn* bytes were never acknowledged when the process was killed while it wrote them.
    """

    bodies: list[bytes]
    damaged: int
    torn: int


def frames(data: bytes) -> Frames:
    """Return what *data* holds, whatever is between the frames."""
    bodies: list[bytes] = []
    place = whole = damaged = 0
    while (start := data.find(MARK, place)) >= 0 and start + _HEAD.size <= len(data):
        _, length, checksum = _HEAD.unpack_from(data, start)
        body = data[start + _HEAD.size : start + _HEAD.size + length]
        if len(body) < length or zlib.crc32(body) != checksum:
            place = start + 1
            continue
        bodies.append(body)
        damaged += start - whole
        place = whole = start + _HEAD.size + length
    return Frames(bodies=bodies, damaged=damaged, torn=len(data) - whole)


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One file of a spool: its number and where it is."""

    number: int
    path: Path

    def frames(self) -> Frames:
        """Return what it holds."""
        return frames(self.path.read_bytes())


class Folder:
    """One server's folder under ``<home>/serving``, locked; `Folder.new` makes one, `Folder.abandoned` finds some."""

    def __init__(self, path: Path, lock: int):
        self.path = path
        self.name = path.name
        self._lock = lock

    @classmethod
    def new(cls, root: Path, name: str) -> "Folder":
        """Make and lock a folder under *root* (both for their owner only), called *name* and some random digits.

        Raises:
            ServiceFailed: the disk does not take it.
        """
        try:
            root.mkdir(parents=True, exist_ok=True)
            root.chmod(0o700)
            while True:
                path = root / f"{name}-{secrets.token_hex(4)}"
                path.mkdir(mode=0o700)
                found = cls._locked(path)
                if found is not None:  # else a server that tidies up was quicker, and has removed it
                    return found
        except OSError as error:
            raise ServiceFailed(SERVICE, f"{error.strerror} at {root}", "Free space or mend WARDROUND_HOME") from None

    @classmethod
    def abandoned(cls, root: Path) -> Iterator["Folder"]:
        """Lock and yield, one after the other, each folder whose server does not run any more."""
        for path in sorted(root.iterdir()) if root.is_dir() else ():
            with contextlib.suppress(OSError):
                found = cls._locked(path) if _FOLDER.fullmatch(path.name) and path.is_dir() else None
                if found is not None:
                    try:
                        yield found
                    finally:
                        found.close()

    @classmethod
    def _locked(cls, path: Path) -> "Folder | None":
        place = path / "lock"
        lock = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if place.stat().st_ino == os.fstat(lock).st_ino:  # else it was removed while we waited
                return cls(path, lock)
        except OSError:
            pass
        os.close(lock)
        return None

    def segments(self) -> list[Segment]:
        """Return its files, the oldest first."""
        found = [(match, path) for path in self.path.iterdir() if (match := _SEGMENT.fullmatch(path.name))]
        return sorted(
            (Segment(number=int(match[1]), path=path) for match, path in found), key=lambda segment: segment.number
        )

    def segment(self, number: int) -> Segment:
        """Return what its file *number* is or will be."""
        return Segment(number=number, path=self.path / f"{number:08}.spool")

    def size(self) -> int:
        """Return how many bytes its files have."""
        return sum(segment.path.stat().st_size for segment in self.segments())

    def close(self, *, remove: bool = True) -> None:
        """Give up the lock; an empty folder goes (*remove*), one that holds something stays for the next start."""
        if self._lock < 0:
            return
        with contextlib.suppress(OSError):
            if remove and not [path for path in self.path.iterdir() if path.name != "lock"]:
                shutil.rmtree(self.path)
        os.close(self._lock)
        self._lock = -1


class Writer:
    """Appends frames to one new file; a frame is in the kernel's hands, whole or not at all, when `append` returns."""

    def __init__(self, segment: Segment):
        """Begin the file of *segment* (LogFull: the disk does not take it)."""
        self.segment = segment
        self.size = 0
        self._synced = 0
        self._open = threading.Lock()
        try:
            self._file = os.open(segment.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _full(segment, error) from None

    def append(self, body: bytes) -> int:
        """Write one frame and return its length.

        Raises:
            LogFull: the disk did not take it; the file is as it was.
        """
        data = framed(body)
        written = 0
        try:
            while written < len(data):
                written += os.pwrite(self._file, data[written:], self.size + written)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.size)
            raise _full(self.segment, error) from None
        self.size += len(data)
        return len(data)

    def sync(self) -> None:
        """Have the disk itself keep what was written; others may append meanwhile."""
        with self._open:
            size = self.size
            if self._file >= 0 and self._synced < size:
                os.fdatasync(self._file)
                self._synced = size

    def close(self) -> None:
        """Close the file, once the disk has it."""
        self.sync()
        with self._open:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1


def _full(segment: Segment, error: OSError) -> LogFull:
    return LogFull(str(segment.path.parent), error.strerror or type(error).__name__, FREE)
