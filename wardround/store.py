"""The S3 store: the only module that knows boto3.

A `Store` is a frozen value that makes its client where it is used, so it may travel into tasks and processes.
Immutable objects are written once (content addresses, create-only keys); the one kind of object that moves,
the champion pointer, moves by compare-and-swap (`If-Match` / `If-None-Match`).
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from wardround.domain import Sensitivity
from wardround.errors import AlreadyExists, Conflict, NotFound, StoreFailed
from wardround.settings import Settings

ROW_LEVEL_PREFIXES = ("batches/", "quarantine/", "labels/", "predictions/")
AGGREGATE_PREFIXES = ("models/", "champions/", "rounds/", "ledger/", "monitors/")
MAX_RECENT = 20
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Store:
    """One bucket (and prefix) on an S3-compatible endpoint."""

    endpoint_url: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    prefix: str = ""

    @classmethod
    def from_settings(cls, settings: Settings) -> "Store":
        """Build the store the settings describe.

        Raises:
            SettingsInvalid: no endpoint or no credentials.
        """
        endpoint, access, secret = settings.s3_address()
        return cls(
            endpoint_url=endpoint, bucket=settings.s3_bucket, access_key=access, secret_key=secret,
            region=settings.s3_region, prefix=settings.s3_prefix,
        )  # fmt: skip

    def put(self, key: str, body: bytes, *, sensitivity: Sensitivity) -> str:
        """Write an immutable object once and return its sha256; writing the same bytes again is harmless.

        Raises:
            AlreadyExists: other bytes are stored at *key*.
            StoreFailed: the store did not take it.
            ValueError: *key* is not under a prefix for its sensitivity.
        """
        self._check_sensitivity(key, sensitivity)
        try:
            self._call(lambda client: client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=body, IfNoneMatch="*"))
        except _PreconditionFailed:
            # a lost response also ends here: the content tells whether the write was ours
            if self.get(key) != body:
                raise AlreadyExists(key) from None
        return hashlib.sha256(body).hexdigest()

    def get(self, key: str) -> bytes:
        """Return the bytes at *key*.

        Raises:
            NotFound: nothing is stored there.
            StoreFailed: the store did not answer.
        """
        return self.get_tagged(key)[0]

    def get_tagged(self, key: str) -> tuple[bytes, str]:
        """Return the bytes at *key* and the tag that `swap` needs to replace them."""

        def read(client: Any) -> tuple[bytes, str]:
            answer = client.get_object(Bucket=self.bucket, Key=self.prefix + key)
            return answer["Body"].read(), answer["ETag"]

        return self._call(read, key)

    def exists(self, key: str) -> bool:
        """Whether an object is stored at *key*."""
        try:
            self._call(lambda client: client.head_object(Bucket=self.bucket, Key=self.prefix + key), key)
        except NotFound:
            return False
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with *prefix*, in order, without the store's own prefix."""
        token: str | None = None
        while True:
            more = {"ContinuationToken": token} if token else {}
            page = self._call(
                lambda client, more=more: client.list_objects_v2(  # type: ignore[misc]
                    Bucket=self.bucket, Prefix=self.prefix + prefix, **more
                )
            )
            for item in page.get("Contents", ()):
                yield item["Key"][len(self.prefix) :]
            token = page.get("NextContinuationToken")
            if not token:
                return

    def delete(self, key: str) -> None:
        """Remove a row-level object (a person dropped quarantined rows); nothing else is ever deleted.

        Raises:
            ValueError: *key* is not under the quarantine prefix.
        """
        if not key.startswith("quarantine/"):
            raise ValueError(f"only quarantined rows may be deleted, not {key}")
        self._call(lambda client: client.delete_object(Bucket=self.bucket, Key=self.prefix + key), key)

    def get_pointer(self, key: str) -> tuple[dict[str, Any] | None, str | None]:
        """Return the pointer's content and its tag, or (None, None) when it was never set."""
        try:
            body, tag = self.get_tagged(key)
        except NotFound:
            return None, None
        return json.loads(body), tag

    def swap(self, key: str, content: dict[str, Any], expected_tag: str | None) -> str:
        """Move the pointer at *key* from the state tagged *expected_tag* (None: never set) to *content*.

        A nonce makes every state unique, since ETags are hashes of the body and a value that comes back would
        fool the comparison; it also tells a lost response (our nonce is there) from a lost race.

        Raises:
            Conflict: somebody else moved it first.
            StoreFailed: the store did not answer.
        """
        current, tag = self.get_pointer(key)
        if tag != expected_tag:
            raise Conflict(key)
        nonce = secrets.token_hex(16)
        recent = [current["nonce"], *current.get("recent", [])][:MAX_RECENT] if current else []
        body = json.dumps({**content, "nonce": nonce, "recent": recent}, sort_keys=True).encode()
        condition = {"IfMatch": expected_tag} if expected_tag else {"IfNoneMatch": "*"}
        try:
            answer = self._call(
                lambda client: client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=body, **condition), key
            )
            return str(answer["ETag"])
        except (_PreconditionFailed, StoreFailed, NotFound) as error:
            now, now_tag = self.get_pointer(key)
            if now is not None and now_tag is not None and nonce in (now["nonce"], *now.get("recent", [])):
                return now_tag
            if isinstance(error, StoreFailed):
                raise
            raise Conflict(key) from None

    def prepare(self) -> None:
        """Create the bucket if it is missing and prove that the endpoint honours conditional writes.

        Raises:
            StoreFailed: wrong address or credentials, no right to the bucket, or a store that lets every
                racer win a compare-and-swap, on which no champion may live.
        """
        try:
            self._call(lambda client: client.head_bucket(Bucket=self.bucket), self.bucket)
        except NotFound:
            try:
                self._call(lambda client: client.create_bucket(Bucket=self.bucket))
            except _PreconditionFailed:
                pass
        probe = f"{self.prefix}.probe/{secrets.token_hex(8)}"
        write = {"Bucket": self.bucket, "Key": probe, "Body": b"probe", "IfNoneMatch": "*"}
        self._call(lambda client: client.put_object(**write))
        try:
            self._call(lambda client: client.put_object(**write))
        except _PreconditionFailed:
            return
        else:
            raise StoreFailed(
                self.endpoint_url,
                "it ignores If-None-Match, so two promotions could both win",
                "Use a store with conditional writes (SeaweedFS 4.17 or later, MinIO, AWS S3)",
            )
        finally:
            self._call(lambda client: client.delete_object(Bucket=self.bucket, Key=probe))

    def _check_sensitivity(self, key: str, sensitivity: Sensitivity) -> None:
        home = ROW_LEVEL_PREFIXES if sensitivity is Sensitivity.ROW_LEVEL else ROW_LEVEL_PREFIXES + AGGREGATE_PREFIXES
        if not key.startswith(home):
            raise ValueError(f"{key} is not a place for {sensitivity.value} objects: one of {', '.join(home)}")

    def _call(self, act: Callable[[Any], T], key: str = "") -> T:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return act(_client(self.endpoint_url, self.access_key, self.secret_key, self.region))
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            code = error.response.get("Error", {}).get("Code", "unknown")
            if code == "NoSuchBucket":
                raise StoreFailed(
                    self.endpoint_url, f"there is no bucket {self.bucket!r}", "Create it or set WARDROUND_S3_BUCKET"
                ) from None
            if status == 404:
                raise NotFound("object", key, "Check the name; `wardround verify` lists what is missing") from None
            if status in (409, 412):
                raise _PreconditionFailed from None
            if status in (401, 403):
                raise StoreFailed(
                    self.endpoint_url, f"it refused the credentials or the right to {self.bucket!r} ({code})",
                    "Check WARDROUND_S3_ACCESS_KEY, WARDROUND_S3_SECRET_KEY and the bucket's policy",
                ) from None  # fmt: skip
            raise StoreFailed(
                self.endpoint_url, f"it answered {status} {code}", "Look at its log, then try again"
            ) from None
        except BotoCoreError as error:
            raise StoreFailed(
                self.endpoint_url, f"no answer ({type(error).__name__})",
                "Check WARDROUND_S3_ENDPOINT_URL and that the server runs (`wardround doctor`)",
            ) from None  # fmt: skip


class _PreconditionFailed(Exception):
    """A conditional write met another state; callers turn it into Conflict or AlreadyExists."""


@lru_cache(maxsize=8)
def _client(endpoint: str, access: str, secret: str, region: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        region_name=region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            max_pool_connections=32,
            connect_timeout=3,
            read_timeout=60,  # a contended compare-and-swap is polled in steps of a second
            tcp_keepalive=True,
            retries={"mode": "standard", "total_max_attempts": 8},
        ),
    )
