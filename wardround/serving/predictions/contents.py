"""What a record may hold beside its features: contents, read, de-identified and measured as ingest does it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wardround.contents.wire import MOST_UNFOLDED, Cell, Unfit, unfolded, wire
from wardround.serving.predictions.refusals import Fault
from wardround.use_cases.base import Content, UseCase

if TYPE_CHECKING:
    import pandas as pd

Given = Mapping[str, Any]
_MISSING = "it must be given"


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """The contents of one record: canonical *cells* by name, and *measured*, the features that were measured of them
    (None: no such measure of it)."""

    cells: dict[str, Cell]
    measured: dict[str, float | None]


def read_contents(
    use_case: UseCase, given: Sequence[Given], *, key: bytes, patients: Sequence[str]
) -> "tuple[list[Held], list[Fault]]":
    """Read what each record gave for its contents, in the order of the records; with a fault, nothing of it is of use.

    *key* and *patients* (pseudonyms) make surrogates in texts those of a batch. A content is refused where a batch's
    row would be put into quarantine: it cannot be read, or a measure of it is out of its plausible range.
    """
    import pandas as pd

    faults: list[Fault] = []
    cells: list[dict[str, Cell]] = [{} for _ in given]
    measured: list[dict[str, float | None]] = [{} for _ in given]
    named = pd.Series(list(patients), dtype="object")
    for content in use_case.contents:
        taken = _taken(use_case, content, _raw(content, given, faults), faults, key=key, patients=named)
        for place, cell in enumerate(taken.column.values):
            cells[place][content.name] = cell
        for name, values in taken.features.items():
            plausible = use_case.feature(name).plausible
            for place, value in enumerate(values.tolist()):
                known = value == value
                measured[place][name] = value if known else None
                if known and plausible is not None and not plausible[0] <= value <= plausible[1]:
                    faults.append(_out_of_range(use_case, content, name, place))
    return [Held(cells=own, measured=told) for own, told in zip(cells, measured, strict=True)], faults


def characters(use_case: UseCase, given: Sequence[Given]) -> int:
    """Return how many characters names would be taken out of."""
    from wardround.sources.contents import to_deidentify

    names = [content.name for content in use_case.contents if to_deidentify(content)]
    return sum(len(text) for own in given for name in names if isinstance(text := own.get(name), str))


def example(use_case: UseCase) -> dict[str, Any]:
    """Return well-formed contents of a record that is nobody's."""
    return {content.name: wire(content.kind).example(content) for content in use_case.contents}


def nobody(use_case: UseCase) -> dict[str, list[Any]]:
    """Return one row of inputs by name: nothing is known of it but its contents, which are an example's."""
    (held,), _ = read_contents(use_case, [example(use_case)], key=b"nobody", patients=["nobody"])
    unknown: dict[str, list[Any]] = {name: [None] for name in use_case.feature_names}
    return unknown | {name: [value] for name, value in (held.measured | held.cells).items()}


def schema(use_case: UseCase) -> dict[str, Any]:
    """Return the JSON schema of each content of a record."""
    return {content.name: wire(content.kind).schema(content) for content in use_case.contents}


def looked_at_schema(use_case: UseCase) -> dict[str, Any]:
    """Return the JSON schema of where in its content an answer comes from."""
    kinds = dict.fromkeys(content.kind for content in use_case.contents)
    return {
        "description": "Only where it was asked; null where the model cannot tell.",
        "anyOf": [*(wire(kind).looked_at for kind in kinds), {"type": "null"}],
    }


def _raw(content: Content, given: Sequence[Given], faults: list[Fault]) -> list[Cell | None]:
    read = wire(content.kind).read
    found: list[Cell | None] = []
    large = 0
    for place, own in enumerate(given):
        cell = None
        try:
            if own.get(content.name) is None:
                raise Unfit(_MISSING)
            raw = read(content, own[content.name])
            large += unfolded(raw)
            if large > MOST_UNFOLDED:
                raise Unfit("with it the request is too large once it is unfolded: send fewer records")
            cell = raw
        except Unfit as why:
            faults.append(Fault(record=place, field=_field(content), fault=str(why)))
        found.append(cell)
    return found


def _taken(
    use_case: UseCase,
    content: Content,
    raw: list[Cell | None],
    faults: list[Fault],
    *,
    key: bytes,
    patients: "pd.Series[Any]",
) -> Any:
    import pandas as pd

    from wardround.sources.contents import take

    taken = take(use_case, content, pd.Series(raw, dtype="object"), key=key, patients=patients)
    for fault in taken.column.rows:
        for place in fault.rows.tolist():
            if raw[place] is not None:  # what never came is told already
                reason = fault.reason.removeprefix(f"{content.name}: ")
                faults.append(Fault(record=place, field=_field(content), fault=f"it cannot be read: {reason}"))
    return taken


def _out_of_range(use_case: UseCase, content: Content, name: str, place: int) -> Fault:
    feature = use_case.feature(name)
    assert feature.plausible is not None
    low, high = feature.plausible
    unit = f" {feature.unit}" if feature.unit else ""
    said = f"its {feature.measure} ({feature.description}) must be from {low:g} to {high:g}{unit}"
    return Fault(record=place, field=_field(content), fault=said)


def _field(content: Content) -> str:
    return f"contents.{content.name}"
