"""Immutable objects, read from the store once and kept while there is room."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from wardround.domain import from_json
from wardround.errors import Corrupted
from wardround.store import Store

T = TypeVar("T")
ROOM = 64_000_000
READERS = 8


class Objects:
    """The objects read last, at most *room* bytes of them (as stored), the least recently asked for leave first.

    Only what never changes may be asked for: a decision, a verdict, a manifest, an evaluation, a ledger entry.
    """

    def __init__(self, room: int = ROOM):
        self.room = room
        self._kept: OrderedDict[tuple[Store, str, type], tuple[Any, int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, store: Store, key: str, kind: type[T]) -> T:
        """Return the *kind* at *key*.

        Raises:
            NotFound: nothing is stored there.
            Corrupted: it is not a *kind*.
            StoreFailed: the store did not answer.
        """
        name = (store, key, kind)
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name][0]  # type: ignore[no-any-return]
        body = store.get(key)
        try:
            value = from_json(kind, body)
        except ValueError:
            raise Corrupted(key, f"it is not a {kind.__name__}") from None
        self._keep(name, value, len(body))
        return value

    def all(self, store: Store, keys: Iterable[str], kind: type[T]) -> tuple[T, ...]:
        """Return the *kind* at each of *keys*, in their order; what is not kept is read several at a time."""
        wanted = tuple(keys)
        with self._lock:
            missing = sum((store, key, kind) not in self._kept for key in wanted)
        if missing < 2:
            return tuple(self.get(store, key, kind) for key in wanted)
        with ThreadPoolExecutor(min(READERS, missing)) as readers:
            return tuple(readers.map(lambda key: self.get(store, key, kind), wanted))

    def _keep(self, name: tuple[Store, str, type], value: object, size: int) -> None:
        if size > self.room:
            return
        with self._lock:
            if name in self._kept:
                return
            self._kept[name] = value, size
            self._bytes += size
            while self._bytes > self.room:
                _, (_, gone) = self._kept.popitem(last=False)
                self._bytes -= gone
