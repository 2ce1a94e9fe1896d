"""Models on disk: skops with a reviewed list of types, the same bytes for the same model; never a pickle.

skops names parts by memory address and stamps the hour on its archive. `dumps` takes both out, so that training the
same thing twice gives the same file, hence the same version.
"""

import gc
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

from wardround.errors import Corrupted

REVIEWED = frozenset(
    {
        # plain data: the type of an array's elements
        "numpy.dtype",
        # a fitted classifier and its calibration map: attributes only, no code runs when they are restored
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        # nodes of trees: arrays with bounds that scikit-learn checks when they are set
        "sklearn.tree._tree.Tree",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    }
)
"""Every type a model may hold beyond skops' own list of scikit-learn estimators. Add one after reading its code."""

_SCHEMA = "schema.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def dumps(model: Any) -> bytes:
    """Return *model* as skops bytes; equal models give equal bytes.

    Raises:
        ValueError: the model holds a type that `loads` would refuse.
    """
    import skops.io

    taken = _Taken()
    with _no_search_for_garbage():
        skops.io.dump(model, taken)
    if taken.strange:
        raise ValueError(f"the model holds types that were not reviewed: {', '.join(sorted(taken.strange))}")
    return taken.settled


def loads(body: bytes, *, place: str) -> Any:
    """Return the model in *body*; nothing in it is executed.

    Raises:
        Corrupted: it is not skops (a pickle is refused unread), or it holds a type that is not on the list.
    """
    import skops.io

    if not zipfile.is_zipfile(io.BytesIO(body)):
        raise Corrupted(place, "it is not a skops archive; pickles are never read")
    try:
        strange = set(skops.io.get_untrusted_types(data=body)) - REVIEWED
    except Exception as error:  # whatever a broken archive makes the parser say
        raise Corrupted(place, f"it cannot be read as a skops archive ({type(error).__name__})") from None
    if strange:
        raise Corrupted(place, f"it holds {len(strange)} type(s) that were not reviewed: {', '.join(sorted(strange))}")
    try:
        return skops.io.loads(body, trusted=sorted(REVIEWED))
    except Exception as error:
        raise Corrupted(place, f"it cannot be restored ({type(error).__name__})") from None


class _Taken:
    """A file that settles what skops writes while it is there: a forest's archive is as large as the forest."""

    settled = b""
    strange: frozenset[str] = frozenset()

    def write(self, part: memoryview) -> None:
        """Take the whole archive; skops writes it at once."""
        self.strange = _strange(_View(part))
        if not self.strange:
            self.settled = _settled(_View(part))


class _View(io.RawIOBase):
    """Bytes that are read where they lie; `io.BytesIO` would hold them twice."""

    def __init__(self, held: memoryview):
        self.held, self.at = held, 0

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self.at

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Go to *place*, and return it from the start."""
        self.at = place + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: len(self.held)}[whence]
        return self.at

    def read(self, count: int = -1) -> bytes:
        """Return the next *count* bytes, or all that are left."""
        end = len(self.held) if count < 0 else min(self.at + count, len(self.held))
        part, self.at = bytes(self.held[self.at : end]), end
        return part


@contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """A forest is described by a hundred thousand small objects, and Python would look through all of the process for
    circles while they are made: as long again."""
    wanted = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if wanted:
            gc.enable()


def _strange(written: io.RawIOBase) -> frozenset[str]:
    """Return the types that were not reviewed; all types stand in the schema, and what the arrays hold is not read."""
    import skops.io

    given, hollow = zipfile.ZipFile(written), io.BytesIO()
    with zipfile.ZipFile(hollow, "w") as archive:
        for name in given.namelist():
            archive.writestr(name, given.read(name) if name == _SCHEMA else b"")
    return frozenset(skops.io.get_untrusted_types(file=hollow)) - REVIEWED


def _settled(written: io.RawIOBase) -> bytes:
    """Number objects and files in order of appearance, and rewrite the archive without a clock."""
    given = zipfile.ZipFile(written)
    schema = json.loads(given.read(_SCHEMA))
    numbers: dict[Any, int] = {}
    names: dict[str, str] = {}

    def settle(node: Any) -> None:
        if isinstance(node, list):
            for inner in node:
                settle(inner)
        elif isinstance(node, dict):
            if "__id__" in node:
                # whether two equal plain values are one object is an accident of the run
                own = ("plain", len(numbers)) if node.get("is_json") else node["__id__"]
                node["__id__"] = numbers.setdefault(own, len(numbers) + 1)
            if isinstance(node.get("file"), str):
                node["file"] = names.setdefault(node["file"], f"{len(names):06d}{PurePath(node['file']).suffix}")
            for inner in node.values():
                settle(inner)

    settle(schema)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:

        def write(name: str, part: bytes) -> None:
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            archive.writestr(entry, part, compresslevel=5)  # a third faster than 6, a twentieth larger

        for old, new in sorted(names.items(), key=lambda pair: pair[1]):
            write(new, given.read(old))
        write(_SCHEMA, json.dumps(schema).encode())
    return out.getvalue()
