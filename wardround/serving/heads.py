"""How much of a request is read before anybody has asked who sends it."""

import asyncio
from typing import Literal

LARGEST = 64 << 10
"""Bytes of a request besides its body: address, headers, the frames of its chunks; as much as h11 takes."""


def bounded() -> type[asyncio.Protocol] | Literal["auto"]:
    """Return the protocol for ``uvicorn.run(http=...)`` that ends a connection whose request is too large in its head.

    uvicorn's fast parser has no such limit: an address of 60 MB, from somebody unknown, stops every answer for ten
    seconds. Without that parser uvicorn takes h11, which has one.
    """
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return "auto"

    class Bounded(HttpToolsProtocol):
        _beside = 0

        def data_received(self, data: bytes) -> None:
            self._beside += len(data)
            super().data_received(data)
            if self._beside > LARGEST and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large.")

        def on_message_begin(self) -> None:
            self._beside = 0
            super().on_message_begin()

        def on_body(self, body: bytes) -> None:
            self._beside -= len(body)
            super().on_body(body)

    return Bounded
