"""A cell that is no picture of the declared kind is named by its reason, and its row alone."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from wardround.contents import image
from wardround.contents.arrays import packed, unpacked
from wardround.use_cases.base import Content

GREY = Content(name="picture", kind="image", channels=("grey",), shape=(32, 32))


def gradient(dtype=np.uint8, *, side: int = 32) -> np.ndarray:
    return np.add.outer(np.arange(side), np.arange(side)).astype(dtype)


def png(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, format="PNG")
    return out.getvalue()


def reason(cell: object, content: Content = GREY) -> str | None:
    read = image.read(content, pd.Series([cell], dtype=object))
    assert (read.values.iloc[0] is None) == bool(read.rows)
    return read.rows[0].reason if read.rows else None


def with_nan() -> np.ndarray:
    picture = gradient(np.float32) / 64
    picture[3, 4] = np.nan
    return picture


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (None, "missing"),
        (float("nan"), "missing"),
        (b"neither the one nor the other", "neither an array nor a PNG picture, or damaged"),
        ("a text", "no picture but another kind of value"),
        (packed(gradient())[:-40], "neither an array nor a PNG picture, or damaged"),
        (png(gradient())[:-40], "a PNG picture that is damaged or too large"),
        (packed(np.zeros(32, np.uint8)), "not one picture of rows and columns"),
        (packed(np.zeros((5, 32, 32), np.uint8)), "not one picture of rows and columns"),
        (packed(np.repeat(gradient()[:, :, None], 3, axis=2)), "colour where grey is expected"),
        (png(np.repeat(gradient()[:, :, None], 3, axis=2)), "colour where grey is expected"),
        (packed(gradient(np.uint16)), "16-bit where 8-bit is expected"),
        (png(gradient(np.uint16) * 900), "16-bit where 8-bit is expected"),
        (packed(gradient(side=30)), "not 32 x 32 pixels"),
        (packed(with_nan()), "some pixels are not a finite number"),
        (packed(gradient(np.float32)), "values outside 0 to 1, and no other range is declared"),
        (packed(np.full((32, 32), 7, np.uint8)), "empty, every pixel has the same value"),
        (packed(gradient(np.int8) - 5), "whole numbers below 0"),
        (packed(gradient() > 5), "no numbers"),
    ],
)
def test_a_bad_cell_is_told_by_its_reason(cell, told):
    assert reason(cell) == f"picture: {told}"


def test_what_was_declared_is_read_as_it_is():
    deep = Content(name="picture", kind="image", channels=("grey",), options={"depth": 12})
    colour = Content(name="picture", kind="image", channels=("red", "green", "blue"))
    assert reason(packed(gradient())) is None
    assert reason(png(gradient())) is None
    assert reason(packed(gradient(np.uint16)), deep) is None
    assert reason(packed(gradient(np.uint16) * 100), deep) == "picture: values above what 12 bits hold"
    assert reason(packed(gradient()), deep) == "picture: 8-bit where 12-bit is expected"
    assert reason(packed(np.repeat(gradient()[:, :, None], 3, axis=2)), colour) is None
    assert reason(packed(gradient()), colour) == "picture: grey where colour is expected"
    assert reason(packed(gradient(side=6)), deep) == "picture: fewer than 8 pixels a side"


def test_png_and_npy_of_one_picture_give_one_cell():
    cells = image.read(GREY, pd.Series([png(gradient()), packed(gradient()[:, :, None])], dtype=object)).values
    assert cells[0] == cells[1]
    assert unpacked(cells[0]).shape == (32, 32)


def test_a_bad_row_takes_no_other_with_it_and_its_bytes_are_not_repeated():
    cells = pd.Series([packed(gradient()), b"PatientName=Doe^Jane", packed(gradient().T + 1)], dtype=object)
    read = image.read(GREY, cells)
    assert [fault.rows.tolist() for fault in read.rows] == [[1]]
    assert "Doe" not in repr(read.rows)
    assert read.values.notna().tolist() == [True, False, True]


def test_two_differently_broken_cells_leave_different_marks():
    one, other = (image.read(GREY, pd.Series([cell], dtype=object)).rows[0].texts for cell in (b"a", b"b"))
    assert one != other
