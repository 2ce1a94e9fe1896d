"""From the false alarms a year that a user will bear to the level of every single test.

A year's budget is first divided by the rounds of a year, then in stated shares over four families of tests; inside a
family Holm or Bonferroni divides again. By the union bound the expected number of false alarms a year is then at
most the budget, whatever the dependence between columns and rounds.
"""

from dataclasses import dataclass

import numpy as np

from wardround.monitoring.differences import normal_tail
from wardround.use_cases.base import Monitoring

SHARES = {"detection": 0.45, "sustained": 0.20, "performance": 0.20, "quality": 0.15}
"""How a round's level is spent: drift seen at once, drift seen in two of three rounds, outcomes and estimates, data."""
WINDOW = 3
"""Rounds over which a suspicion may be confirmed: twice in three."""


@dataclass(frozen=True, kw_only=True)
class Levels:
    """The family-wise level of each family of tests in one round."""

    detection: float
    sustained: float
    performance: float
    quality: float

    @classmethod
    def of(cls, monitoring: Monitoring) -> "Levels":
        """Divide the declared budget; a round's level is never above 5 %."""
        per_round = min(0.05, monitoring.false_alarms_per_year / max(monitoring.rounds_per_year, 1e-9))
        return cls(**{family: share * per_round for family, share in SHARES.items()})


def suspicion_level(level: float, tests: int, reference_rows: float, batch_rows: float) -> float:
    """Return the level of one suspicion, so that *tests* suspicions held twice in three rounds cost *level*.

    Rounds share one finite reference, so that their statistics correlate by
    ``rho = (1 / reference) / (1 / reference + 1 / batch)``; the chance that the present round and one of
    the two before are both beyond z is at most twice that of a pair of normal variables with that correlation.
    With an endless reference this is ``tests * 2 * suspicion**2 = level``.
    """
    if not (level > 0 and tests > 0 and reference_rows > 0 and batch_rows > 0):
        return 0.0
    rho = (1.0 / reference_rows) / (1.0 / reference_rows + 1.0 / batch_rows)
    low, high = 0.0, 8.0
    for _ in range(50):
        middle = (low + high) / 2.0
        if (WINDOW - 1) * tests * _both_beyond(middle, rho) > level:
            low = middle
        else:
            high = middle
    return 2.0 * normal_tail(high)


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def _both_beyond(z: float, rho: float) -> float:
    """Return P(|X| > z and |Y| > z) of standard normals with correlation *rho*."""
    from scipy import special

    x = z + 4.0 * (_NODES + 1.0)
    density = np.exp(-(x**2) / 2.0) / np.sqrt(2.0 * np.pi) * _WEIGHTS * 4.0
    spread = np.sqrt(max(1.0 - rho**2, 1e-12))
    same, opposite = special.ndtr((rho * x - z) / spread), special.ndtr((-rho * x - z) / spread)
    return float(2.0 * (density * (same + opposite)).sum())
