"""Each measure of a series says what its name says, whatever batch the row comes in."""

import numpy as np
import pandas as pd
import pytest

from wardround.contents.series import KIND, cell
from wardround.contents.series_measures import POINTS, embedding
from wardround.contents.series_spectrum import spectrum
from wardround.use_cases.base import MEASURES, Content

RATE = 100.0
TIMES = np.arange(1000) / RATE
SHAPES = [f"embedding_{number}" for number in range(1, 9)]


def measures(values, times=TIMES, *, channels=("lead",), **options):
    content = Content(name="ecg", kind="series", channels=channels, options=options)
    found = KIND.measured(content, pd.Series([cell(times, values)], dtype=object))
    assert list(found) == list(MEASURES["series"])
    return {name: figures[0] for name, figures in found.items()}


def test_length_rate_and_gaps_are_those_of_the_clock():
    times = np.concatenate([TIMES[:400], TIMES[500:]])
    found = measures(np.sin(times), times)
    assert found["samples"] == 900
    assert found["duration"] == pytest.approx(9.99)
    assert found["rate"] == pytest.approx(100, rel=1e-3)
    assert found["longest_gap"] == pytest.approx(1.01, rel=1e-4)
    assert measures(np.sin(times), times + 5)["duration"] == pytest.approx(9.99)


def test_half_the_sampling_rate_shows_in_the_rate_or_in_the_duration():
    wave = np.sin(2 * np.pi * TIMES)
    assert measures(wave[::2], TIMES[::2])["rate"] == pytest.approx(50, rel=1e-3)
    assert measures(wave[::2], TIMES[:500])["duration"] == pytest.approx(4.99)


def test_the_rate_of_a_long_recording_is_exact_although_times_are_of_single_precision():
    times = np.arange(360 * 600) / 360.0
    assert measures(np.sin(times), times)["rate"] == pytest.approx(360, rel=1e-4)


def test_missing_counts_the_cells_of_all_channels():
    values = np.column_stack([np.sin(TIMES), np.where(TIMES < 2, np.nan, TIMES)])
    assert measures(values, channels=("a", "b"))["missing"] == pytest.approx(0.1)


def test_figures_of_values_are_averaged_over_the_channels():
    values = np.column_stack([TIMES, 10 + TIMES])
    found = measures(values, channels=("a", "b"))
    assert found["mean"] == pytest.approx(TIMES.mean() + 5, abs=1e-4)
    assert found["spread"] == pytest.approx(TIMES.std(), abs=1e-4)
    assert found["low"] == pytest.approx(np.quantile(TIMES, 0.05) + 5, abs=1e-4)
    assert found["high"] == pytest.approx(np.quantile(TIMES, 0.95) + 5, abs=1e-4)


def test_a_lead_that_is_off_for_a_while_shows_in_the_worst_channel():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(1000, 2))
    noise[400:700, 1] = 0.0
    assert measures(noise, channels=("a", "b"))["flat"] == pytest.approx(299 / 999, abs=1e-3)
    assert measures(noise[:, 0])["flat"] == 0.0


def test_a_slow_wave_is_in_the_low_band_and_a_fast_one_in_the_high_band():
    slow, fast = np.sin(2 * np.pi * 1 * TIMES), np.sin(2 * np.pi * 40 * TIMES)
    assert measures(slow)["low_band"] > 0.99
    assert measures(fast)["high_band"] > 0.99
    assert measures(slow)["centroid"] == pytest.approx(1, abs=0.05)
    assert measures(fast)["centroid"] == pytest.approx(40, abs=0.05)
    assert measures(fast, low_hz=45.0)["low_band"] > 0.99


def test_at_scattered_times_the_wave_is_found_where_it_is():
    rng = np.random.default_rng(2)
    times = np.sort(rng.choice(TIMES, 300, replace=False))
    found = spectrum(times, np.sin(2 * np.pi * 3 * times), {})
    assert found.centroid < 10
    assert found.low_band + found.high_band <= 1
    kept = np.where(rng.random(1000) < 0.2, np.nan, np.sin(2 * np.pi * 3 * TIMES))
    assert spectrum(TIMES, kept, {}).low_band > 0.8


def test_too_few_values_and_a_flat_line_have_no_spectrum():
    for values, times in ((np.sin(TIMES[:7]), TIMES[:7]), (np.ones(100), TIMES[:100])):
        found = measures(values, times)
        assert np.isnan([found["low_band"], found["high_band"], found["centroid"]]).all()


def test_one_sample_has_no_rate_and_no_gap_and_does_not_fail():
    found = measures([[140.0, np.nan]], [0.0], channels=("a", "b"), irregular=True)
    assert found["samples"] == 1
    assert found["duration"] == 0
    assert np.isnan([found["rate"], found["longest_gap"], found["flat"]]).all()
    assert [found[name] for name in SHAPES] == [0.0] * 8


def test_the_embedding_is_a_fixed_projection_on_cosines_that_do_not_know_scale_or_level():
    third = np.cos(np.pi * 3 * (np.arange(POINTS) + 0.5) / POINTS)
    times = np.linspace(0, 1, POINTS)
    shape = np.array(embedding(times, third[:, None]))
    np.testing.assert_allclose(shape, np.eye(8)[2], atol=1e-12)
    np.testing.assert_allclose(embedding(times, 50 - 7 * third[:, None]), -shape, atol=1e-9)
    assert np.abs(embedding(TIMES, np.random.default_rng(3).normal(size=(1000, 1)))).max() <= 1


def test_what_two_channels_do_alike_or_against_each_other_both_shows():
    wave = np.sin(2 * np.pi * TIMES / 20)
    alike = np.array(embedding(TIMES, np.column_stack([wave, wave])))
    against = np.array(embedding(TIMES, np.column_stack([wave, -wave])))
    assert np.abs(alike).max() > 0.3
    assert np.abs(against).max() > 0.1


def test_a_row_is_measured_to_the_same_bits_alone_and_in_any_batch(lead):
    rng = np.random.default_rng(4)
    cells = [cell(TIMES[:n], rng.normal(size=n)) for n in (50, 300, 1000)]
    together = KIND.measured(lead, pd.Series(cells[::-1], dtype=object))
    for place, one in enumerate(reversed(cells)):
        alone = KIND.measured(lead, pd.Series([one], dtype=object))
        assert {name: float(values[0]).hex() for name, values in alone.items()} == {
            name: float(values[place]).hex() for name, values in together.items()
        }


def test_a_row_without_a_series_has_no_measure(lead):
    found = KIND.measured(lead, pd.Series([None], dtype=object))
    assert all(np.isnan(values).all() for values in found.values())
