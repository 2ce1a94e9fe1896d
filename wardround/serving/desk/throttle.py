"""Slows down whoever guesses: after a few failures each further try must wait longer."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN = timedelta(hours=1)
REMEMBERED = 20_000

Key = tuple[str, ...]


class Throttle:
    """Failures per key, for at most 20,000 keys; each key says itself how many failures are free.

    The wait doubles with every failure past the free ones and ends at 15 minutes: NIST SP 800-63B section 5.2.2 asks
    for such a limit, and a name is never locked for good, which would let anybody lock out the people on duty.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[Key, tuple[int, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, limits: Mapping[Key, int], now: datetime) -> timedelta:
        """Count a try under every key of *limits* (key -> free failures) and return zero, or return how long to wait.

        It counts before the answer is known, so that guesses sent at the same time do not all pass.
        """
        with self._lock:
            wait: timedelta = max((self._left(key, free, now) for key, free in limits.items()), default=timedelta(0))
            if not wait:
                for key in limits:
                    count, last = self._failures.pop(key, (0, now))
                    self._failures[key] = (1 if now - last > FORGOTTEN else count + 1), now
                while len(self._failures) > REMEMBERED:
                    self._failures.popitem(last=False)
            return wait

    def take_back(self, keys: Iterable[Key]) -> None:
        """Count one try less: it was not a wrong guess."""
        with self._lock:
            for key in keys:
                count, last = self._failures.pop(key, (0, datetime.min))
                if count > 1:
                    self._failures[key] = count - 1, last

    def forgive(self, keys: Iterable[Key]) -> None:
        """Forget every failure under *keys*: the right person came."""
        with self._lock:
            for key in keys:
                self._failures.pop(key, None)

    def _left(self, key: Key, free: int, now: datetime) -> timedelta:
        count, last = self._failures.get(key, (0, now))
        if count < free or now - last > FORGOTTEN:
            return timedelta(0)
        waiting: timedelta = min(FIRST_WAIT * 2 ** min(count - free, 10), LONGEST_WAIT)
        return max(last + waiting - now, timedelta(0))
