"""The desk as a process: `wardround serve` under a supervisor."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from wardround import services
from wardround.processes import free_port
from wardround.services import DeskServer


@pytest.fixture
def environment(settings_environment, monkeypatch):
    for name, value in settings_environment.items():
        monkeypatch.setenv(name, value)


def test_the_desk_comes_back_at_the_same_place_when_it_is_killed(settings, environment):
    desk = DeskServer(None, settings, use_cases=("heart_disease",))
    try:
        desk.start()
        url = desk.url
        assert "Sign in" in httpx.get(f"{url}/sign-in").text
        os.kill(desk.process.pid, signal.SIGKILL)
        desk.process.wait()
        desk.ensure_alive()
        assert desk.url == url
        assert httpx.get(f"{url}/sign-in").headers["content-security-policy"].startswith("default-src 'none'")
        assert httpx.get(f"{url}/healthz").status_code == 200
        unknown = httpx.post(f"{url}/v1/use-cases/nothing/predictions")
        assert unknown.headers["content-type"] == "application/problem+json"
        assert httpx.put(f"{url}/healthz").status_code == 405
        for path in ("/sign-in", "/healthz", "/readyz", "/metrics", "/openapi.json", "/cds-services", "/nothing/here"):
            headers = httpx.get(f"{url}{path}").headers
            assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff"), path
        assert httpx.get(f"{url}/static/desk.css").headers["cache-control"] == "no-cache"  # it says so itself
        astray = httpx.post(f"{url}/v1/use-cases/heart_disease/predictions/", headers={"Host": "elsewhere.example"})
        assert astray.status_code == 404  # a redirect would send a patient to whatever host the caller was made to name
        assert httpx.get(f"{url}/nothing/here").headers["content-type"].startswith("text/html")
    finally:
        desk.kill()
    assert DeskServer(None, settings).port == desk.port


def test_two_desks_that_are_not_started_yet_do_not_take_the_same_port(settings, tmp_path):
    one = DeskServer(None, settings)
    other = DeskServer(None, settings.model_copy(update={"home": tmp_path / "elsewhere"}))
    assert {one.port, other.port} <= set(range(8600, 8620)), "the next one that is free"
    assert one.port != other.port
    taken = one.port
    one.kill()
    assert DeskServer(None, settings).port == taken


def test_serving_says_where_tells_no_request_and_stops_when_asked(settings, environment):
    port = free_port()
    command = (sys.executable, "-m", "wardround", "serve", "--port", str(port), "--no-api", "-u", "heart_disease")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        until = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"http://127.0.0.1:{port}/ledger?text=mrs-example")
                break
            time.sleep(0.1)
        process.terminate()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert f"review desk  http://127.0.0.1:{port}" in said
    assert "predictions" not in said
    assert "mrs-example" not in said


def test_runs_are_not_told_what_lets_somebody_be_a_person(settings, environment, monkeypatch):
    secrets = ("WARDROUND_PROXY_SECRET", "WARDROUND_PASSPHRASE", "WARDROUND_NEW_PASSPHRASE")
    for name in secrets:
        monkeypatch.setenv(name, "a secret of at least thirty-two characters")
    told = services.environment(settings)
    assert told["WARDROUND_S3_BUCKET"] == settings.s3_bucket
    assert not told.keys() & set(secrets)


def test_a_server_with_nothing_to_serve_is_refused(settings, environment):
    command = (sys.executable, "-m", "wardround", "serve", "--no-api", "--no-desk")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nothing is left to serve" in done.stderr
