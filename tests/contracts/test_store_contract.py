"""What any S3 endpoint must do for wardround; runs against WARDROUND_S3_ENDPOINT_URL when it is set."""

import http.server
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wardround.domain import Sensitivity
from wardround.errors import AlreadyExists, Conflict, Corrupted, NotFound, StoreFailed
from wardround.store import Store
from wardround.store import client as s3

AGGREGATE, ROW_LEVEL = Sensitivity.AGGREGATE, Sensitivity.ROW_LEVEL


def put(store: Store, key: str, body: bytes = b"content") -> str:
    return store.put(key, body, sensitivity=AGGREGATE)


def at_once(act: Callable[[int], Any], times: int) -> list[Any]:
    """Do *act* in *times* threads that start together; exceptions are results."""
    gate = threading.Barrier(times)

    def run(index: int) -> Any:
        gate.wait()
        try:
            return act(index)
        except Exception as error:
            return error

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def test_an_object_comes_back_byte_for_byte(store: Store) -> None:
    body = secrets.token_bytes(300_000)
    put(store, "models/a/object", body)
    put(store, "models/a/empty", b"")
    assert store.get("models/a/object") == body
    assert store.get("models/a/empty") == b""
    assert store.size("models/a/object") == 300_000


def test_the_hash_of_what_was_written_is_returned_and_can_be_asked_again(store: Store) -> None:
    assert put(store, "models/a/object", b"abc") == store.sha256("models/a/object")
    assert put(store, "models/a/empty", b"") == store.sha256("models/a/empty")


def test_writing_the_same_bytes_twice_is_harmless(store: Store) -> None:
    assert put(store, "models/a/object") == put(store, "models/a/object")


def test_other_bytes_never_overwrite(store: Store) -> None:
    put(store, "models/a/object", b"first")
    with pytest.raises(AlreadyExists, match="models/a/object"):
        put(store, "models/a/object", b"second")
    assert store.get("models/a/object") == b"first"


def test_a_missing_object_is_named(store: Store) -> None:
    assert not store.exists("models/nothing")
    for ask in (store.get, store.size, store.open, store.sha256):
        with pytest.raises(NotFound, match="models/nothing"):
            ask("models/nothing")


@pytest.mark.parametrize("key", ["models/../a", "models//a", "models/./a", "models/a/", "models/" + "a" * 256])
def test_a_key_some_stores_refuse_is_never_written_and_nothing_is_there(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="part"):
        put(store, key)
    with pytest.raises(NotFound):
        store.get(key)
    assert not store.exists(key)


def test_a_key_may_begin_with_another_key(store: Store) -> None:
    put(store, "models/a", b"short")
    put(store, "models/a/b", b"long")
    assert (store.get("models/a"), store.get("models/a/b")) == (b"short", b"long")


def test_listing_goes_over_a_thousand_keys_in_order_and_only_under_the_prefix(store: Store) -> None:
    names = [f"ledger/{number:012d}.json" for number in range(1, 1105)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: put(store, name, b"x"), names))
    put(store, "models/else")
    put(store, "ledger/acts/one")
    assert list(store.keys("ledger/")) == [*names, "ledger/acts/one"]
    assert list(store.keys("ledger/", after=names[1099])) == [*names[1100:], "ledger/acts/one"]
    assert list(store.keys("rounds/")) == []


def test_two_prefixes_never_see_each_other(store: Store) -> None:
    other = replace(store, prefix=store.prefix + "inner/")
    put(other, "models/a")
    assert not store.exists("models/a")
    assert list(store.keys("models/")) == []
    assert list(other.keys("models/")) == ["models/a"]


def test_a_file_is_written_without_reading_it_into_memory_and_read_in_pieces(store: Store, tmp_path: Path) -> None:
    body = secrets.token_bytes(9_000_000)
    path = tmp_path / "big"
    path.write_bytes(body)
    digest = store.put_file("batches/a/data.parquet", path, sensitivity=ROW_LEVEL)
    assert store.put_file("batches/a/data.parquet", path, sensitivity=ROW_LEVEL) == digest
    assert digest == store.sha256("batches/a/data.parquet")
    with store.open("batches/a/data.parquet") as file:
        file.seek(-10, 2)
        assert file.read() == body[-10:]
        file.seek(4_194_300)
        assert file.read(10) == body[4_194_300:4_194_310]
        file.seek(0)
        assert file.read() == body


