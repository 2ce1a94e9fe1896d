"""The alert file: the places that are told (sinks), what each is told, and when it must be left in peace.

Secrets are never in it, only the names of the environment variables that hold them.
"""

import ipaddress
import tomllib
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from wardround.alerts.tickets import URGENCIES, Urgency
from wardround.errors import SettingsInvalid

VARIABLE = "WARDROUND_ALERTS"
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Name of an environment variable.")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class QuietHours(_Strict):
    """Hours of the day, by the clock on the wall in *zone*, in which nothing is sent; they may run over midnight."""

    start: time
    end: time
    zone: str
    urgent_passes: bool = Field(default=True, description="Whether messages of high urgency are sent all the same.")

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            raise ValueError("it is not the name of a time zone, such as Europe/Berlin") from None
        return zone

    @model_validator(mode="after")
    def _some_time_is_left(self) -> "QuietHours":
        if self.start == self.end:
            raise ValueError("start and end are the same, so that nothing would ever be sent")
        if self.start.tzinfo or self.end.tzinfo:
            raise ValueError("start and end are times of the clock on the wall, such as 22:00, without an offset")
        return self

    def until(self, moment: datetime) -> datetime | None:
        """Return when the quiet hours around *moment* end (UTC), or None outside of them."""
        zone = ZoneInfo(self.zone)
        local = moment.astimezone(zone)
        if not self._quiet(local.time()):
            return None
        ends = (
            datetime.combine(local.date() + timedelta(days=days), self.end, tzinfo=zone).replace(fold=fold)
            for days in (0, 1)
            for fold in (0, 1)  # when clocks go back, the hour in which quiet ends comes twice
        )
        return min(end.astimezone(UTC) for end in ends if end.astimezone(UTC) > moment)

    def _quiet(self, clock: time) -> bool:
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end


class _Sink(_Strict):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="Small letters, digits and dashes.")
    actions: tuple[str, ...] = Field(default=("*",), description="Which actions are told; `*`: all.")
    use_cases: tuple[str, ...] = Field(default=("*",), description="Which use cases are told of; `*`: all.")
    minimum_urgency: Urgency = Urgency.NORMAL
    quiet_hours: QuietHours | None = None
    language: Literal["en", "zh"] = "en"
    remind_after_days: int | None = Field(default=None, ge=1, le=365, description="Off when it is not set.")
    tell_closed: bool = Field(default=False, description="Whether a second message says that a ticket was closed.")
    timeout: float = Field(default=10.0, gt=0, le=60, description="Seconds in which the whole message must be taken.")

    @field_validator("actions")
    @classmethod
    def _known(cls, actions: tuple[str, ...]) -> tuple[str, ...]:
        unknown = set(actions) - {"*", *URGENCIES}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(URGENCIES)}, and * for all")
        return actions

    def wants(self, *, action: str, use_case: str) -> bool:
        """Whether this place is told about *action* in *use_case*."""
        return (
            ("*" in self.actions or action in self.actions)
            and ("*" in self.use_cases or use_case in self.use_cases)
            and URGENCIES[action].rank >= self.minimum_urgency.rank
        )


class WebhookSink(_Sink):
    """A web address that is sent JSON, signed as the Standard Webhooks specification says when there is a secret."""

    kind: Literal["webhook"]
    url: str | None = None
    url_from: Variable | None = Field(default=None, description="Variable that holds the address, if it is a secret.")
    secret_from: Variable | None = None
    headers_from: dict[str, Variable] = Field(default_factory=dict, description="Header -> variable with its value.")
    unencrypted: bool = Field(default=False, description="Whether http may be spoken with another machine.")

    @model_validator(mode="after")
    def _one_address(self) -> "WebhookSink":
        if (self.url is None) == (self.url_from is None):
            raise ValueError("give either url or url_from (the variable that holds a secret address)")
        if self.url is not None:
            require_web_address(self.url, unencrypted=self.unencrypted)
        for name in self.headers_from:
            if not name.replace("-", "").isalnum() or not name.isascii():
                raise ValueError(f"{name!r} is not the name of a header")
        return self


