"""The environment (endpoint, bucket, credentials, keys, folders), read at the edge and passed down."""

import json
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from wardround.errors import SettingsInvalid


class Settings(BaseSettings):
    """Environment settings, each from the variable ``WARDROUND_<NAME>``.

    Where no endpoint is given, the embedded S3 server's address is read from ``<home>/s3/run/endpoint.json``
    (written by `wardround.local` while the server runs), and its credentials from beside it.
    """

    model_config = SettingsConfigDict(env_prefix="WARDROUND_", frozen=True, extra="ignore")

    home: Path = Field(default_factory=lambda: Path.home() / ".wardround", description="State of this machine.")
    data: Path | None = Field(default=None, description="Folder of the data that cannot be shipped.")
    s3_endpoint_url: str | None = Field(default=None, description="Any S3-compatible endpoint; empty: embedded.")
    s3_bucket: str = Field(default="wardround", description="The one bucket that holds everything.")
    s3_access_key: str | None = None
    s3_secret_key: SecretStr | None = None
    s3_region: str = "us-east-1"
    s3_prefix: str = Field(default="", description="Key prefix inside the bucket, for shared buckets and tests.")
    pseudonym_key: SecretStr | None = Field(
        default=None, description="HMAC key (at least 32 characters) of patient and record pseudonyms."
    )
    small_cell: int = Field(default=10, ge=1, description="Counts below this are suppressed in every aggregate.")
    desk_url: str | None = Field(
        default=None, description="Public address of the review desk; links in messages and in Prefect lead there."
    )
    sign_in_header: str | None = Field(
        default=None, description="Header in which a reverse proxy (OIDC, SAML) names the person who signed in there."
    )
    proxy_secret: SecretStr | None = Field(
        default=None, description="What that proxy sends as X-Wardround-Proxy, so that nobody else can name a person."
    )
    alerts: Path | None = Field(
        default=None, description="TOML file of the places that are told (webhook, mail, file)."
    )
    api_max_records: int = Field(default=1000, ge=1, description="Records in one request for predictions.")
    api_max_bytes: int = Field(default=2_000_000, ge=1000, description="Size of one request, in bytes.")
    api_rate: int = Field(default=6000, ge=1, description="Requests a minute for one API key.")
    api_waiting: int = Field(default=512, ge=1, description="Requests that may wait; one more is answered with 429.")
    actor: str = Field(default_factory=lambda: os.environ.get("USER", "wardround"), description="Who acts.")

    def __init__(self, **values: Any):
        try:
            super().__init__(**values)
        except ValidationError as error:  # its own words would quote a secret that was set in the wrong place
            fault = error.errors(include_input=False, include_url=False)[0]
            raise SettingsInvalid(f"WARDROUND_{'_'.join(map(str, fault['loc'])).upper()}", fault["msg"]) from None

    @cached_property
    def pseudonym_secret(self) -> bytes:
        """The pseudonym key in bytes; generated once under *home* (mode 0600) when none is configured."""
        if self.pseudonym_key is not None:
            key = self.pseudonym_key.get_secret_value().encode()
            if len(key) < 32:
                raise SettingsInvalid("WARDROUND_PSEUDONYM_KEY", "it must have at least 32 characters")
            return key
        path = self.home / "pseudonym.key"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"{path.name}.{secrets.token_hex(6)}")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_hex(32).encode())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(fresh, path)  # whoever is first wins: two keys would split every patient in two
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        kept = path.read_bytes()
        if len(kept) < 32:  # an empty key would leave names that anybody could work out
            raise SettingsInvalid("WARDROUND_HOME", f"{path} is damaged: restore it from a backup")
        return kept

    @property
    def embedded_s3(self) -> bool:
        """Whether the store is the embedded server of this machine."""
        return self.s3_endpoint_url is None

    def s3_address(self) -> tuple[str, str, str]:
        """Return (endpoint URL, access key, secret key).

        Raises:
            SettingsInvalid: no endpoint is configured and no embedded server runs, or credentials are missing.
        """
        if self.s3_endpoint_url is not None:
            if not self.s3_access_key or self.s3_secret_key is None:
                raise SettingsInvalid(
                    "WARDROUND_S3_ACCESS_KEY", "set it and WARDROUND_S3_SECRET_KEY beside WARDROUND_S3_ENDPOINT_URL"
                )
            return self.s3_endpoint_url, self.s3_access_key, self.s3_secret_key.get_secret_value()
        root = self.home / "s3"
        try:
            endpoint = json.loads((root / "run" / "endpoint.json").read_text())["endpoint"]
            keys = json.loads((root / "secrets.json").read_text())
            return str(endpoint), str(keys["access_key"]), str(keys["secret_key"])
        except FileNotFoundError:
            raise SettingsInvalid(
                "WARDROUND_S3_ENDPOINT_URL",
                f"it is not set and no embedded S3 server runs under {self.home}: start one with `wardround up`",
            ) from None
        except (ValueError, KeyError, TypeError):
            raise SettingsInvalid(
                "WARDROUND_HOME", f"{root}/run/endpoint.json or {root}/secrets.json is damaged: restore it from a copy"
            ) from None
