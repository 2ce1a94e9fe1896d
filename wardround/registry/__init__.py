"""The model registry: immutable versions, and one pointer per use case that says which one serves."""

from wardround.registry.differences import Difference, differences, in_short
from wardround.registry.manifests import hashes, load, read_file, read_files, register, seal, versions
from wardround.registry.pointer import champion, history, promote, rollback

__all__ = [
    "Difference", "champion", "differences", "hashes", "history", "in_short", "load", "promote", "read_file",
    "read_files", "register", "rollback", "seal", "versions",
]  # fmt: skip
