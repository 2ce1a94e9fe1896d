"""The S3 store: the only room that knows boto3 (in `client`).

A `Store` is a frozen value that makes its client where it is used, so it may travel into tasks and processes.
Immutable objects are written once (content addresses, create-only keys); the one kind of object that moves,
the champion pointer, moves by compare-and-swap (`If-Match` / `If-None-Match`).
"""

import contextlib
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

from wardround.domain import Sensitivity
from wardround.errors import AlreadyExists, Conflict, Corrupted, NotFound, StoreFailed
from wardround.settings import Settings
from wardround.store.client import PATIENT, QUICK, Address, PreconditionError, call, probe
from wardround.store.places import AGGREGATE_PREFIXES, ROW_LEVEL_PREFIXES, check_place, is_key
from wardround.store.ranges import RangeReader

__all__ = ["AGGREGATE_PREFIXES", "ROW_LEVEL_PREFIXES", "Store"]

MAX_RECENT = 20
_OPEN = Sensitivity.AGGREGATE
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Store:
    """One bucket (and prefix) on an S3-compatible endpoint; *attempts* says how long a call rides out a failure."""

    endpoint_url: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    prefix: str = ""
    attempts: int = PATIENT

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
        check_place(key, sensitivity)
        digest = hashlib.sha256(body).hexdigest()
        self._create(key, lambda: body, digest)
        return digest

    def put_file(self, key: str, path: Path, *, sensitivity: Sensitivity) -> str:
        """Write the file at *path* as `put` would, without holding it in memory; at most 5 GB."""
        check_place(key, sensitivity)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()

            def rewound() -> IO[bytes]:
                file.seek(0)
                return file

            self._create(key, rewound, digest)
        return digest

    def get(self, key: str) -> bytes:
        """Return the bytes at *key*.

        Raises:
            NotFound: nothing is stored there.
            Corrupted: the bytes do not have the checksum that was stored with them.
            StoreFailed: the store did not answer.
        """
        return self.get_tagged(key)[0]

    def get_tagged(self, key: str) -> tuple[bytes, str]:
        """Return the bytes at *key* and the tag that `swap` needs to replace them."""
        return self._read(key)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Return at most *length* bytes of *key* from offset *start*, which must lie inside it."""
        return self._read(key, Range=f"bytes={start}-{start + length - 1}")[0]

    def size(self, key: str) -> int:
        """Return how many bytes are stored at *key*.

        Raises:
            NotFound: nothing is stored there.
        """
        answer = self._call(lambda client: client.head_object(Bucket=self.bucket, Key=self.prefix + key), key)
        return int(answer["ContentLength"])

    def open(self, key: str) -> IO[bytes]:
        """Open *key* for reading as a seekable file, fetched in pieces, so that memory does not grow with it.

        Raises:
            NotFound: nothing is stored there.
        """
        return RangeReader(self.size(key), lambda start, length: self.get_range(key, start, length)).buffered()

    def sha256(self, key: str) -> str:
        """Return the sha256 of the bytes at *key*, read in pieces."""
        with self.open(key) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]

    def exists(self, key: str) -> bool:
        """Whether an object is stored at *key*."""
        try:
            self.size(key)
        except NotFound:
            return False
        return True

    def link(self, key: str, *, seconds: int = 7 * 24 * 3600) -> str:
        """Return an address where a browser may read the report at *key* for *seconds*, at most a week.

        Raises:
            ValueError: *key* is under a row-level prefix.
        """
        if not key.startswith(AGGREGATE_PREFIXES):
            raise ValueError(f"{key} holds rows, and nobody may hand out a link to rows")
        wanted = {"Bucket": self.bucket, "Key": self.prefix + key, "ResponseContentType": "text/html"}
        return str(
            self._call(lambda client: client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds))
        )

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """Yield the keys that begin with *prefix*, in order, without the store's own prefix.

        With *after*, only those behind it in that order.
        """
        more = {"StartAfter": self.prefix + after} if after else {}
        while True:
            page = self._call(
                lambda client, more=more: client.list_objects_v2(  # type: ignore[misc]
                    Bucket=self.bucket, Prefix=self.prefix + prefix, **more
                )
            )
            for item in page.get("Contents", ()):
                yield item["Key"][len(self.prefix) :]
            if not page.get("NextContinuationToken"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        """Remove a row-level object (a person dropped quarantined rows); nothing else is ever deleted.

        Raises:
            ValueError: *key* is not under the quarantine prefix.
        """
        if not key.startswith("quarantine/"):
            raise ValueError(f"only quarantined rows may be deleted, not {key}")
        with contextlib.suppress(NotFound):
            self._call(lambda client: client.delete_object(Bucket=self.bucket, Key=self.prefix + key), key)

    def get_pointer(self, key: str) -> tuple[dict[str, Any] | None, str | None]:
        """Return the pointer's content and its tag, or (None, None) when it was never set.

        Raises:
            Corrupted: what is stored there is not a pointer.
        """
        try:
            body, tag = self.get_tagged(key)
        except NotFound:
            return None, None
        try:
            content = json.loads(body)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise Corrupted(key, "it is not a pointer's JSON")
        return content, tag

    def swap(
        self, key: str, content: dict[str, Any], expected_tag: str | None, sensitivity: Sensitivity = _OPEN
    ) -> str:
        """Move the pointer at *key* from the state tagged *expected_tag* (None: never set) to *content*.

        A nonce makes every state unique, since ETags are hashes of the body and a value that comes back would
        fool the comparison; it also tells a lost response (our nonce is there) from a lost race.

        Raises:
            Conflict: somebody else moved it first.
            StoreFailed: the store did not answer.
        """
        check_place(key, sensitivity)
        current, tag = self.get_pointer(key)
        if tag != expected_tag:
            raise Conflict(key)
        nonce = secrets.token_hex(16)
        body = json.dumps({**content, "nonce": nonce, "recent": _nonces(current)[:MAX_RECENT]}, sort_keys=True).encode()
        write = {"Bucket": self.bucket, "Key": self.prefix + key, "Body": body}
        condition = {"IfMatch": expected_tag} if expected_tag else {"IfNoneMatch": "*"}
        try:
            answer = self._call(lambda client: client.put_object(**write, **condition), key)
            return str(answer["ETag"])
        except (PreconditionError, StoreFailed, NotFound) as error:
            now, now_tag = self.get_pointer(key)
            if now_tag is not None and nonce in _nonces(now):
                return now_tag
            if isinstance(error, StoreFailed):
                raise
            raise Conflict(key) from None

    def probe(self) -> None:
        """Ask, in seconds, whether address, credentials and bucket are right.

        Raises:
            StoreFailed: which of them is wrong.
        """
        probe(self._address)

    def prepare(self, *, attempts: int = QUICK) -> None:
        """Create the bucket if it is missing; prove that it gives back what it took and honours conditions.

        Raises:
            StoreFailed: wrong address or credentials, no right to the bucket, or a store that lets every
                racer win a compare-and-swap, on which no champion may live.
        """

        def ask(act: Callable[[Any], T]) -> T:
            return self._call(act, attempts=attempts)

        try:
            ask(lambda client: client.head_bucket(Bucket=self.bucket))
        except NotFound:
            place = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
            more = {"CreateBucketConfiguration": place} if place else {}
            with contextlib.suppress(PreconditionError):
                ask(lambda client: client.create_bucket(Bucket=self.bucket, **more))
        there = {"Bucket": self.bucket, "Key": f"{self.prefix}.probe/{secrets.token_hex(8)}"}
        write = {**there, "Body": secrets.token_bytes(16), "IfNoneMatch": "*"}
        try:
            with contextlib.suppress(PreconditionError):  # a lost response: the reading tells
                ask(lambda client: client.put_object(**write))
            if ask(lambda client: client.get_object(**there)["Body"].read()) != write["Body"]:
                raise StoreFailed(self.endpoint_url, "it does not give back what it took", "Use another store")
            with contextlib.suppress(PreconditionError):
                ask(lambda client: client.put_object(**write))
                raise StoreFailed(
                    self.endpoint_url,
                    "it ignores If-None-Match, so two promotions could both win",
                    "Use a store with conditional writes (SeaweedFS 4.17 or later, MinIO, AWS S3)",
                )
        finally:
            with contextlib.suppress(StoreFailed, NotFound, PreconditionError):
                ask(lambda client: client.delete_object(**there))

    def _create(self, key: str, body: Callable[[], bytes | IO[bytes]], digest: str) -> None:
        target = {"Bucket": self.bucket, "Key": self.prefix + key, "IfNoneMatch": "*"}
        for _ in range(3):
            try:
                self._call(lambda client: client.put_object(Body=body(), **target), key)
                return
            except PreconditionError:
                # a lost response also ends here: the content tells whether the write was ours
                with contextlib.suppress(NotFound):  # refused for a race with a delete: write again
                    if self.sha256(key) == digest:
                        return
                    raise AlreadyExists(key) from None
        raise Conflict(key)

    def _read(self, key: str, **more: str) -> tuple[bytes, str]:
        def read(client: Any) -> tuple[bytes, str]:
            answer = client.get_object(Bucket=self.bucket, Key=self.prefix + key, **more)
            return answer["Body"].read(), answer["ETag"]

        return self._call(read, key)

    @property
    def _address(self) -> Address:
        return Address((self.endpoint_url, self.bucket, self.access_key, self.secret_key, self.region))

    def _call(self, act: Callable[[Any], T], key: str | None = None, attempts: int = 0) -> T:
        if key is None:
            key = ""
        elif not is_key(key):  # what a user typed, perhaps; stores answer 400 to it
            raise NotFound("object", key, "Check the name")
        return call(self._address, act, key=key, attempts=attempts or self.attempts)


def _nonces(pointer: dict[str, Any] | None) -> list[str]:
    return [pointer.get("nonce", ""), *pointer.get("recent", [])] if pointer else []
