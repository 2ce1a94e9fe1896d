"""What ingest, release and late outcomes share: naming an arrival, storing a batch, its line in the ledger."""

import hashlib
import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wardround import batches, ledger
from wardround.domain import Batch, Sensitivity, to_json
from wardround.errors import AlreadyExists, InputFault
from wardround.privacy import delivery_in_words
from wardround.problems import problem_of
from wardround.problems.base import with_answer
from wardround.use_cases.base import Source, UseCase

if TYPE_CHECKING:
    from wardround.settings import Settings
    from wardround.store import Store
    from wardround.validation import Validated


def check_label(label: str) -> None:
    """Raise InputFault when *label* is not made of lower-case letters, digits and hyphens."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label):
        raise InputFault(
            f"label {label!r}", "a label has 1 to 63 lower-case letters, digits and hyphens, none at its ends",
            "Give one with --label",
        )  # fmt: skip


def described(source: Source) -> str:
    """Return a name for *source* to show: no folders, no credentials."""
    if source.kind == "sql":
        parts = urlsplit(source.location)
        part = source.options.get("table")
        place = f"{parts.hostname}/" if parts.hostname else ""
        return f"{parts.scheme}:{place}{PurePosixPath(parts.path).name}" + (f"#{part}" if part else "")
    if source.kind == "log":
        return f"log:{source.location}"
    if source.kind == "s3":
        return f"s3://{source.location.removeprefix('s3://')}"
    return source.location if source.kind == "package" else PurePosixPath(source.location.replace("\\", "/")).name


def described_batch(
    use_case: UseCase,
    validated: "Validated",
    *,
    name: str,
    label: str,
    source: str,
    now: datetime,
    parent: str | None = None,
) -> Batch:
    """Return the batch that *validated* makes, its rows not stored yet."""
    accepted, quarantined = len(validated.accepted), len(validated.quarantined)
    return Batch(
        use_case=use_case.name, id=name, label=label, source=source, rows_in=accepted + quarantined,
        rows_accepted=accepted, rows_quarantined=quarantined,
        rows_labelled=int(with_answer(problem_of(use_case), validated.accepted).sum()), refused=validated.refused,
        outcomes=validated.outcomes, faults=validated.faults, ingested_at=now, parent=parent,
    )  # fmt: skip


def store_batch(use_case: UseCase, batch: Batch, validated: "Validated", *, store: "Store") -> tuple[Batch, bool]:
    """Write the rows, the reasons and, last, the manifest; return the batch as stored and whether this call did it."""
    from wardround.rows import encode, schema

    bodies = {"data": encode(validated.accepted, schema(use_case))}
    if batch.rows_quarantined:
        bodies["rows"] = encode(validated.quarantined, schema(use_case, quarantined=True))
        bodies["reasons"] = reasons_json(batch, validated)
    digests = {part: hashlib.sha256(body).hexdigest() for part, body in bodies.items()}
    batch = replace(batch, data_sha256=digests["data"], quarantine_sha256=digests.get("rows", ""))
    try:
        _put_parts(store, batch, bodies)
    except AlreadyExists:
        # a run with other rules, another clock or the rows in another order was killed before its manifest
        attempt = hashlib.sha256("".join(digests.values()).encode()).hexdigest()[:8]
        batch = replace(batch, attempt=f"-{attempt}")
        _put_parts(store, batch, bodies)
    try:
        store.put(batch.manifest_key, to_json(batch), sensitivity=Sensitivity.ROW_LEVEL)
    except AlreadyExists:
        return batches.load(store, batch.use_case, batch.id), False
    return batch, True


def record(batch: Batch, *, store: "Store", settings: "Settings") -> None:
    """Write the ledger entry of *batch* unless it is there."""
    hashes = {batch.manifest_key: hashlib.sha256(store.get(batch.manifest_key)).hexdigest()}
    hashes[batch.data_key] = batch.data_sha256
    if batch.quarantine_sha256:
        hashes[batch.quarantine_key] = batch.quarantine_sha256
    told = delivery_in_words(batch.rows_accepted, batch.rows_quarantined, settings.small_cell)
    ledger.append(
        store, act=f"ingest:{batch.use_case}:{batch.id}", kind="ingest", use_case=batch.use_case,
        actor=settings.actor, subject=batch.id, hashes=hashes,
        reason=f"{batch.label} from {batch.source}: {'refused, ' if batch.refused else ''}{told}",
        now=batch.ingested_at,
    )  # fmt: skip


def reasons_key(batch: Batch) -> str:
    """Return where the counts per reason of *batch*'s quarantined rows are."""
    return f"quarantine/{batch.use_case}/{batch.id}/reasons{batch.attempt}.json"


def reasons_json(batch: Batch, validated: "Validated") -> bytes:
    """Return what `reasons_key` holds: exact counts, for `wardround.quarantine` to show with care."""
    content = {"rows": batch.rows_quarantined, "reasons": validated.reason_counts, "faults": list(batch.faults)}
    return json.dumps(content, ensure_ascii=False).encode()


def _put_parts(store: "Store", batch: Batch, bodies: dict[str, bytes]) -> None:
    keys = {"data": batch.data_key, "rows": batch.quarantine_key, "reasons": reasons_key(batch)}
    for part, body in bodies.items():
        store.put(keys[part], body, sensitivity=Sensitivity.ROW_LEVEL)
