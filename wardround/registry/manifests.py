"""Model versions: immutable files, and the manifest that is written last and names the hash of each."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from wardround.domain import ModelVersion, Sensitivity, from_json, to_json
from wardround.errors import AlreadyExists, Corrupted, NotFound
from wardround.store import Store

MANIFEST = "manifest.json"


def register(store: Store, version: ModelVersion, files: Mapping[str, bytes]) -> ModelVersion:
    """Store *files* and then the manifest, and return the version as registered (hashes and name filled in).

    Registering the same content again is harmless and returns the first one.

    Raises:
        ValueError: a file name is not a plain name, or *version.files* names other hashes.
        StoreFailed: the store did not take it; then the version does not exist.
    """
    sealed = seal(version, files)
    for name, body in files.items():
        kept = Sensitivity.ROW_LEVEL if name in sealed.row_level else Sensitivity.AGGREGATE
        store.put(sealed.file_key(name), body, sensitivity=kept)
    try:
        store.put(sealed.prefix + MANIFEST, to_json(sealed, indent=1), sensitivity=Sensitivity.AGGREGATE)
    except AlreadyExists:  # the same content, registered earlier
        return load(store, sealed.use_case, sealed.version)
    return sealed


def seal(version: ModelVersion, files: Mapping[str, bytes]) -> ModelVersion:
    """Return *version* with the hashes of *files* and the name its content gives it; writes nothing."""
    for name in files:
        if name == MANIFEST or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
            raise ValueError(f"{name!r} is not a name for a file of a model")
    hashes = {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}
    if version.files and dict(version.files) != hashes:
        raise ValueError("the hashes in the manifest are not those of the files")
    named = replace(version, files=hashes)
    return replace(named, version=named.content_version())


def load(store: Store, use_case: str, version: str) -> ModelVersion:
    """Return the manifest of *version*; the first digits are enough where they fit one version only.

    Raises:
        NotFound: no version, or more than one, begins like this.
        Corrupted: the manifest's content is not the one its name was made from.
    """
    full = resolve(store, use_case, version)
    return _read_manifest(store, use_case, full)


def read_file(store: Store, version: ModelVersion, name: str) -> bytes:
    """Return the verified bytes of one file of *version*.

    Raises:
        NotFound: the version has no such file.
        Corrupted: the file is missing from the store or was altered.
    """
    if name not in version.files:
        raise NotFound("file", f"{version.version}/{name}", f"The version has {', '.join(sorted(version.files))}")
    key = version.file_key(name)
    try:
        body = store.get(key)
    except NotFound:
        raise Corrupted(key, "it is missing") from None
    if hashlib.sha256(body).hexdigest() != version.files[name]:
        raise Corrupted(key, "its hash is not the one in the manifest")
    return body


def read_files(store: Store, version: ModelVersion) -> dict[str, bytes]:
    """Return every file of *version*, each verified as `read_file` does."""
    return {name: read_file(store, version, name) for name in version.files}


def hashes(store: Store, version: ModelVersion) -> dict[str, str]:
    """Return the key and sha256 of *version*'s manifest and of every file, for the ledger."""
    manifest = version.prefix + MANIFEST
    return {manifest: store.sha256(manifest)} | {version.file_key(name): it for name, it in version.files.items()}


def versions(store: Store, use_case: str) -> tuple[ModelVersion, ...]:
    """Return all versions of *use_case*, the oldest first.

    Raises:
        Corrupted: a manifest was altered.
    """
    found = [_read_manifest(store, use_case, name) for name in _names(store, use_case, "")]
    return tuple(sorted(found, key=lambda version: (version.created_at, version.version)))


def resolve(store: Store, use_case: str, version: str) -> str:
    """Return the full name of the one version that begins with *version*.

    Raises:
        NotFound: none does, or more than one.
    """
    found: list[str] = []
    if re.fullmatch(r"[0-9a-f]{0,16}", version):
        whole = len(version) == 16 and store.exists(manifest_key(use_case, version))
        found = [version] if whole else list(_names(store, use_case, version))
    if len(found) == 1:
        return found[0]
    known = "`wardround models list` shows what there is"
    if not found:
        raise NotFound("model version", version, f"{use_case}: {known}")
    raise NotFound("single model version", version, f"{len(found)} begin like this; give more digits ({known})")


def _names(store: Store, use_case: str, start: str) -> Iterable[str]:
    pattern = re.compile(rf"models/{re.escape(use_case)}/([0-9a-f]+)/{re.escape(MANIFEST)}")
    for key in store.keys(f"models/{use_case}/{start}"):
        if match := pattern.fullmatch(key):
            yield match[1]


def _read_manifest(store: Store, use_case: str, name: str) -> ModelVersion:
    key = manifest_key(use_case, name)
    try:
        version = from_json(ModelVersion, store.get(key))
    except ValueError:
        raise Corrupted(key, "it is not a manifest") from None
    if version.use_case != use_case or not version.version == version.content_version() == name:
        raise Corrupted(key, "its content is not the one its name was made from")
    return version


def manifest_key(use_case: str, version: str) -> str:
    """Return where the manifest of *version* is."""
    return f"models/{use_case}/{version}/{MANIFEST}"