def test_a_parquet_file_can_be_read_by_column_from_the_store(store: Store, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    table = pyarrow.table({"a": list(range(1000)), "b": ["x"] * 1000})
    parquet.write_table(table, tmp_path / "t.parquet")
    store.put_file("batches/a/t.parquet", tmp_path / "t.parquet", sensitivity=ROW_LEVEL)
    with store.open("batches/a/t.parquet") as file:
        assert parquet.ParquetFile(file).read(columns=["a"]).column("a").to_pylist() == list(range(1000))


def test_of_many_racers_for_a_new_key_one_wins(store: Store) -> None:
    results = at_once(lambda index: put(store, "ledger/one", f"writer {index}".encode()), 12)
    winners = [index for index, result in enumerate(results) if isinstance(result, str)]
    assert len(winners) == 1
    assert all(isinstance(result, str | AlreadyExists) for result in results)
    assert store.get("ledger/one") == f"writer {winners[0]}".encode()


def test_a_pointer_moves_from_the_state_that_was_seen_and_from_no_other(store: Store) -> None:
    assert store.get_pointer("champions/a.json") == (None, None)
    store.swap("champions/a.json", {"version": "1"}, None)
    content, tag = store.get_pointer("champions/a.json")
    assert content is not None
    assert content["version"] == "1"
    with pytest.raises(Conflict):
        store.swap("champions/a.json", {"version": "2"}, None)
    store.swap("champions/a.json", {"version": "2"}, tag)
    with pytest.raises(Conflict):
        store.swap("champions/a.json", {"version": "3"}, tag)


def test_a_value_that_comes_back_does_not_fool_the_comparison(store: Store) -> None:
    first = store.swap("champions/a.json", {"version": "1"}, None)
    second = store.swap("champions/a.json", {"version": "2"}, first)
    store.swap("champions/a.json", {"version": "1"}, second)
    with pytest.raises(Conflict):
        store.swap("champions/a.json", {"version": "3"}, first)


def test_of_many_racers_for_a_pointer_one_wins(store: Store) -> None:
    tag = store.swap("champions/a.json", {"version": "0"}, None)
    results = at_once(lambda index: store.swap("champions/a.json", {"version": str(index + 1)}, tag), 8)
    winners = [index for index, result in enumerate(results) if isinstance(result, str)]
    assert len(winners) == 1
    assert all(isinstance(result, str | Conflict) for result in results)
    content, _ = store.get_pointer("champions/a.json")
    assert content is not None
    assert content["version"] == str(winners[0] + 1)


def test_counting_by_swaps_loses_no_update(store: Store) -> None:
    def count(_: int) -> None:
        for _ in range(5):
            while True:
                content, tag = store.get_pointer("champions/count.json")
                try:
                    store.swap("champions/count.json", {"count": content["count"] + 1 if content else 1}, tag)
                    break
                except Conflict:
                    time.sleep(0.01)

    assert at_once(count, 4) == [None] * 4
    content, _ = store.get_pointer("champions/count.json")
    assert content is not None
    assert content["count"] == 20


def test_a_damaged_pointer_is_named(store: Store) -> None:
    put(store, "champions/a.json", b"\xff not JSON")
    with pytest.raises(Corrupted, match=r"champions/a\.json"):
        store.get_pointer("champions/a.json")


@pytest.mark.parametrize("key", ["models/rows.parquet", "ledger/rows", "rounds/rows", "elsewhere/rows"])
def test_rows_of_patients_have_no_place_under_an_aggregate_prefix(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="row level"):
        store.put(key, b"rows", sensitivity=ROW_LEVEL)
    assert not store.exists(key)


def test_only_quarantined_rows_can_be_deleted(store: Store) -> None:
    store.put("quarantine/a/rows.parquet", b"rows", sensitivity=ROW_LEVEL)
    store.delete("quarantine/a/rows.parquet")
    store.delete("quarantine/a/rows.parquet")
    assert not store.exists("quarantine/a/rows.parquet")
    put(store, "ledger/1")
    with pytest.raises(ValueError, match="only quarantined rows"):
        store.delete("ledger/1")
    assert store.exists("ledger/1")


def test_a_lost_answer_to_a_won_swap_is_not_taken_for_a_lost_race(store: Store, monkeypatch: Any) -> None:
    tag = store.swap("champions/a.json", {"version": "1"}, None)
    monkeypatch.setattr(s3, "_client", losing_one_answer(s3._client))
    store.swap("champions/a.json", {"version": "2"}, tag)
    content, _ = store.get_pointer("champions/a.json")
    assert content is not None
    assert content["version"] == "2"


def test_a_lost_answer_to_a_write_is_not_taken_for_somebody_elses_object(store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr(s3, "_client", losing_one_answer(s3._client))
    put(store, "models/a/object", b"mine")
    assert store.get("models/a/object") == b"mine"


def test_the_endpoint_passes_the_self_test(store: Store) -> None:
    store.prepare()
    store.probe()
    assert list(store.keys(".probe/")) == []


def test_a_missing_bucket_is_named_by_whatever_meets_it(store: Store) -> None:
    missing = replace(store, bucket=f"wardround-test-{secrets.token_hex(6)}")
    for act in (
        missing.probe,
        lambda: missing.get("models/a"),
        lambda: put(missing, "models/a"),
        lambda: list(missing.keys("")),
    ):
        with pytest.raises(StoreFailed, match=f"no bucket '{missing.bucket}'"):
            act()


def test_wrong_credentials_are_told_within_seconds(store: Store) -> None:
    started = time.monotonic()
    for wrong in (replace(store, secret_key="wrong" * 8), replace(store, access_key="NOBODY")):
        for act in (wrong.probe, wrong.prepare, lambda wrong=wrong: wrong.get("models/a")):
            with pytest.raises(StoreFailed, match="WARDROUND_S3_ACCESS_KEY") as failure:
                act()
            assert "wrong" * 8 not in str(failure.value)
    assert time.monotonic() - started < 5


def test_a_secret_shows_in_no_text_of_a_store(store: Store) -> None:
    assert store.secret_key not in repr(store)
    assert store.secret_key not in repr(store._address)


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:9", "http://no-such-host.invalid:9000", "not an address", "127.0.0.1:9"]
)
def test_a_wrong_address_is_told_within_seconds(store: Store, endpoint: str) -> None:
    wrong = replace(store, endpoint_url=endpoint)
    started = time.monotonic()
    for act in (wrong.probe, wrong.prepare, lambda: wrong.get("models/a")):
        with pytest.raises(StoreFailed, match="WARDROUND_S3_ENDPOINT_URL"):
            act()
    assert time.monotonic() - started < 12


def test_a_server_that_is_no_store_is_refused(store: Store, other_server: str) -> None:
    with pytest.raises(StoreFailed):
        replace(store, endpoint_url=other_server).prepare()


def test_a_store_in_which_every_racer_wins_is_refused(store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr(s3, "_client", ignoring_conditions(s3._client))
    with pytest.raises(StoreFailed, match="ignores If-None-Match"):
        store.prepare()


class Wrapped:
    """A client that does something else for `put_object`."""

    def __init__(self, client: Any, put_object: Callable[[Any, dict[str, Any]], Any]):
        self._client = client
        self._put_object = put_object

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_object(self, **options: Any) -> Any:
        return self._put_object(self._client, options)


def losing_one_answer(make: Callable[..., Any]) -> Callable[..., Any]:
    """Clients of which one writes, loses the answer, and meets its own write when it tries again, as botocore does."""
    left = [1]

    def put_object(client: Any, options: dict[str, Any]) -> Any:
        answer = client.put_object(**options)
        if left:
            left.pop()
            return client.put_object(**options)
        return answer

    return lambda *arguments: Wrapped(make(*arguments), put_object)


def ignoring_conditions(make: Callable[..., Any]) -> Callable[..., Any]:
    def put_object(client: Any, options: dict[str, Any]) -> Any:
        options.pop("IfNoneMatch", None)
        options.pop("IfMatch", None)
        return client.put_object(**options)

    return lambda *arguments: Wrapped(make(*arguments), put_object)


@pytest.fixture
def other_server() -> Iterator[str]:
    """A web server that answers 200 to everything."""

    class Always(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.command == "PUT":
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(b"hello")

        do_HEAD = do_PUT = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Always) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{port}"
        server.shutdown()
        thread.join()