class MailSink(_Sink):
    """Mailboxes, reached over an SMTP server."""

    kind: Literal["mail"]
    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    certificates: Path | None = Field(default=None, description="PEM file of authorities, beside the machine's own.")
    user: str | None = None
    password_from: Variable | None = None
    sender: str
    to: tuple[str, ...] = Field(min_length=1)
    unencrypted: bool = Field(default=False, description='Whether security = "none" is meant for another machine.')

    @model_validator(mode="after")
    def _safe(self) -> "MailSink":
        if self.security == "none" and not (is_loopback(self.host) or self.unencrypted):
            raise ValueError(
                'security = "none" sends the message readable over the network; '
                "use starttls or tls, or say unencrypted = true"
            )
        if (self.user is None) != (self.password_from is None):
            raise ValueError("user and password_from go together")
        if self.user is not None and self.security == "none" and not is_loopback(self.host):
            raise ValueError('a password is never sent with security = "none"')
        for address in (self.sender, *self.to):
            if not _is_address(address):
                raise ValueError(f"{address!r} is not a mail address")
        return self


class FileSink(_Sink):
    """A file that gets one line of JSON per message; a relative path starts at the alert file's folder."""

    kind: Literal["file"]
    path: Path


Sink = Annotated[WebhookSink | MailSink | FileSink, Field(discriminator="kind")]


class Config(_Strict):
    """All places that are told; without any, tickets are kept and nobody is told."""

    sinks: tuple[Sink, ...] = ()

    @field_validator("sinks")
    @classmethod
    def _own_names(cls, sinks: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [sink.name for sink in sinks]
        double = sorted({name for name in names if names.count(name) > 1})
        if double:
            raise ValueError(f"more than one sink is called {', '.join(double)}")
        return sinks


def load_config(path: Path | None) -> Config:
    """Read the alert file; None gives the config that tells nobody.

    Raises:
        SettingsInvalid: the file cannot be read, or a key of it is unknown or wrong; every fault is named.
    """
    if path is None:
        return Config()
    try:
        content = tomllib.loads(path.read_text())
    except OSError as error:
        raise SettingsInvalid(VARIABLE, f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid(VARIABLE, f"{path} is not TOML: {error}") from None
    try:
        config = Config.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(_fault(each["loc"], each["type"], each["msg"]) for each in error.errors(include_input=False))
        raise SettingsInvalid(VARIABLE, f"{path}: {faults}") from None
    return Config(sinks=tuple(_at_home(sink, path.resolve().parent) for sink in config.sinks))


def require_web_address(url: str, *, unencrypted: bool) -> None:
    """Make sure *url* is an address that a message may be sent to.

    Raises:
        ValueError: it is none, holds a password, or is http to another machine without *unencrypted*.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it is not an http or https address")
    if parts.username or parts.password:
        raise ValueError("it holds a password; use headers_from and an environment variable")
    if parts.scheme == "http" and not (unencrypted or is_loopback(parts.hostname)):
        raise ValueError("http sends the message readable over the network; use https, or say unencrypted = true")


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(address: str) -> bool:
    local, _, domain = address.rpartition("@")
    return (
        bool(local and domain) and address.isascii() and not any(char.isspace() or char in '<>,;"' for char in address)
    )


def _at_home(sink: Any, folder: Path) -> Any:
    if isinstance(sink, FileSink):
        return sink.model_copy(update={"path": folder / sink.path})
    return sink


def _fault(place: tuple[int | str, ...], kind: str, words: str) -> str:
    """Name the place as it is written in the file, counting sinks from 1: "sinks 2, quiet_hours.zone"."""
    parts = [str(part) for part in place if part not in ("webhook", "mail", "file")]
    numbered = f"sinks {int(parts[1]) + 1}" if len(parts) > 1 and parts[1].isdigit() else ".".join(parts[:1])
    rest = ".".join(parts[2:])
    where = f"{numbered}, {rest}" if rest else numbered or "the file"
    if kind == "extra_forbidden":
        return f"{where}: there is no such key"
    return f"{where}: {words.removeprefix('Value error, ')}"
