"""The boto3 client, its patience, and what its errors mean; nothing else in the house knows boto3."""

import os
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from wardround.errors import Corrupted, NotFound, StoreFailed

PATIENT = 8  # attempts: enough to ride out a restart of the server
QUICK = 2  # enough to tell a wrong address from a hiccup, within seconds
BROKEN_BODIES = 3
T = TypeVar("T")
_CREATION = threading.Lock()


class PreconditionError(Exception):
    """A conditional write met another state; the store turns it into Conflict or AlreadyExists."""


class Address(tuple[str, str, str, str, str]):
    """(endpoint URL, bucket, access key, secret key, region); its text shows no secret."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{self[0]}/{self[1]}"


def call(address: Address, act: Callable[[Any], T], *, key: str = "", attempts: int = PATIENT) -> T:
    """Do *act* with a client for *address*; *key* is what an error names.

    The first patient call of a process probes the address quickly, so that what is wrong with it is said within
    seconds and not after eight attempts.

    Raises:
        NotFound: nothing is stored at *key*.
        PreconditionError: a condition of a write was not met.
        Corrupted: the bytes do not have their stored checksum.
        StoreFailed: everything else.
    """
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

    for left in range(BROKEN_BODIES - 1, -1, -1):
        try:
            if attempts == PATIENT:
                _probed(address, os.getpid())
            with _CREATION:  # threads that start together share one client
                client = _client(address, attempts, os.getpid())
            return act(client)
        except boto.FlexibleChecksumError:
            raise Corrupted(key, "its checksum differs from the one stored with it") from None
        except boto.ClientError as error:
            raise _refusal(address, error, key) from None
        except (boto.IncompleteReadError, boto.ResponseStreamingError) as error:
            if not left:  # botocore does not try again when a connection breaks inside the body
                raise _no_answer(address, error) from None
        except (boto.BotoCoreError, ResponseParserError, ValueError) as error:
            raise _no_answer(address, error) from None
    raise AssertionError("the last attempt returns or raises")


def probe(address: Address) -> None:
    """Ask, in seconds, whether address, credentials and bucket are right.

    Raises:
        StoreFailed: which of them is wrong.
    """
    try:
        call(address, lambda client: client.head_bucket(Bucket=address[1]), attempts=QUICK)
    except NotFound:
        raise _no_bucket(address) from None


@lru_cache(maxsize=64)
def _probed(address: Address, process: int) -> None:
    probe(address)


@lru_cache(maxsize=16)
def _client(address: Address, attempts: int, process: int) -> Any:
    """Return a client; one per *process*, since a forked child must not share its parent's connections."""
    import boto3
    from botocore.config import Config

    endpoint, _, access, secret, region = address
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
            read_timeout=60 if attempts == PATIENT else 10,  # a contended swap is polled in steps of a second
            tcp_keepalive=True,
            retries={"mode": "standard", "total_max_attempts": attempts},
        ),
    )


def _refusal(address: Address, error: Any, key: str) -> Exception:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response.get("Error", {}).get("Code", "unknown")
    if code == "NoSuchBucket":
        return _no_bucket(address)
    if status == 404:
        return NotFound("object", key, "Check the name; `wardround verify` lists what is missing")
    if status in (409, 412):
        return PreconditionError()
    if status in (401, 403):
        return StoreFailed(
            address[0],
            f"it refused the credentials or the right to {address[1]!r} ({code})",
            "Check WARDROUND_S3_ACCESS_KEY, WARDROUND_S3_SECRET_KEY and the bucket's policy",
        )
    remedy = "Look whether its disk is full and at its log" if status in (500, 507) else "Look at its log"
    return StoreFailed(address[0], f"it answered {status} {code}", f"{remedy}, then try again")


def _no_bucket(address: Address) -> StoreFailed:
    return StoreFailed(
        address[0], f"there is no bucket {address[1]!r}", "Create it, or set WARDROUND_S3_BUCKET to one that exists"
    )


def _no_answer(address: Address, error: Exception) -> StoreFailed:
    return StoreFailed(
        address[0],
        f"no answer of an S3 server ({type(error).__name__})",
        "Check WARDROUND_S3_ENDPOINT_URL and that the server runs (`wardround doctor`)",
    )
