"""The ledger, newest first: searched backwards, a bounded number of entries at a time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from wardround import ledger
from wardround.domain import LedgerEntry
from wardround.errors import Corrupted, NotFound
from wardround.serving.desk import frame

router = APIRouter(prefix="/ledger")
A_PAGE = 50
AT_ONCE = 200
MOST_READ = 2000
Asked = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is looked for; an empty field asks for everything."""

    text: str = ""
    use_case: str = ""
    kind: str = ""
    person: str = ""

    def fits(self, entry: LedgerEntry) -> bool:
        """Whether *entry* is one of those."""
        if self.use_case not in ("", entry.use_case) or self.kind not in ("", entry.kind):
            return False
        if self.person and self.person.casefold() not in entry.actor.casefold():
            return False
        told = "\n".join((entry.act, entry.subject, entry.reason, *entry.hashes, *entry.hashes.values()))
        return all(word in told.casefold() for word in self.text.casefold().split())

    def address(self, before: int) -> str:
        """Return where the page is that goes on with the entries before number *before*."""
        asked = {name: value for name, value in vars(self).items() if value}
        return "/ledger?" + urlencode({**asked, "before": before})


@router.get("")
def search(
    request: Request, text: Asked = "", use_case: Asked = "", kind: Asked = "", person: Asked = "", before: Asked = ""
) -> Response:
    """Show the newest entries that fit, fifty at a time."""
    wanted = Wanted(text=text.strip(), use_case=use_case, kind=kind, person=person.strip())
    last = _last_number()
    first = min(int(before), last + 1) if re.fullmatch(r"[0-9]{1,9}", before) else last + 1
    broken: list[str] = []
    found, reached = _search(wanted, first, broken)
    t = frame.words(request)
    return frame.page(
        request, "ledger.html", entries=found, wanted=wanted, reached=reached, last=last, broken=broken,
        names=[(name, name) for name in sorted(frame.use_cases())],
        kind_names=[(name, t(f"kind.{name}")) for name in ledger.KINDS],
        older=wanted.address(reached) if reached > 1 else "",
        newest=wanted.address(last + 1) if first <= last else "",
    )  # fmt: skip


@router.get("/{number}")
def one(request: Request, number: str) -> Response:
    """Show one entry with the objects it names."""
    if not re.fullmatch(r"[0-9]{1,12}", number):
        raise frame.PageRefused(404, "error.no_page")
    entry = frame.cached(ledger.entry_key(int(number)), LedgerEntry)
    return frame.page(request, "ledger_entry.html", entry=entry)


def _search(wanted: Wanted, before: int, broken: list[str]) -> tuple[Sequence[LedgerEntry], int]:
    """Return the newest entries before number *before* that fit, and the number down to which was looked.

    What is wrong with entries on the way is added to *broken*.
    """
    found: list[LedgerEntry] = []
    reached, lowest = before, max(1, before - MOST_READ)
    while reached > lowest and len(found) < A_PAGE:
        numbers = range(reached - 1, max(lowest, reached - AT_ONCE) - 1, -1)
        for number, entry in zip(numbers, _read(numbers, broken), strict=True):
            reached = number
            if entry is not None and wanted.fits(entry):
                found.append(entry)
                if len(found) == A_PAGE:
                    break
    return found, reached


def _read(numbers: Sequence[int], broken: list[str]) -> Sequence[LedgerEntry | None]:
    """Return the entries; one that was altered or removed is None and told in *broken*, and hides no other."""
    keys = [ledger.entry_key(number) for number in numbers]
    try:
        return frame.cached_all(keys, LedgerEntry)
    except (Corrupted, NotFound):
        found: list[LedgerEntry | None] = []
        for key in keys:
            try:
                found.append(frame.cached(key, LedgerEntry))
            except (Corrupted, NotFound) as fault:
                found.append(None)
                broken.append(str(fault))
        return found


def _last_number() -> int:
    """Return the number of the last entry; looked for from the last one seen on, a thousand names at a time."""
    desk = frame.desk()
    store = desk.store
    known = desk.last_entries.get(store, 0)
    for key in store.keys(f"{ledger.ENTRIES}0", after=ledger.entry_key(known) if known else ""):
        known = int(key.removeprefix(ledger.ENTRIES).removesuffix(".json"))
    desk.last_entries[store] = known
    return known
