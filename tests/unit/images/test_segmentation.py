"""Masks are judged by overlap, outline, instances and count; the classical family finds nuclei on a slide."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wardround.contents.arrays import packed, unpacked
from wardround.errors import Corrupted, InputFault, NotTrainable, UseCaseInvalid
from wardround.models import learner, load
from wardround.problems import PROBLEMS
from wardround.problems.base import Prediction
from wardround.problems.segmentation import PARTS, SEGMENTATION, figures, instance_f1, losses, surface_distance
from wardround.use_cases import load as load_case
from wardround.use_cases.base import METRICS

NUCLEI = load_case("nuclei")
EMPTY = np.zeros((20, 20), dtype=np.int64)


def square(row: int, column: int, side: int = 6, number: int = 1) -> np.ndarray:
    mask = EMPTY.copy()
    mask[row : row + side, column : column + side] = number
    return mask


def told(true: np.ndarray, found: np.ndarray) -> dict[str, float]:
    return dict(zip(PARTS, figures(true, found), strict=True))


def test_the_problem_is_registered_under_the_declared_names():
    assert PROBLEMS["segmentation"] is SEGMENTATION
    assert tuple(metric.name for metric in SEGMENTATION.metrics) == METRICS["segmentation"]


def test_the_same_mask_under_other_numbers_is_perfect():
    assert told(square(2, 2), square(2, 2, number=7)) == {
        "dice_loss": 0, "dice": 1, "iou": 1, "surface_distance": 0, "instance_f1": 1, "count_error": 0,
    }  # fmt: skip


def test_a_shifted_square_by_hand():
    found = told(square(2, 2), square(2, 5))
    assert found["dice"] == pytest.approx(0.5)
    assert found["iou"] == pytest.approx(18 / 54)
    assert found["instance_f1"] == 0
    assert surface_distance(square(2, 2) > 0, square(2, 3) > 0) == pytest.approx(20 / 40)


def test_empty_masks_are_defined():
    assert told(EMPTY, EMPTY)["dice"] == told(EMPTY, EMPTY)["instance_f1"] == 1
    assert told(EMPTY, EMPTY)["surface_distance"] == 0
    assert told(EMPTY, square(1, 1)) == {
        "dice_loss": 1, "dice": 0, "iou": 0, "surface_distance": float(np.hypot(20, 20)), "instance_f1": 0,
        "count_error": 1,
    }  # fmt: skip


def test_two_nuclei_that_were_taken_for_one_cost_instances_and_count_but_no_overlap():
    two = square(2, 2) + square(2, 8, number=2)
    found = told(two, (two > 0).astype(np.int64))
    assert (found["dice"], found["count_error"]) == (1, 1)
    assert found["instance_f1"] == 0
    three = two + square(12, 12, number=3)
    assert instance_f1(three, np.where(three == 2, 0, three)) == pytest.approx(0.8)


def test_rows_without_truth_or_of_another_size_are_nan_and_means_are_plain():
    cells = [square(1, 1), square(1, 1), square(1, 1)]
    truths = np.array([packed(cells[0].astype(np.uint16)), None, packed(cells[2].astype(np.uint16))], dtype=object)
    output = np.array([packed(cells[0].astype(np.uint16))] * 2 + [packed(np.ones((4, 4), np.uint16))], dtype=object)
    prediction = SEGMENTATION.judged(truths, Prediction(value=np.full(3, 0.1), output=output))
    assert np.isnan(losses(np.zeros(3), prediction)).tolist() == [False, True, True]
    mean = SEGMENTATION.metric("dice").compute(np.zeros(3), prediction, 0.5)
    assert np.isnan(mean)
    assert np.isnan(SEGMENTATION.judged(truths, Prediction(value=np.zeros(3))).parts).all()


@pytest.fixture(scope="module")
def crops(shared_data) -> pd.DataFrame:
    from pydantic import SecretStr

    from wardround.settings import Settings
    from wardround.sources import read
    from wardround.sources.canonical import canonical

    settings = Settings(data=shared_data, pseudonym_key=SecretStr("a fixed key, for tests and nothing else"))
    return canonical(NUCLEI, read(NUCLEI, NUCLEI.source, settings), settings, place="nuclei")


LEARNED = (np.arange(64) // 8 + np.arange(64) % 8) % 8 < 4


@pytest.fixture(scope="module")
def fitted(crops):
    rows = crops[LEARNED].reset_index(drop=True)
    return learner("thresholding", NUCLEI, {}).fit(rows, rows["target"].to_numpy(), seed=1)


def test_dice_on_unseen_crops_of_the_slide_is_above_four_fifths(crops, fitted):
    unseen = crops[~LEARNED]
    judged = SEGMENTATION.judged(unseen["truth"].to_numpy(), fitted.predict(unseen))
    found = {metric.name: metric.compute(unseen["target"], judged, 0.5) for metric in SEGMENTATION.metrics}
    assert found["dice"] > 0.8
    assert found["instance_f1"] > 0.65
    assert found["count_error"] < 1.5


def test_a_row_gets_the_same_mask_alone_and_the_same_training_the_same_bytes(crops, fitted):
    rows = crops[LEARNED].reset_index(drop=True)
    again = learner("thresholding", NUCLEI, {}).fit(rows, rows["target"].to_numpy(), seed=1)
    assert again.save() == fitted.save()
    stored = load(fitted.save())
    whole = fitted.predict(crops)
    alone = stored.predict(crops.iloc[[17]][["crop"]])
    assert alone.output[0] == whole.output[17]
    assert alone.value[0] == whole.value[17] == (unpacked(whole.output[17]) > 0).mean()


def test_dark_objects_are_found_where_they_are_declared(crops):
    rows = crops[LEARNED].reset_index(drop=True)
    negative = rows.assign(crop=[packed(255 - unpacked(cell)) for cell in rows["crop"]])
    dark = learner("thresholding", NUCLEI, {"objects": "dark"}).fit(negative, rows["target"].to_numpy())
    judged = SEGMENTATION.judged(rows["truth"].to_numpy(), dark.predict(negative))
    assert judged.parts[:, 1].mean() > 0.75


def test_a_missing_picture_has_no_mask_and_explanations_and_saliency_are_there(crops, fitted):
    rows = crops.iloc[:3].copy()
    rows["crop"] = [None, *rows["crop"].iloc[1:]]
    made = fitted.predict(rows)
    assert made.output[0] is None
    assert np.isnan(made.value).tolist() == [True, False, False]
    explained = fitted.explain(rows)
    assert np.allclose(explained.sum(axis=1).iloc[1:], made.value[1:])
    assert fitted.saliency(rows)[1].shape == (64, 64)


def test_wrong_parameters_rows_and_files_are_refused(crops, fitted):
    rows = crops[LEARNED].reset_index(drop=True)
    with pytest.raises(UseCaseInvalid, match="otsu, local"):
        learner("thresholding", NUCLEI, {"threshold": "best"}).fit(rows, rows["target"].to_numpy())
    empty = rows.assign(truth=[packed(np.zeros((64, 64), np.uint16))] * len(rows))
    with pytest.raises(NotTrainable):
        learner("thresholding", NUCLEI, {}).fit(empty, rows["target"].to_numpy())
    with pytest.raises(InputFault, match="columns the model needs are missing"):
        fitted.predict(crops[["crop_mean"]])
    with pytest.raises(Corrupted):
        load({**fitted.save(), "model.json": b'{"offset": "a"}'})


@settings(max_examples=30, deadline=None)
@given(*(arrays(np.int64, (9, 7), elements=st.integers(0, 3)) for _ in range(2)))
def test_outline_and_instance_figures_are_those_of_their_definitions_pair_by_pair(true, found):
    def outline(mask):
        around = np.pad(mask, 1)
        inner = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
        return np.argwhere(mask & ~inner)

    one, other = outline(true > 0), outline(found > 0)
    if len(one) and len(other):
        ways = np.hypot(*np.moveaxis(one[:, None] - other[None], 2, 0))
        expected = np.concatenate([ways.min(axis=1), ways.min(axis=0)]).mean()
        assert surface_distance(true > 0, found > 0) == pytest.approx(expected)
    mine, theirs = ([mask == number for number in np.unique(mask[mask > 0])] for mask in (true, found))
    hits = sum((a & b).sum() / (a | b).sum() > 0.5 for a in mine for b in theirs)
    total = len(mine) + len(theirs)
    assert instance_f1(true, found) == pytest.approx(2 * hits / total if total else 1.0)
