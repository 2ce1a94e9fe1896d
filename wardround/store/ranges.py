"""A remote object as a seekable file, fetched range by range."""

import io
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

PIECE = 4 << 20


class RangeReader(io.RawIOBase):
    """Reads an object of *size* bytes through *fetch(start, length)*; holds nothing but the position."""

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]):
        super().__init__()
        self._size = size
        self._fetch = fetch
        self._position = 0

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can be searched: yes."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position as any file's `seek` does."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("a position cannot be negative")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: "Buffer") -> int:
        """Fill *buffer* from the position on and return how many bytes were there."""
        with memoryview(buffer) as view:
            length = min(view.nbytes, self._size - self._position)
            if length <= 0:
                return 0
            piece = self._fetch(self._position, length)
            view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        """Return everything from the position on, in one request."""
        length = self._size - self._position
        if length <= 0:
            return b""
        self._position = self._size
        return self._fetch(self._size - length, length)

    def buffered(self, piece: int = PIECE) -> IO[bytes]:
        """Return it with a buffer of *piece* bytes, so that many small reads make few requests."""
        return io.BufferedReader(self, piece)
