"""Contents in JSON: how a picture, a series or a text comes in a request, and how what a model looked at goes back.

The one explicit dict of their kinds is below.
"""

import base64
import binascii
import io
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wardround.contents.arrays import packed, shape_of, unpacked
from wardround.errors import InputFault
from wardround.use_cases.base import Content

Json = dict[str, Any]
Cell = bytes | str
MOST_PIXELS = 16_777_216
"""Of a picture in a request: a small PNG may hold a huge one, and somebody waits."""
MOST_UNFOLDED = 4 * MOST_PIXELS
"""Of all contents of a request together."""
_PNG = b"\x89PNG\r\n\x1a\n"
_SIDE = 64


class Unfit(Exception):
    """Why what was sent is no such content; the text holds no value of it."""


@dataclass(frozen=True, kw_only=True)
class Wire:
    """How one kind of content travels.

    *schema* is the JSON schema of what is sent, *read* makes the raw cell of it that `Kind.read` takes (Unfit: it is
    not as described), *example* is something well-formed to send. *shown* tells an array over a canonical cell, as
    `Learner.saliency` gives it, as *looked_at* describes.
    """

    schema: Callable[[Content], Json]
    read: Callable[[Content, Any], Cell]
    example: Callable[[Content], Any]
    looked_at: Json
    shown: Callable[[Cell, NDArray[Any]], Any]


def wire(kind: str) -> Wire:
    """Return how contents of *kind* travel (KeyError: there is no such kind)."""
    return WIRES[kind]


def unfolded(cell: Cell) -> int:
    """Return how large a raw cell is for whoever reads it: a PNG has its pixels, all else its length."""
    return _png_pixels(cell) if isinstance(cell, bytes) and cell.startswith(_PNG) else len(cell)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unfit("no base64") from None


def _text_of(array: bytes) -> str:
    return base64.b64encode(array).decode()


def _encoded(description: str, media: str = "application/octet-stream") -> Json:
    return {"type": "string", "contentEncoding": "base64", "contentMediaType": media, "description": description}


_PICTURE = 'it must be {"npy": base64} or {"png": base64}'


def _picture_schema(content: Content) -> Json:
    size = "" if content.shape is None else f", {content.shape[0]} x {content.shape[1]} pixels"
    said = f"{content.description} ({', '.join(content.channels) or 'grey'}{size})"
    forms = {
        "npy": _encoded("numpy.save of the array, (height, width) or (height, width, 3), in base64."),
        "png": _encoded("The bytes of a PNG file in base64.", "image/png"),
    }
    return {
        "description": said,
        "oneOf": [
            {"type": "object", "additionalProperties": False, "properties": {name: form}, "required": [name]}
            for name, form in forms.items()
        ],
    }


def _picture(_: Content, given: Any) -> bytes:
    if not isinstance(given, dict) or len(given) != 1 or not given.keys() <= {"npy", "png"}:
        raise Unfit(_PICTURE)
    ((form, text),) = given.items()
    if type(text) is not str:
        raise Unfit(_PICTURE)
    body = _base64(text)
    if form == "png":
        if not body.startswith(_PNG):
            raise Unfit("no PNG picture")
        pixels = _png_pixels(body)
    else:
        pixels = _pixels(body)
    if pixels > MOST_PIXELS:
        raise Unfit(f"it has more than the {MOST_PIXELS // 1_000_000} million pixels a request may have")
    return body


