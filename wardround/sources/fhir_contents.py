"""Series and texts in FHIR resources: Observations of a code over time, sampled data, attached documents."""

import base64
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from wardround.contents.series import cell
from wardround.sources.fhir_known import coded, known_at
from wardround.sources.fhir_records import EARLIEST, TRUSTED, Resource, listed, moment
from wardround.sources.fhir_units import factor
from wardround.use_cases._codes import LOINC
from wardround.use_cases.base import Content, Scalar

MOST_SAMPLES = 5_000_000
"""Of one SampledData: a day of 50 a second, and more than any FHIR server takes."""


class Unusable(Exception):
    """Why a patient has no such content; the text holds nothing of a resource."""


Sample = tuple[float, float]
"""Seconds and value."""


def series_of(content: Content, found: Sequence[Resource], *, until: datetime, minutes: Scalar | None) -> bytes:
    """Return the cell of a series: the values of each channel, LOINC code ``code.X``, in ``unit.X``, over time.

    Time counts from *minutes* before *until*, or without them from the first value. Values that are not final are left
    out. SampledData (DICOM-like signals in FHIR) are laid out over time.

    Raises:
        Unusable: a value is in another unit than declared, or is no number.
    """
    begin = None if minutes is None else _before(until, minutes)
    trusted = [each for each in found if each.get("resourceType") == "Observation" and each.get("status") in TRUSTED]
    channels = []
    for name in content.channels:
        code = str(content.options.get(f"code.{name}", name))
        held = [
            (moment(each), part)
            for each in trusted
            for part in (each, *listed(each, "component"))
            if coded(part, LOINC, (code,)) and moment(each) != EARLIEST
        ]
        channels.append((name, [pair for pair in held if begin is None or pair[0] >= begin]))
    start = begin or min((at for _, held in channels for at, _ in held), default=until)
    taken = [
        {
            second: value
            for at, part in sorted(held, key=lambda pair: pair[0])
            for second, value in _samples(part, (at - start).total_seconds(), content.options.get(f"unit.{name}"))
        }
        for name, held in channels
    ]
    times = sorted({second for samples in taken for second in samples})
    values = [[samples.get(second, np.nan) for samples in taken] for second in times]
    return cell(np.array(times), np.array(values).reshape(len(times), len(content.channels)))


def _before(until: datetime, minutes: Scalar) -> datetime:
    try:
        return until - timedelta(minutes=float(minutes))
    except OverflowError:  # a resource may say that it is of the year 1
        return EARLIEST


def text_of(content: Content, found: Sequence[Resource]) -> str | None:
    """Return the text of the newest DocumentReference that is in force; None where there is none.

    Raises:
        Unusable: its text is not in it, not plain, or damaged.
    """
    code = content.options.get("code")
    documents = [
        each for each in found
        if each.get("resourceType") == "DocumentReference" and each.get("status") == "current"
        and (code is None or coded(each, LOINC, (str(code),)))
    ]  # fmt: skip
    if not documents:
        return None
    newest = max(documents, key=lambda each: known_at(each) or EARLIEST)
    for held in listed(newest, "content"):
        attachment: Any = held.get("attachment")
        kind = str(attachment.get("contentType", "")) if isinstance(attachment, dict) else ""
        if kind.split(";")[0].strip().lower() == "text/plain" and isinstance(attachment.get("data"), str):
            try:
                return base64.b64decode(attachment["data"], validate=True).decode("utf-8")
            except ValueError:
                raise Unusable("its document is damaged, or not UTF-8") from None
    raise Unusable("its document has no plain text in it")


def _samples(part: Resource, second: float, unit: Scalar | None) -> Iterator[Sample]:
    sampled, quantity = part.get("valueSampledData"), part.get("valueQuantity")
    if isinstance(sampled, dict):
        yield from _sampled(sampled, second, unit)
    elif isinstance(quantity, dict):
        number = quantity.get("value")
        if isinstance(number, int | float) and not isinstance(number, bool) and quantity.get("comparator") is None:
            yield second, float(number) * _times(quantity, unit)


def _sampled(held: dict[str, Any], second: float, unit: Scalar | None) -> Iterator[Sample]:
    """Yield the samples of SampledData: E, L and U (an error, below, above what can be measured) are missing."""
    origin = held.get("origin")
    try:
        if not isinstance(origin, dict) or held.get("dimensions", 1) != 1:
            raise ValueError
        level, scale, step = float(origin["value"]), float(held.get("factor", 1)), float(held["period"]) / 1000
        times = _times(origin, unit)
        texts = str(held.get("data", "")).split(maxsplit=MOST_SAMPLES)
        if len(texts) > MOST_SAMPLES:
            raise Unusable(f"sampled data of more than {MOST_SAMPLES:,} samples")
        numbers = [np.nan if text in "ELU" else float(text) for text in texts]
    except (KeyError, TypeError, ValueError):
        raise Unusable("sampled data that cannot be taken apart") from None
    for place, number in enumerate(numbers):
        yield second + place * step, (level + number * scale) * times


def _times(quantity: dict[str, Any], unit: Scalar | None) -> float:
    times = 1.0 if unit is None else factor(quantity, str(unit), {})
    if times is None:
        raise Unusable("a value in another unit than declared, or in none")
    return times
