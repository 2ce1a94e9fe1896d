"""A request's head is read up to a limit, whoever sends it; its body is not part of that."""

import contextlib
import socket
import threading
import time

import pytest
import uvicorn

from wardround.processes import free_port
from wardround.serving.heads import LARGEST, bounded


async def app(scope, receive, send):
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


@pytest.fixture
def ask(request):
    """Send bytes to a server with the protocol under test and return what it says."""
    pytest.importorskip("httptools")
    port = free_port()
    config = uvicorn.Config(app, port=port, http=request.param, ws="none", log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)

    def ask(*parts):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
            with contextlib.suppress(OSError):  # it hangs up while we are still sending
                for part in parts:
                    line.sendall(part)
            said = b""
            with contextlib.suppress(OSError):
                while piece := line.recv(65536):
                    said += piece
        return said

    yield ask
    server.should_exit = True
    thread.join()


CLOSE = b"Host: x\r\nConnection: close\r\n"
PIECES = [b"a" * 100_000] * 30
CHUNKED = b"POST / HTTP/1.1\r\n" + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "address": (b"GET /", *PIECES, b" HTTP/1.1\r\n" + CLOSE + b"\r\n"),
    "header": (b"GET / HTTP/1.1\r\n" + CLOSE + b"X: ", *PIECES, b"\r\n\r\n"),
    "headers": (b"GET / HTTP/1.1\r\n" + CLOSE, *[b"X: a\r\n" * 10_000] * 50, b"\r\n"),
    "trailer": (CHUNKED, b"0\r\nX: ", *PIECES, b"\r\n\r\n"),
    "chunk extension": (CHUNKED, b"1;x=", *PIECES, b"\r\na\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("ask", [bounded()], indirect=True)
@pytest.mark.parametrize("where", ENDLESS)
def test_a_head_without_end_is_not_read(ask, where):
    assert b"200 OK" not in ask(*ENDLESS[where])


@pytest.mark.parametrize("ask", ["httptools"], indirect=True)
def test_without_the_limit_a_header_of_megabytes_is_read(ask):
    assert b"200 OK" in ask(*ENDLESS["header"])


@pytest.mark.parametrize("ask", [bounded()], indirect=True)
def test_a_large_body_a_large_header_and_many_requests_on_one_line_pass(ask):
    body = b"b" * 5_000_000
    assert ask(b"POST / HTTP/1.1\r\n" + CLOSE + b"Content-Length: 5000000\r\n\r\n", body).endswith(
        b"\r\n5000000\r\n0\r\n\r\n"
    )
    framed = b"".join(b"1000\r\n" + b"c" * 0x1000 + b"\r\n" for _ in range(1000))
    assert ask(CHUNKED, framed, b"0\r\n\r\n").endswith(b"\r\n4096000\r\n0\r\n\r\n")
    header = b"X: " + b"d" * (LARGEST // 2) + b"\r\n"
    many = [b"GET / HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n"] * 10
    assert ask(*many, b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n").count(b"200 OK") == 11
