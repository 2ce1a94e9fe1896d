"""Who may ask: API keys, looked up in the store at most every few seconds, and how often each may ask."""

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wardround import people
from wardround.domain import utc_now
from wardround.errors import WardroundError
from wardround.errors.roots import OutsideFailed
from wardround.serving.predictions.refusals import Refused

if TYPE_CHECKING:
    from wardround.people import ApiKey
    from wardround.store import Store

FRESH = 5.0
"""Seconds for which a look at the store is taken as new."""
STALE = 10.0
"""Seconds after which a key is looked up before anything is answered: a revoked one is out by then."""
GRACE = 3600.0
"""Seconds for which a key that was good goes on while the store does not answer; nobody can revoke it there either."""
PATIENCE = 3.0
"""Seconds to wait for the store before it counts as away."""
MOST_KEYS = 2000
LOOKUPS = 20
"""Keys never seen before that may be looked up in a second."""
BURST = 10.0
"""Seconds of a caller's rate that may be used at once."""
_TOKEN = re.compile(r"wr_[A-Za-z0-9_.-]{1,400}")


class Bucket:
    """A token bucket: *rate* requests a second, up to *size* at once."""

    def __init__(self, rate: float, size: float, *, clock: Callable[[], float] = time.monotonic):
        self.rate = rate
        self.size = max(1.0, size)
        self._left = self.size
        self._clock = clock
        self._at = clock()

    def take(self) -> float:
        """Take one request and return 0, or the seconds until there is one to take."""
        now = self._clock()
        self._left = min(self.size, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self.rate


@dataclass(slots=True)
class _Known:
    key: "ApiKey | None"
    at: float
    began: float = 0.0
    again: float = float("-inf")
    looking: "asyncio.Task[None] | None" = None


class Access:
    """Lets callers in, on the event loop; tokens are kept as hashes only."""

    def __init__(self, store: "Store", *, rate: int, clock: Callable[[], float] = time.monotonic):
        self.store = store
        self.rate = rate / 60
        self._clock = clock
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._buckets: dict[str, Bucket] = {}
        self._lookups = Bucket(LOOKUPS, LOOKUPS, clock=clock)

    async def caller(self, authorization: str | None) -> "ApiKey":
        """Return the key in the header ``Authorization: Bearer <key>`` and count a request of it.

        Raises:
            Refused: 401, there is none, or it is not (or no longer) good; 429, too often; 503, the store is away.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not _TOKEN.fullmatch(token):
            raise _unknown("give an API key: Authorization: Bearer wr_...")
        key = await self._looked_up(token)
        if key is None or key.expires_at <= utc_now():
            raise _unknown("this API key lets nobody in: it is wrong, expired or revoked")
        if wait := self._buckets.setdefault(key.id, Bucket(self.rate, self.rate * BURST, clock=self._clock)).take():
            raise Refused(
                429, "this API key asks more often than it may", headers={"Retry-After": str(max(1, round(wait + 0.5)))}
            )
        return key

    async def allowed(self, authorization: str | None, use_case: str) -> "ApiKey":
        """Return the key as `caller` does, if it may ask about *use_case*.

        Raises:
            Refused: as `caller`; 403, the key is not for this use case.
        """
        key = await self.caller(authorization)
        if not key.serves(use_case):
            raise Refused(403, "this API key is not for this use case")
        return key

    async def _looked_up(self, token: str) -> "ApiKey | None":
        name = hashlib.sha256(token.encode()).digest()
        known = self._known.get(name)
        if known is None:
            if wait := self._lookups.take():
                raise Refused(429, "too many unknown API keys", headers={"Retry-After": str(max(1, round(wait + 0.5)))})
            known = self._known[name] = _Known(key=None, at=float("-inf"))
            while len(self._known) > MOST_KEYS:  # a flood of made-up keys must not drive a good one out
                self._known.pop(next((name for name, it in self._known.items() if it.key is None), name))
        now = self._clock()
        if now - known.at > FRESH and known.looking is None and now >= known.again:
            known.began = now
            known.looking = asyncio.create_task(self._look(token, known))
        if now - known.at > STALE:
            # whoever comes when the store has been silent for a while already does not wait for it once more
            if known.looking is not None and now - known.began < PATIENCE:
                await asyncio.wait((known.looking,), timeout=PATIENCE)
            age = self._clock() - known.at
            if age > STALE and (known.key is None or age > GRACE):
                raise Refused(503, "API keys cannot be checked: the store is away", headers={"Retry-After": "5"})
        return known.key

    async def _look(self, token: str, known: _Known) -> None:
        try:
            known.key = await asyncio.to_thread(people.authenticate_api_key, self.store, token, now=utc_now())
            known.at = self._clock()
        except OutsideFailed:  # the store is away: what was known stays, and `at` tells how old it is
            known.again = self._clock() + FRESH
        except WardroundError:
            known.key, known.at = None, self._clock()
        finally:
            known.looking = None


def _unknown(detail: str) -> Refused:
    return Refused(401, detail, headers={"WWW-Authenticate": 'Bearer realm="wardround"'})
