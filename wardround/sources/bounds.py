"""What reading one file of others may take: a small file can promise more than there is memory."""

import os
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from wardround.contents.cells import Unreadable

MOST_MEMORY = 4 * 1024**3
"""Bytes; the largest picture that is taken (`wardround.contents.image.MOST_PIXELS`) needs less than that."""
_one = threading.RLock()


@contextmanager
def bounded() -> Iterator[None]:
    """Give what is read in here `MOST_MEMORY` and no more, whichever library reads it (on Linux only).

    Raises:
        Unreadable: it asked for more.
    """
    try:
        if sys.platform != "linux":
            yield
            return
        import resource

        with _one:  # the limit is the whole process's: of two who set it, the later would put the earlier's back
            soft, hard = resource.getrlimit(resource.RLIMIT_AS)
            with open("/proc/self/statm", "rb") as held:
                most = int(held.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + MOST_MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (most if soft == resource.RLIM_INFINITY else min(most, soft), hard))
            try:
                yield
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    except MemoryError:
        raise Unreadable(f"reading it takes more than {MOST_MEMORY // 2**30} GiB of memory") from None


def jpeg_2000_size(frame: bytes) -> tuple[int, int] | None:
    """Return the rows and columns that a JPEG 2000 picture promises (ISO/IEC 15444-1, A.5.1), bare or in boxes (I.4);
    None where it is none. Decoders ask for memory by that promise, before they look whether the rest keeps it."""
    at = 0
    if frame[4:8] == b"jP  ":
        while frame[at + 4 : at + 8] != b"jp2c":
            length = int.from_bytes(frame[at : at + 4], "big")
            if length < 8:  # over the end, or a box without an end, for which pydicom looks for ever
                return None
            at += length
        at += 8
    if frame[at : at + 4] != b"\xff\x4f\xff\x51" or len(frame) < at + 24:
        return None
    right, lower, left, upper = struct.unpack_from(">4I", frame, at + 8)
    return lower - upper, right - left
