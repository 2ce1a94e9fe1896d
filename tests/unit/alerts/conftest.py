"""Decisions to tell of, and real places to tell them to: a web server that can be told how to answer, a mail server."""

import contextlib
import http.server
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from wardround.alerts import Config, load_config, tickets
from wardround.domain import Action, Cause, Decision, Sensitivity, to_json
from wardround.processes import free_port
from wardround.store import Store

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
USER, PASSWORD = "wardround", "a passphrase that must never be told"
DAY = timedelta(days=1)


@dataclass
class Duty:
    """A store with decisions in it, as rounds leave them."""

    store: Store

    def decision(self, action: Action = Action.QUARANTINE, cause: Cause = Cause.DATA_FAULT, *, day: int = 0, **fields):
        at = NOW + day * DAY
        usual = Decision(
            use_case="heart_disease", batch=f"{day:064}", label=f"week-{day}", champion="c0ffee" * 2, action=action,
            cause=cause, reasons=("cholesterol looks like mmol/L: 97 % of the values lie outside 60 to 700 mg/dL",),
            what_would_change_it=(), readings=(), decided_at=at, as_of=at,
        )  # fmt: skip
        made = replace(usual, **fields)
        self.store.put(made.key, to_json(made), sensitivity=Sensitivity.AGGREGATE)
        return made

    def ticket(self, *args, now: datetime = NOW, **fields) -> tickets.Ticket:
        opened = tickets.notice(self.store, self.decision(*args, **fields), now=now)
        assert opened is not None
        return opened

    def quiet_round(self, day: int) -> None:
        assert tickets.notice(self.store, self.decision(Action.NONE, Cause.NONE, day=day), now=NOW + day * DAY) is None


@pytest.fixture
def duty(store: Store) -> Duty:
    return Duty(store)


@dataclass
class Web:
    """A web server that answers as it is told: a status, a pair (status, headers), or seconds to be slow."""

    url: str = ""
    answers: list = field(default_factory=list)
    requests: list = field(default_factory=list)

    def configured(self, **keys: object) -> str:
        lines = [f"{key} = {value}" for key, value in keys.items()]
        return "\n".join(['[[sinks]]\nkind = "webhook"\nname = "on-call"', f'url = "{self.url}"', *lines])


@pytest.fixture
def web() -> Iterator[Web]:
    told = Web()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.requests.append((self.path, dict(self.headers), body))
            answer = told.answers.pop(0) if told.answers else 204
            if isinstance(answer, float):
                time.sleep(answer)
                answer = 204
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    told.url = f"http://127.0.0.1:{server.server_port}/hooks/secret-path"
    yield told
    server.shutdown()
    server.server_close()


@pytest.fixture
def dripping() -> Iterator[Web]:
    """A web server whose answer never ends: a byte at a time, each well within the patience of a socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        with listener.accept()[0] as taken:
            taken.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            with contextlib.suppress(OSError):
                while not ended.wait(0.1):
                    taken.sendall(b".")

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    yield Web(url=f"http://127.0.0.1:{listener.getsockname()[1]}/")
    ended.set()
    thread.join()
    listener.close()


class _Mailboxes:
    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.full: dict[str, str] = {}
        self.after_data = "250 taken"
        self.signed_in: list[bytes] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options) -> str:  # noqa: N802
        if address in self.full:
            return self.full[address]
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.after_data.startswith("250"):
            self.mails.append(envelope)
        return self.after_data


@dataclass
class Mail:
    """A mail server with STARTTLS and a password; *boxes* holds what arrived and how it refuses."""

    port: int
    certificate: Path
    boxes: _Mailboxes

    def configured(self, **keys: object) -> str:
        usual = {
            "host": '"localhost"', "port": self.port, "certificates": f'"{self.certificate}"', "user": f'"{USER}"',
            "password_from": '"MAIL_PASSWORD"', "sender": '"wardround@hospital.example"',
            "to": '["cardiology@hospital.example"]',
        }  # fmt: skip
        lines = [f"{key} = {value}" for key, value in {**usual, **keys}.items() if value is not None]
        return "\n".join(['[[sinks]]\nkind = "mail"\nname = "mail"', *lines])


@pytest.fixture
def mail(certificate: tuple[Path, Path]) -> Iterator[Mail]:
    boxes = _Mailboxes()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)

    def authenticate(server, session, envelope, mechanism, data) -> AuthResult:
        boxes.signed_in.append(data.login)
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    controller = Controller(
        boxes, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True, auth_required=True,
        authenticator=authenticate,
    )  # fmt: skip
    controller.start()
    yield Mail(controller.port, certificate[0], boxes)
    controller.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    start = datetime.now(UTC) - DAY
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(start + 9 * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "server.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "server.pem", folder / "server.key"


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Config]:
    """Write an alert file from its parts and load it."""

    def write(*parts: str) -> Config:
        path = tmp_path / "alerts.toml"
        path.write_text("\n".join(parts))
        return load_config(path)

    return write
