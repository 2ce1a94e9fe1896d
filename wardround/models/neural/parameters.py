"""The parameters that all networks share, and which values a parameter may have."""

from collections.abc import Mapping
from typing import Any

from wardround.models.whole import values_of

COMMON: Mapping[str, Any] = {
    "optimiser": "adam",
    "learning_rate": 2e-3,
    "weight_decay": 1e-3,
    "epochs": 20,
    "batch_size": 32,
    "patience": 8,
    "dropout": 0.2,
    "members": 1,
    "device": "auto",
}
"""*optimiser* adam (decoupled weight decay, Loshchilov & Hutter 2019) or sgd (Nesterov momentum 0.9). Training stops
after *patience* epochs without progress on the held-out patients; 0: nobody is held out and nothing calibrated.
*members* networks are averaged, each with other patients held out. *device* auto trains on a GPU where there is one."""

CHOICES: Mapping[str, tuple[Any, ...]] = {
    "optimiser": ("adam", "sgd"),
    "class_weights": ("none", "balanced"),
    "augment": ("none", "shift", "flip", "turn"),
    "device": ("auto", "cpu"),
    "cell": ("gru", "lstm"),
    "features": ("none", "plain", "all"),
}
KERNELS = {1: 7, 2: 3}
"""By dimensions of a content, how many points a convolution looks at along each."""
_SHARES = ("dropout", "flag")
_FROM_ZERO = ("weight_decay", "patience")
_DEEP = ("blocks", "layers")
GREATEST = 100_000
"""No width, length or number of levels of an architecture is larger."""
MOST: Mapping[str, int] = {
    "largest": 8_192, "tile": 8_192, **dict.fromkeys(("points", "width", "code", "kernel"), GREATEST)
}  # fmt: skip
"""So many pixels of a side, so many points of time, units and points under a kernel at the most."""


def faults(names: Mapping[str, Any], defaults: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is wrong with the values of *names*, single ones or tuples of a grid; *defaults* give their types."""
    out = []
    for name, given in names.items():
        out += [f"{name} {said}" for value in values_of(given) if (said := _fault(name, value, defaults[name]))]
    return tuple(out)


def _fault(name: str, value: Any, default: Any) -> str:
    if name in CHOICES:
        return "" if value in CHOICES[name] else f"is one of {', '.join(CHOICES[name])}"
    if isinstance(default, str):
        return "" if isinstance(value, str) else "is a name"
    whole = isinstance(default, int)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return "is a whole number" if whole else "is a number"
    if name in _SHARES:
        return "" if 0 <= value < 1 else "is at least 0 and below 1"
    if name in _DEEP:
        return "" if 1 <= value <= 8 else "is from 1 to 8"
    if name in MOST and value > MOST[name]:
        return f"is at most {MOST[name]}"
    if name == "kernel":
        return "" if value == 0 or (value > 0 and value % 2) else "is odd, or 0"
    least = 0 if name in _FROM_ZERO else 1 if whole else None
    if least is None:
        return "" if value > 0 else "is above 0"
    return "" if value >= least else f"is at least {least}"
