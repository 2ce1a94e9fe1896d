"""A web address that is sent JSON."""

import base64
import hashlib
import hmac
import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from wardround import __version__
from wardround.alerts.config import WebhookSink, is_loopback, require_web_address
from wardround.alerts.messages import Message
from wardround.alerts.sinks.outcome import NotTaken, secret

LATER = (408, 425, 429)
"""The answers among 4xx that ask to come again: time out, too early, too many (RFC 9110, 8470, 6585)."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the message was meant for this address, and a POST would arrive as a GET."""

    def redirect_request(self, *_: Any) -> None:
        return None


def post(sink: WebhookSink, message: Message, *, environment: Mapping[str, str]) -> str:
    """Send *message* as JSON, signed if the sink has a secret, with an ``Idempotency-Key`` that stays the same.

    Raises:
        NotTaken: anything but a 2xx came back.
    """
    url = sink.url or secret(sink.url_from or "", environment)
    try:
        require_web_address(url, unencrypted=sink.unencrypted)
    except ValueError as error:
        raise NotTaken(f"the address in {sink.url_from} cannot be used: {error}", True) from None
    host = urlsplit(url).hostname or ""
    body = message.json()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"wardround/{__version__}",
        "Idempotency-Key": message.id,
    }
    if sink.secret_from is not None:
        headers |= signature(body, id=message.id, seconds=int(message.at.timestamp()),
                             secret=secret(sink.secret_from, environment))  # fmt: skip
    headers |= {name: secret(variable, environment) for name, variable in sink.headers_from.items()}
    handlers: list[urllib.request.BaseHandler] = [_Stay()]
    if is_loopback(host):
        handlers.append(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=sink.timeout):
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        raise _refusal(host, error) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotTaken(f"no answer from {host} ({_kind(error)})") from None


def signature(body: bytes, *, id: str, seconds: int, secret: str) -> dict[str, str]:
    """Return the headers that prove who sent *body* and when, after the Standard Webhooks specification 1.0.

    HMAC-SHA256 over "id.timestamp.body"; a secret that begins with ``whsec_`` is base64, any other is taken as it is.
    """
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    proof = hmac.new(key, f"{id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(proof).decode()}",
    }


def _refusal(host: str, error: urllib.error.HTTPError) -> NotTaken:
    if 300 <= error.code < 400:
        return NotTaken(f"{host} answered {error.code}: it has moved, and redirects are not followed", True)
    if 400 <= error.code < 500 and error.code not in LATER:
        return NotTaken(f"{host} answered {error.code}: it will not take the message until a person mends that", True)
    return NotTaken(f"{host} answered {error.code}", wait=_wait(error))


def _wait(error: urllib.error.HTTPError) -> float:
    """Return the seconds of a ``Retry-After`` header (RFC 9110), given as seconds or as a date."""
    said, sent = error.headers.get("Retry-After", ""), error.headers.get("Date", "")
    if said.isdigit():
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - parsedate_to_datetime(sent)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _kind(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return type(reason if isinstance(reason, Exception) else error).__name__
