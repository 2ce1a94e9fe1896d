import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wardround.monitoring.differences import holm, ordered, share_rose, two_shares, unordered


def test_small_counts_agree_with_fishers_exact_test():
    for a, n, b, m in [(3, 40, 9, 50), (0, 30, 5, 30), (10, 100, 12, 90)]:
        expected = stats.fisher_exact([[b, m - b], [a, n - a]], alternative="greater").pvalue
        assert share_rose(a, n, b, m) == pytest.approx(expected, rel=1e-9)


def test_the_binned_distance_is_that_of_the_values_on_a_discrete_column():
    random = np.random.default_rng(1)
    a, b = random.poisson(4, 400), random.poisson(5, 300)
    found = ordered(np.bincount(a, minlength=20).astype(float), np.bincount(b, minlength=20).astype(float))
    expected = stats.ks_2samp(a, b)
    assert found.effect == pytest.approx(expected.statistic)
    rank = stats.mannwhitneyu(b, a, method="asymptotic", use_continuity=False).pvalue
    assert found.p == pytest.approx(2 * min(rank, expected.pvalue), rel=0.3)


@pytest.mark.parametrize(("reference", "batch"), [(150, 150), (2_000, 300), (150, 5_000)])
def test_without_a_difference_p_values_are_uniform_or_larger(reference, batch):
    random = np.random.default_rng(7)
    shares = np.full(15, 1 / 15)
    few = np.array([0.6, 0.2, 0.1, 0.06, 0.03, 0.01])
    p_ordered, p_unordered = [], []
    for _ in range(1_500):
        p_ordered.append(
            ordered(random.multinomial(reference, shares) * 1.0, random.multinomial(batch, shares) * 1.0).p
        )
        p_unordered.append(unordered(random.multinomial(reference, few) * 1.0, random.multinomial(batch, few) * 1.0).p)
    for level in (0.05, 0.01):
        bound = stats.binom.ppf(0.999, 1_500, level) / 1_500
        assert np.mean(np.array(p_ordered) <= level) <= bound
        assert np.mean(np.array(p_unordered) <= level) <= bound * 1.2


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0.001, 0.2))
def test_holm_rejects_what_the_definition_rejects(p, level):
    limits = holm(p, level)
    rejected = [value <= limit for value, limit in zip(p, limits, strict=True)]
    order = np.argsort(p, kind="stable")
    expected = [False] * len(p)
    for step, index in enumerate(order):
        if p[index] > level / (len(p) - step):
            break
        expected[index] = True
    assert rejected == expected


@given(st.lists(st.integers(0, 60), min_size=2, max_size=12), st.lists(st.integers(0, 60), min_size=2, max_size=12))
@settings(max_examples=200)
def test_tests_give_probabilities_and_effects_between_0_and_1(a, b):
    size = min(len(a), len(b))
    reference, batch = np.array(a[:size], dtype=float), np.array(b[:size], dtype=float)
    for found in (ordered(reference, batch), unordered(reference, batch)):
        assert 0.0 <= found.p <= 1.0
        assert 0.0 <= found.effect <= 1.0 + 1e-12
    assert 0.0 <= two_shares(a[0], a[0] + a[1], b[0], b[0] + b[1]) <= 1.0
