"""Prefect's HTTP API and the environment of its processes; Prefect itself is never imported here."""

import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from wardround.errors import ServiceFailed
from wardround.settings import Settings

POOL = "wardround"
_KEPT_BACK = frozenset((
    "PREFECT_API_URL", "PREFECT_PROFILE", "WARDROUND_PROXY_SECRET", "WARDROUND_PASSPHRASE", "WARDROUND_NEW_PASSPHRASE",
))  # fmt: skip
_BUSY = (0.2, 0.5, 1.0, 2.0, 4.0)
_PATIENCE = 90.0  # Prefect's database waits up to a minute for a lock, and nothing is answered meanwhile
_LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def quiet() -> dict[str, str]:
    """Return the environment that turns all telemetry off; the one home of these settings.

    Prefect has two senders (the server's heartbeat, the SDK's milestones), Great Expectations and Evidently's
    service one each. It does not matter whether CI variables, which silence some of them, are set.
    """
    return {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "GX_ANALYTICS_ENABLED": "false",
        "DISABLE_TELEMETRY": "1",
    }


def environment(settings: Settings, *, api_url: str | None = None) -> dict[str, str]:
    """Return the whole environment of a child process: this one's, telemetry off, *settings* spelled out.

    Not what lets somebody be a person at the desk or in a command: runs load use cases, which are anybody's code.
    """
    child = {key: value for key, value in os.environ.items() if key not in _KEPT_BACK}
    child |= quiet()
    child |= {
        "WARDROUND_HOME": str(settings.home.resolve()),
        "PREFECT_HOME": str(prefect_home(settings.home)),
        "PREFECT_LOGGING_COLORS": "false",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    child.setdefault("OMP_NUM_THREADS", "1")
    child.setdefault("PREFECT_LOGGING_LEVEL", "INFO")
    if api_url is not None:
        child["PREFECT_API_URL"] = api_url
    return child


def prefect_home(home: Path) -> Path:
    """Return the folder of Prefect's database, settings and logs."""
    return home.resolve() / "prefect"


def call(url: str, body: object = None, *, method: str | None = None, timeout: float = _PATIENCE) -> Any:
    """Send *body* as JSON (GET without one) to a Prefect API and return the answer's JSON.

    A server that is too busy to write (its SQLite database is locked) is asked again for some seconds. A slow answer
    is waited for, up to *timeout* seconds: what was asked for may have been done already, so it is not sent twice.

    Raises:
        ServiceFailed: it did not answer, or refused.
    """
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        method=method or ("GET" if body is None else "POST"),
        headers={"Content-Type": "application/json"},
    )
    try:
        text = _answer(request, timeout)
    except urllib.error.HTTPError as error:
        error.close()
        raise ServiceFailed(
            "Prefect", f"{url} answered {error.code}", "Look at its log under WARDROUND_HOME/prefect"
        ) from None
    except (OSError, ValueError) as error:
        raise ServiceFailed(
            "Prefect", f"no answer from {url} ({type(error).__name__})",
            "Check PREFECT_API_URL, or start a server with `wardround up`",
        ) from None  # fmt: skip
    return json.loads(text) if text else None


def _answer(request: urllib.request.Request, timeout: float) -> bytes:
    for wait in _BUSY:
        try:
            with _LOCAL.open(request, timeout=timeout) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if error.code != 503:  # Prefect's word for a busy database: nothing was written
                raise
            error.close()
            time.sleep(wait)
    with _LOCAL.open(request, timeout=timeout) as answer:
        return bytes(answer.read())


def require(api_url: str) -> None:
    """Make sure a Prefect API answers at *api_url*.

    Raises:
        ServiceFailed: nothing answers there, or it is not Prefect's API.
    """
    call(f"{api_url.rstrip('/')}/health", timeout=5)