def _png_pixels(body: bytes) -> int:
    """Return how many pixels a PNG unfolds to; a damaged one has none, and is refused when it is read."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(body), formats=("PNG",)) as picture:
                return picture.width * picture.height
    except Image.DecompressionBombError:
        return MOST_PIXELS + 1
    except Exception:  # Pillow says many things of a broken file, and some of them quote it
        return 0


def _pixels(body: bytes) -> int:
    """Return how many pixels an npy array says it has."""
    try:
        return math.prod(shape_of(body)[:2])
    except InputFault:
        raise Unfit("no npy array of numbers") from None


def _example_picture(content: Content) -> Json:
    height, width = content.shape or (_SIDE, _SIDE)
    depth = int(content.options.get("depth", 8))
    down, across = np.mgrid[0:height, 0:width]
    shares = 0.5 + 0.25 * np.sin(down / 3) + 0.25 * np.cos(across / 5)
    grey = np.asarray(shares * (2**depth - 1)).astype(np.uint8 if depth <= 8 else np.uint16)
    return {"npy": _text_of(packed(np.repeat(grey[..., None], 3, axis=2) if len(content.channels) == 3 else grey))}


def _overlay(cell: Cell, array: NDArray[Any]) -> Json:
    """Lay *array* (height, width), scaled to its largest size, in red (adds) and blue (takes away) over the picture."""
    from PIL import Image

    assert isinstance(cell, bytes)
    picture = unpacked(cell).astype(np.float64)
    grey = picture.mean(axis=2) if picture.ndim == 3 else picture
    grey = (grey - grey.min()) / max(float(np.ptp(grey)), 1e-12)
    largest = float(np.abs(array).max(initial=0.0)) or 1.0
    added, taken = np.clip(array / largest, 0, 1), np.clip(-array / largest, 0, 1)
    colours = np.stack([grey * (1 - taken), grey * (1 - added - taken), grey * (1 - added)], axis=2)
    colours += np.stack([added, np.zeros_like(added), taken], axis=2) * 0.5
    out = io.BytesIO()
    Image.fromarray((np.clip(colours, 0, 1) * 255).round().astype(np.uint8)).save(out, "PNG")
    return {"npy": _text_of(packed(np.asarray(array, dtype=np.float32))), "png": _text_of(out.getvalue())}


_SERIES = 'it must be {"time": [...], a list for each channel}, all of one length'


def _series_schema(content: Content) -> Json:
    values: Json = {"type": "array", "items": {"type": ["number", "null"]}, "minItems": 1}
    time: Json = {"type": "array", "items": {"type": "number"}, "minItems": 1}
    properties = {
        "time": {**time, "description": "Seconds from the start, ascending."},
        **dict.fromkeys(content.channels, values),
    }
    return {
        "type": "object", "additionalProperties": False, "properties": properties, "required": list(properties),
        "description": f"{content.description}; null: not measured then. All lists have one length.",
    }  # fmt: skip


def _series(content: Content, given: Any) -> bytes:
    names = ("time", *content.channels)
    if not isinstance(given, dict) or set(given) != set(names):
        raise Unfit(_SERIES)
    columns = [given[name] for name in names]
    if any(not isinstance(column, list) for column in columns) or len({len(column) for column in columns}) != 1:
        raise Unfit(_SERIES)
    if not columns[0]:
        raise Unfit("of zero length")
    for name, column in zip(names, columns, strict=True):
        if any(type(value) not in (float, int) and (value is not None or name == "time") for value in column):
            raise Unfit("each value must be a number, or null where it was not measured; each time a number")
    with np.errstate(over="ignore"):  # what single precision cannot hold becomes infinite, and is refused as that
        return packed(np.array(columns, dtype=np.float64).T.astype(np.float32))


def _example_series(content: Content) -> Json:
    rate = float(content.options.get("rate", 1.0))
    time = np.arange(140) / rate
    waves = {name: np.sin(np.arange(140) / (4 + place)) for place, name in enumerate(content.channels)}
    return {"time": time.round(6).tolist(), **{name: wave.round(4).tolist() for name, wave in waves.items()}}


_EXAMPLES = {
    "en": "Findings: The heart is of normal size. There is no effusion. Impression: No acute disease of the chest.",
    "zh": "患者一般情况可，无发热。心肺听诊未见异常，腹软，无压痛。建议门诊随访。",
}


def _numbers(_: Cell, array: NDArray[Any]) -> list[float]:
    return np.nan_to_num(np.asarray(array, dtype=np.float64)).tolist()  # type: ignore[no-any-return]


def _text(_: Content, given: Any) -> str:
    if type(given) is not str:
        raise Unfit("it must be a string")
    return given


WIRES: Mapping[str, Wire] = {
    "image": Wire(
        schema=_picture_schema,
        read=_picture,
        example=_example_picture,
        looked_at={
            "type": "object", "additionalProperties": False, "required": ["npy", "png"],
            "properties": {
                "npy": _encoded("What each pixel adds: npy of 32-bit floats, (height, width), in base64."),
                "png": _encoded("The same over the picture: red adds, blue takes away.", "image/png"),
            },
        },
        shown=_overlay,
    ),
    "series": Wire(
        schema=_series_schema,
        read=_series,
        example=_example_series,
        looked_at={"type": "array", "items": {"type": "number"}, "description": "What each time adds."},
        shown=_numbers,
    ),
    "text": Wire(
        schema=lambda content: {"type": "string", "minLength": 1, "description": content.description},
        read=_text,
        example=lambda content: _EXAMPLES[content.language or "en"],
        looked_at={"type": "array", "items": {"type": "number"}, "description": "What each character adds."},
        shown=_numbers,
    ),
}  # fmt: skip
