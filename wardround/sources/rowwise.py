"""What readers that make one series per row have in common: rows as they are found, and the faults among them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from wardround.errors import InputFault
from wardround.use_cases.base import Content, UseCase

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True)
class Rows:
    """Names and cells of rows so far, and why some have no cell: reason -> positions."""

    names: list[str] = field(default_factory=list)
    cells: list[bytes | None] = field(default_factory=list)
    faults: dict[str, list[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def add(self, name: str, series: tuple[ArrayLike, ArrayLike] | None, fault: str = "") -> None:
        """Add a row: its *series* (times in seconds, values), or why it has none."""
        from wardround.contents.series import cell

        if series is None:
            self.fault(fault)
        self.names.append(name)
        self.cells.append(None if series is None else cell(*series))

    def fault(self, reason: str) -> None:
        """Note a fault of the row that is added next."""
        self.faults.setdefault(reason, []).append(len(self))

    def told(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return *frame* with the faults of its rows in ``attrs``."""
        frame.attrs["row_faults"] = self.faults
        return frame


def only_series(use_case: UseCase, place: str, *, channels: int | None = None) -> Content:
    """Return the one series of *use_case*.

    Raises:
        InputFault: it has none or several, or one with another number of *channels*.
    """
    series = [content for content in use_case.contents if content.kind == "series"]
    if len(series) != 1 or channels not in (None, len(series[0].channels)):
        wanted = "one series" + (f" of {channels} channel" if channels else "")
        raise InputFault(place, f"this kind of source gives {wanted} per row, which the use case does not have",
                         "Declare it among the use case's contents, or choose another kind of source")  # fmt: skip
    return series[0]
