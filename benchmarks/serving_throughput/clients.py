"""The clients: connections that are kept, what they ask, and how fast they are answered."""

import json
import selectors
import socket
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any

from servers import resident

CLIENTS = 50
SAME_TO = 1e-12


@dataclass(frozen=True)
class Contestant:
    """A server that answers: where, with which process at its root, and the body it wants for a row."""

    name: str
    port: int
    pid: int
    path: str
    headers: tuple[str, ...]
    bodies: tuple[bytes, ...]

    def requests(self) -> list[bytes]:
        """Return the whole HTTP requests, one per row."""
        return [
            "\r\n".join(
                (f"POST {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Content-Type: application/json",
                 f"Content-Length: {len(body)}", *self.headers, "", "")
            ).encode() + body
            for body in self.bodies
        ]  # fmt: skip


class Connection:
    """One client with a connection that it keeps, which asks again as soon as it is answered."""

    def __init__(self, port: int, requests: list[bytes], place: int):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.requests, self.place = requests, place
        self.held = b""
        self.asked_at = 0.0

    def ask(self) -> None:
        """Send the next request."""
        self.place = (self.place + 1) % len(self.requests)
        self.held = b""
        self.asked_at = time.perf_counter()
        self.socket.sendall(self.requests[self.place])

    def answered(self) -> tuple[int, bytes] | None:
        """Return (status, body) when the whole answer is there."""
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError("the server closed a kept connection")
        self.held += part
        end = self.held.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.held[:end].lower()
        start = head.find(b"content-length:")
        length = int(head[start + 15 :].split(b"\r\n", 1)[0])
        if len(self.held) < end + 4 + length:
            return None
        return int(head[9:12]), self.held[end + 4 :]


def load(port: int, requests: list[bytes], clients: int, seconds: float) -> dict[str, Any]:
    """Ask for *seconds* with *clients* connections; return counts, latencies (s) and this process's own work."""
    selector = selectors.DefaultSelector()
    connections = [Connection(port, requests, place * 7) for place in range(clients)]
    for each in connections:
        selector.register(each.socket, selectors.EVENT_READ, each)
        each.ask()
    latencies: list[float] = []
    failed = 0
    began, work = time.perf_counter(), time.process_time()
    until, waiting = began + seconds, clients
    while waiting:
        ready = selector.select(timeout=30)
        if not ready:
            raise TimeoutError(f"{waiting} requests were not answered in 30 s")
        for key, _ in ready:
            connection = key.data
            done = connection.answered()
            if done is None:
                continue
            now = time.perf_counter()
            latencies.append(now - connection.asked_at)
            failed += done[0] != 200
            if now < until:
                connection.ask()
            else:
                waiting -= 1
    took = time.perf_counter() - began
    for each in connections:
        each.socket.close()
    return {
        "requests": len(latencies), "failed": failed, "seconds": took, "latencies": latencies,
        "own_work": (time.process_time() - work) / took,
    }  # fmt: skip


def each_once(port: int, requests: list[bytes]) -> list[Any]:
    """Return the parsed answers to every request, one after another."""
    connection = Connection(port, requests, -1)
    found = []
    for _ in requests:
        connection.ask()
        while (done := connection.answered()) is None:
            pass
        if done[0] != 200:
            raise SystemExit(f"port {port} answered {done[0]}: {done[1][:300]!r}")
        found.append(json.loads(done[1]))
    return found


def settled(port: int) -> None:
    """Wait until wardround's log has shipped what it holds, so that this work does not fall into another's turn."""
    import urllib.request

    until = time.monotonic() + 60
    while time.monotonic() < until:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        backlog = [float(line.split()[-1]) for line in lines if line.startswith("wardround_log_backlog ")]
        if not backlog or backlog[0] == 0:
            return
        time.sleep(0.5)


def in_turn(contestants: list[Contestant], *, rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Load each in turn, *rounds* times; return the medians over the rounds."""
    measured: dict[str, list[dict[str, Any]]] = {each.name: [] for each in contestants}
    memory: dict[str, float] = {}
    for place in range(rounds):
        for each in contestants if place % 2 == 0 else contestants[::-1]:
            requests = each.requests()
            load(each.port, requests, CLIENTS, min(1.0, seconds))
            figures = load(each.port, requests, CLIENTS, seconds)
            if figures["failed"]:
                raise SystemExit(f"{each.name}: {figures['failed']} of {figures['requests']} requests failed")
            memory[each.name] = max(memory.get(each.name, 0.0), resident(each.pid))
            figures["throughput"] = figures["requests"] / figures["seconds"]
            cuts = statistics.quantiles(figures.pop("latencies"), n=100)
            figures["p50"], figures["p99"] = 1000 * cuts[49], 1000 * cuts[98]
            measured[each.name].append(figures)
            print(
                f"  {each.name}: {figures['throughput']:.0f}/s, p99 {figures['p99']:.1f} ms",
                file=sys.stderr,
                flush=True,
            )
            if each is contestants[0]:
                settled(each.port)
    medians = ("throughput", "p50", "p99", "own_work")
    return {
        name: {
            **{what: statistics.median(turn[what] for turn in turns) for what in medians},
            "least": min(turn["throughput"] for turn in turns),
            "most": max(turn["throughput"] for turn in turns),
            "requests": sum(turn["requests"] for turn in turns),
            "memory": memory[name],
        }
        for name, turns in measured.items()
    }  # fmt: skip


def same_numbers(contestants: list[Contestant]) -> None:
    """Make sure that all give the same probability for every row, but for the order in which a sum was added up."""
    first: list[float] | None = None
    for each in contestants:
        numbers = [_probability(answer) for answer in each_once(each.port, each.requests())]
        first = first or numbers
        differing = sum(abs(a - b) > SAME_TO for a, b in zip(numbers, first, strict=True))
        if differing:
            raise SystemExit(f"{each.name} gives other numbers for {differing} of {len(numbers)} rows")


def _probability(answer: dict[str, Any]) -> float:
    given = answer["predictions"][0]
    return float(given["probability"] if isinstance(given, dict) else given)
