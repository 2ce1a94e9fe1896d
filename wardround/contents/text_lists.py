"""Word and name lists that ship with wardround (see ``wardround/data/ATTRIBUTION.md``)."""

import gzip
from functools import cache
from importlib import resources


@cache
def listed(name: str) -> frozenset[str]:
    """Return the shipped list *name*: ``words_en``, ``given_names_us``, ``surnames_us`` or ``places_cn``."""
    packed = (resources.files("wardround") / "data" / f"{name}.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().split())
