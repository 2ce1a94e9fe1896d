"""What reading one file of others may take: a small file can promise more than there is memory."""

import os
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
