"""Enhanced pictures keep their form, do what they are called, and are the same each time."""

import numpy as np
import pytest
from typer.testing import CliRunner

from wardround.cli.app import app
from wardround.contents.enhancing import HOW, before_after, enhanced, quality, span
from wardround.errors import CallInvalid, InputFault


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_form_and_bits_are_kept(chest, how, dtype):
    picture = chest().astype(dtype)
    made = enhanced(picture, how)
    assert (made.shape, made.dtype) == (picture.shape, picture.dtype)
    assert made.tobytes() == enhanced(picture.copy(), how).tobytes()
    assert (how == "none") == np.array_equal(made, picture)


def test_each_way_does_what_it_is_called(chest):
    dim = (60 + chest() / 8).astype(np.uint8)
    before = {name: quality(picture) for name, picture in (("dim", dim), ("chest", chest()))}
    assert quality(enhanced(dim, "equalised"))["contrast"] > 2 * before["dim"]["contrast"]
    assert quality(enhanced(chest(), "denoised"))["noise"] < 0.7 * before["chest"]["noise"]
    assert quality(enhanced(chest(), "sharpened"))["sharpness"] > 1.3 * before["chest"]["sharpness"]


def test_colour_is_enhanced_too(chest):
    colour = np.stack([chest(1), chest(2), chest(3)], axis=2)
    assert all(enhanced(colour, how).shape == colour.shape for how in HOW)


def test_an_even_picture_stays_even_and_an_unknown_way_is_refused():
    even = np.full((16, 16), 9, np.float32)
    assert np.array_equal(enhanced(even, "equalised"), even)
    with pytest.raises(CallInvalid, match="none, equalised, denoised, sharpened"):
        enhanced(even, "beautiful")


def test_twelve_bits_in_sixteen_are_taken_for_twelve(chest):
    assert span(chest().astype(np.uint16) * 16) == (0.0, 4095.0)


def test_a_before_and_after_is_a_picture_that_is_the_same_each_time(chest):
    drawn = before_after([chest(1), chest(2)], "equalised")
    assert drawn.startswith(b"\x89PNG")
    assert drawn == before_after([chest(1), chest(2)], "equalised")


def test_the_command_writes_pictures_and_figures_under_numbers_only(chest, tmp_path):
    named = tmp_path / "in"
    named.mkdir()
    np.save(named / "doe_jane.npy", chest(1))
    np.save(named / "roe_richard.npy", chest(2))
    (named / "broken.png").write_bytes(b"no picture")
    run = CliRunner().invoke(app, ["enhance", str(named), str(tmp_path / "out"), "--how", "equalised"])
    assert run.exit_code == 0, run.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["00001.png", "00002.png", "figures.csv"]
    assert "1 file(s) could not be read" in run.output
    told = run.output + (tmp_path / "out" / "figures.csv").read_text()
    assert "doe" not in told
    assert (tmp_path / "out" / "figures.csv").read_text().count("\n") == 1 + 2 * 4


def test_the_command_refuses_a_place_without_pictures(tmp_path):
    run = CliRunner().invoke(app, ["enhance", str(tmp_path / "nowhere"), str(tmp_path / "out")])
    assert isinstance(run.exception, InputFault)
    assert not (tmp_path / "out").exists()
