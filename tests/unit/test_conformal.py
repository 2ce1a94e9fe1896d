"""The interval of a regression: rows of one patient are one patient."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wardround.models.conformal import half_width


def width(errors: list[float], times: int) -> float | None:
    """Return the half width where each patient has the same row so many times."""
    target = np.repeat(np.array(errors), times)
    everyone = np.arange(len(target))
    return half_width(target, np.repeat(np.arange(len(errors)), times), [(everyone, everyone)], lambda *_: 0 * target)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60), st.integers(1, 25))
def test_a_patient_who_comes_again_with_the_same_row_narrows_no_interval(errors, times):
    place = int(np.ceil((len(errors) + 1) * 0.9))
    assert width(errors, 1) == (sorted(errors)[place - 1] if place <= len(errors) else None)
    assert width(errors, times) == width(errors, 1)
