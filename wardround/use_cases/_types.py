"""Whether the values of a use case have the types that its fields declare."""

import dataclasses
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, get_type_hints


def type_faults(value: Any, place: str = "") -> tuple[str, ...]:
    """Return a fault for each field of the dataclass *value*, at any depth, that holds another type."""
    return tuple(_faults(value, place))


def _faults(value: Any, place: str) -> Iterator[str]:
    from pydantic import ValidationError

    for name, hint in get_type_hints(type(value)).items():
        where = f"{place}.{name}" if place else name
        held = getattr(value, name)
        try:
            _adapter(hint).validate_python(held, strict=True)
        except ValidationError as error:
            yield from _sentences(error, where)
        inner = held if isinstance(held, (tuple, list)) else (held,)
        for number, item in enumerate(inner):
            if dataclasses.is_dataclass(item) and not isinstance(item, type):
                yield from _faults(item, f"{where}[{number}]" if inner is held else where)


def _sentences(error: Any, where: str) -> Iterator[str]:
    expected: dict[str, list[str]] = {}
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        numbers = [part for part in fault["loc"] if isinstance(part, int)]
        message = fault["msg"].replace("Input should be", "it must be")
        messages = expected.setdefault("".join(f"[{number}]" for number in numbers), [])
        if message not in messages:
            messages.append(message)
    for index, messages in expected.items():
        yield f"{where}{index}: {' or '.join(messages)}"


@lru_cache(maxsize=256)
def _adapter(hint: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(hint)
