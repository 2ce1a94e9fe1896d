"""What readers of pictures have in common: rows as they are found, the faults among them, a table of labels beside."""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from wardround.errors import InputFault
from wardround.use_cases.base import Content, Source, UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings


@dataclass(kw_only=True)
class Pictures:
    """Rows so far of the one picture *content*, why some have no picture (reason -> positions), and what was found
    about the delivery as a whole (see `wardround.validation.DELIVERY`)."""

    content: Content
    rows: list[dict[str, Any]] = field(default_factory=list)
    faults: dict[str, list[int]] = field(default_factory=dict)
    found: list[dict[str, Any]] = field(default_factory=list)

    def add(self, columns: Mapping[str, Any], picture: NDArray[Any] | str) -> None:
        """Add a row: its *columns*, and its *picture* or why there is none."""
        from wardround.contents.arrays import packed

        cell = None if isinstance(picture, str) else packed(picture)
        if isinstance(picture, str):
            self.fault(picture)
        self.rows.append({**columns, self.content.source_column: cell})

    def fault(self, reason: str) -> None:
        """Note a fault of the row that is added next."""
        self.faults.setdefault(f"{self.content.name}: {reason}", []).append(len(self.rows))

    def warn(self, what: str, rows: int, sentence: str) -> None:
        """Note what was found about the delivery as a whole, in *rows* rows; it refuses nothing."""
        if rows:
            self.found.append(
                {"what": what, "severity": "warning", "rows": rows, "sentence": sentence, "passed": False}
            )

    def frame(self, columns: Sequence[str]) -> "pd.DataFrame":
        """Return the raw frame of *columns* and the pictures, with what was found in ``attrs``."""
        import pandas as pd

        made = pd.DataFrame(self.rows, columns=[*columns, self.content.source_column], dtype=object)
        made.attrs = {"row_faults": self.faults, "delivery": self.found}
        return made


_LOUD = ("pydicom", "openjpeg", "tifffile", "nibabel")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep back what libraries warn of and log about a file: they quote what stands in it."""
    logs = [logging.getLogger(name) for name in _LOUD]
    before = [log.level for log in logs]
    for log in logs:  # a level holds for the loggers beneath, too
        log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)


def only_picture(use_case: UseCase, place: str) -> Content:
    """Return the one picture of *use_case*.

    Raises:
        InputFault: it has none or several.
    """
    images = [content for content in use_case.contents if content.kind == "image"]
    if len(images) != 1:
        raise InputFault(
            place, "this kind of source gives one picture per row, which the use case does not have",
            "Declare one among the use case's contents, or choose another kind of source",
        )  # fmt: skip
    return images[0]


def labels(use_case: UseCase, source: Source, folder: Path, settings: "Settings", *, key: str) -> "pd.DataFrame | None":
    """Return the table of the option ``labels`` as text, by its column *key*; None where there is no such option.

    Raises:
        InputFault: it cannot be read, has no column *key*, or names something twice.
    """
    from wardround.sources.csv import read_csv
    from wardround.sources.files import file_bytes

    if "labels" not in source.options:
        return None
    place = str(source.options["labels"])
    table = read_csv(use_case, file_bytes(place, settings, beside=folder), source.options, place=place)
    table.columns = [str(name).strip() for name in table.columns]
    if key not in table.columns:
        raise InputFault(place, f"it has no column {key!r}, which says what a row belongs to", "Add it to the table")
    if twice := int(table[key].duplicated().sum()):
        raise InputFault(place, f"{twice} of {len(table)} rows repeat what {key!r} says", "Keep one of them")
    return table.set_index(key)


def beside(made: "pd.DataFrame", keys: Sequence[Any], table: "pd.DataFrame | None") -> "pd.DataFrame":
    """Return *made* with the columns of *table* that it lacks, by the *keys* of its rows."""
    if table is None:
        return made
    attrs = made.attrs
    for name in table.columns:
        if name not in made.columns:
            made[name] = table[name].reindex(list(keys)).to_numpy(dtype=object)
    made.attrs = attrs
    return made


def path_of(source: Source, settings: "Settings", *, folder_only: bool = False) -> Path:
    """Return the folder or file of *source*.

    Raises:
        InputFault: it is not there, or a file where a folder must be.
    """
    from wardround.sources.files import locate

    path = locate(source.location, settings, folder=True)
    if folder_only and not path.is_dir():
        raise InputFault(source.location, "this is a file, not a folder", "Name the folder that the files lie in")
    return path


def files_in(folder: Path, suffixes: tuple[str, ...], *, bare: bool = False, but: str = "") -> tuple[list[Path], int]:
    """Return the files under *folder* with one of *suffixes*, in the order of their paths, and how many others.

    *bare*: files without a suffix are meant too, and those whose suffix is a number, as in a unique identifier. *but*
    is a file in *folder* that is neither.
    """
    from wardround.sources.files import files_under

    found = files_under(folder, str(folder))
    every = [path for path in found if not path.name.startswith(".") and path != folder / but]

    def meant(path: Path) -> bool:
        unmarked = not path.suffix or path.suffix[1:].isdigit()
        return path.name.lower().endswith(suffixes) or (bare and unmarked and path.name != "DICOMDIR")

    chosen = [path for path in every if meant(path)]
    return chosen, len(every) - len(chosen)
