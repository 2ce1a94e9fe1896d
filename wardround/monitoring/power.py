"""The smallest shift of one column that a round of the usual size would see, 8 times in 10."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wardround.monitoring.budget import Levels
from wardround.monitoring.differences import Difference, ordered, unordered
from wardround.monitoring.profile import CategoryProfile, NumericProfile, Profile
from wardround.use_cases.base import UseCase

POWER = 0.8
DRAWS = 40
STEPS = 6
LARGEST = 3.0
"""Shifts above three SD are not looked for."""


@dataclass(frozen=True, kw_only=True)
class SmallestShift:
    """Of *column*: in ``SD`` for a number, for a category in ``share`` of patients who change level (None: unseen)."""

    column: str
    shift: float | None
    unit: str


def smallest_shifts(
    use_case: UseCase, profile: Profile, frame: pd.DataFrame, batch_rows: int, generator: np.random.Generator
) -> tuple[SmallestShift, ...]:
    """Return for every input what a batch of *batch_rows* rows would show at once (Bonferroni over all tests).

    A number is shifted by tilting: each value of *frame* becomes likelier or rarer by ``exp(t z)`` until the mean
    has moved so far, so that a discrete column keeps its values. A share is moved from the commonest to the
    rarest level. Batches are drawn from that; the precision is a twentieth of an SD or so.
    """
    tests = len(profile.columns) + 2
    level = Levels.of(use_case.monitoring).detection / tests
    material = use_case.monitoring.material_effect

    def seen(found: Difference) -> bool:
        return found.effect >= material and found.p <= level

    return tuple(
        _number(column, frame[column.name].to_numpy(dtype=float, na_value=np.nan), batch_rows, profile, seen, generator)
        if isinstance(column, NumericProfile)
        else _category(column, batch_rows, profile, seen, generator)
        for column in profile.columns
    )


def _number(
    column: NumericProfile,
    values: NDArray[np.float64],
    batch_rows: int,
    profile: Profile,
    seen: Callable[[Difference], bool],
    generator: np.random.Generator,
) -> SmallestShift:
    present = values[np.isfinite(values)]
    rows = int(batch_rows * len(present) / max(len(values), 1))
    if rows < 2 or not column.edges:
        return SmallestShift(column=column.name, shift=None, unit="SD")
    edges, reference = np.array(column.edges), np.array(column.counts, dtype=float) / profile.design_effect
    z = np.clip((present - present.mean()) / (float(present.std()) or 1.0), -4.0, 4.0)
    cells = np.searchsorted(edges, present, side="left")

    def power(shift: float) -> float:
        weights = _tilted(z, shift)
        if weights is None:
            return 1.0
        shares = np.bincount(cells, weights, minlength=len(edges) + 1)
        draws = generator.multinomial(rows, shares / shares.sum(), size=DRAWS).astype(float)
        return float(np.mean([seen(ordered(reference, row)) for row in draws]))

    return SmallestShift(column=column.name, shift=_bisect(power, LARGEST), unit="SD")


def _tilted(z: NDArray[np.float64], shift: float) -> NDArray[np.float64] | None:
    """Return weights of mean 1 under which the mean of *z* moves by *shift*; None: no tilt reaches so far."""
    low, high = 0.0, 20.0
    for _ in range(30):
        middle = (low + high) / 2.0
        weights = np.exp(middle * (z - z.max()))
        if float((weights * z).sum() / weights.sum()) < shift:
            low = middle
        else:
            high = middle
    return None if high > 19.9 else weights / weights.mean()


def _category(
    column: CategoryProfile,
    batch_rows: int,
    profile: Profile,
    seen: Callable[[Difference], bool],
    generator: np.random.Generator,
) -> SmallestShift:
    counts = np.array([*column.counts, column.other], dtype=float)
    total = counts.sum()
    rows = int(batch_rows * total / max(profile.rows, 1))
    if rows < 2 or np.count_nonzero(counts) < 2:
        return SmallestShift(column=column.name, shift=None, unit="share")
    shares = counts / total
    most = int(np.argmax(shares))
    least = int(np.argmin(np.where(shares > 0, shares, np.inf)))

    def power(moved: float) -> float:
        to = shares.copy()
        to[most] -= moved
        to[least] += moved
        draws = generator.multinomial(rows, to, size=DRAWS).astype(float)
        return float(np.mean([seen(unordered(counts / profile.design_effect, row)) for row in draws]))

    return SmallestShift(column=column.name, shift=_bisect(power, float(shares[most])), unit="share")


def _bisect(power: Callable[[float], float], largest: float) -> float | None:
    if power(largest) < POWER:
        return None
    low, high = 0.0, largest
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        if power(middle) >= POWER:
            high = middle
        else:
            low = middle
    return high
