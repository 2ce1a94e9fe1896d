"""What is measured of a picture answers to what was done to it, and to nothing else."""

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from wardround.contents import features, image
from wardround.contents.arrays import packed
from wardround.contents.image_measures import embedding, grey, measures_of, midline, noise, sharpness
from wardround.use_cases.base import MEASURES, Content

GREY = Content(name="picture", kind="image", channels=("grey",))


def test_every_declared_measure_is_measured_and_lies_in_its_range(chest):
    found = measures_of(chest() / 255)
    assert tuple(found) == MEASURES["image"]
    assert set(found) == set(MEASURES["image"])
    declared = {feature.measure: feature.plausible for feature in features(GREY)}
    assert all(declared[name][0] <= value <= declared[name][1] for name, value in found.items())


@pytest.mark.parametrize(
    ("change", "measure", "rises"),
    [
        (lambda a: np.clip(a + 40, 0, 255), "mean", True),
        (lambda a: np.clip(a + 40, 0, 255), "median", True),
        (lambda a: np.clip(a + 40, 0, 255), "darkest", True),
        (lambda a: np.clip(a + 40, 0, 255), "brightest", True),
        (lambda a: 128 + (a - 128) / 2, "contrast", False),
        (lambda a: gaussian_filter(a, 1.5), "sharpness", False),
        (lambda a: gaussian_filter(a, 1.5), "noise", False),
        (lambda a: np.clip(a * 2.0, 0, 255), "saturation", True),
        (lambda a: 255 - a, "midline", False),
    ],
)
def test_a_measure_moves_with_what_it_is_a_measure_of(chest, change, measure, rises):
    before = chest().astype(float)
    moved = measures_of(change(before) / 255)[measure] - measures_of(before / 255)[measure]
    assert (moved > 0) is rises
    assert abs(moved) > 1e-3


def test_noise_is_estimated_in_its_own_unit():
    rng = np.random.default_rng(1)
    flat = np.tile(np.linspace(0.2, 0.8, 200), (200, 1))
    assert noise(flat) < 1e-9
    assert noise(flat + 0.02 * rng.standard_normal((200, 200))) == pytest.approx(0.02, rel=0.05)


def test_sharpness_does_not_depend_on_contrast(chest):
    picture = chest() / 255
    assert sharpness(0.5 * picture + 0.2) == pytest.approx(sharpness(picture))
    assert sharpness(np.full((16, 16), 0.5)) == 0  # and a picture without any has no sharpness


def test_a_negative_has_the_other_sign_along_the_midline_and_in_every_embedding(chest):
    picture = chest() / 255
    assert midline(picture) > 0.1
    assert midline(1 - picture) == pytest.approx(-midline(picture))
    assert embedding(1 - picture) == pytest.approx(-embedding(picture))


def test_the_midline_looks_at_the_middle_and_both_lungs_between_two_and_five_sevenths_of_the_height():
    ramp = np.tile(np.minimum(np.arange(28.0), np.arange(28.0)[::-1]), (28, 1))
    ramp[:8] = ramp[20:] = 1000
    assert midline(ramp) == pytest.approx(12 - 6)  # columns 11 to 16, less 4 to 8 and 19 to 23


def test_an_embedding_is_blind_to_gain_and_nearly_to_size(chest):
    picture = chest() / 255
    assert embedding(0.3 * picture + 0.1) == pytest.approx(embedding(picture))
    assert embedding(np.kron(picture, np.ones((2, 2)))) == pytest.approx(embedding(picture), abs=1e-9)


def test_embeddings_are_the_same_numbers_as_when_they_were_written_down():
    picture = np.add.outer(np.arange(48.0), 2 * np.arange(40.0)) % 17 / 17
    expected = [0.004751, -0.478333, 0.311937, 0.044912, 0.347581, 0.017839, 0.08867, -0.107395]
    assert np.abs(embedding(picture)).max() < 8
    assert embedding(picture) == pytest.approx(expected, abs=1e-5)


def test_colour_is_measured_by_its_luminance():
    red = np.zeros((16, 16, 3))
    red[:, :, 0] = 1.0
    assert grey(red).max() == pytest.approx(0.2125)


def test_depth_and_range_say_what_full_brightness_is(chest):
    wide = Content(name="picture", kind="image", channels=("grey",), options={"depth": 12})
    hounsfield = Content(name="picture", kind="image", channels=("grey",), options={"low": -1000.0, "high": 1000.0})
    plain = image.measured(GREY, pd.Series([packed(chest())]))["mean"][0]
    twelve = image.measured(wide, pd.Series([packed(chest().astype(np.uint16) * 16)]))["mean"][0]
    units = image.measured(hounsfield, pd.Series([packed((chest() / 255 * 2000 - 1000).astype(np.float32))]))["mean"][0]
    assert twelve == pytest.approx(plain, abs=0.003)
    assert units == pytest.approx(plain, abs=1e-6)


def test_a_picture_measures_the_same_alone_and_among_others_and_nothing_is_nan(chest):
    cells = pd.Series([packed(chest(seed)) for seed in range(4)] + [None], dtype=object)
    together = image.measured(GREY, cells)
    alone = image.measured(GREY, cells.iloc[2:3])
    assert all(together[name][2] == alone[name][0] for name in MEASURES["image"])
    assert all(np.isnan(together[name][4]) and not np.isnan(together[name][3]) for name in MEASURES["image"])


def test_features_are_named_after_content_and_measure_and_narrowed_where_asked():
    found = features(GREY, measures=("mean", "noise"), plausible={"mean": (0.1, 0.9)})
    assert [feature.name for feature in found] == ["picture_mean", "picture_noise"]
    assert found[0].plausible == (0.1, 0.9)
    assert (found[1].of, found[1].measure, found[1].plausible) == ("picture", "noise", (0.0, 3.4))
