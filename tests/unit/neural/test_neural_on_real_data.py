"""The networks on real pictures and signals: a small part of each here, the figures of the documentation when slow."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from wardround import models
from wardround.contents.arrays import packed, unpacked
from wardround.use_cases.base import Content, Target

XRAY = Content(name="xray", kind="image", channels=("grey",))
BEAT = Content(name="beat", kind="series", channels=("lead",))
CELLS = Content(name="cells", kind="image", channels=("grey",))


def frame_of(name, arrays):
    frame = pd.DataFrame({"patient_id": [f"p{i}" for i in range(len(arrays))]})
    return frame.assign(**{name: pd.Series([packed(each) for each in arrays], dtype=object)})


def xrays(folder, part):
    with np.load(folder / "pneumoniamnist" / "pneumoniamnist.npz") as held:
        return frame_of("xray", held[f"{part}_images"]), held[f"{part}_labels"][:, 0].astype(float)


def beats(folder):
    table = np.loadtxt(folder / "ecg5000" / "ECG5000_TRAIN.txt")
    time = np.arange(140) / 140
    return frame_of("beat", [np.column_stack([time, row]).astype(np.float32) for row in table[:, 1:]]), table[:, 0] - 1


def crops(folder):
    skimage = pytest.importorskip("skimage.io")
    picture, mask = (skimage.imread(folder / "nuclei" / name) for name in ("img2d.tif", "mask2d.tif"))
    places = [(slice(i, i + 64), slice(j, j + 64)) for i in range(0, 512, 64) for j in range(0, 512, 64)]
    frame = frame_of("cells", [picture[place] for place in places])
    return frame.assign(truth=pd.Series([packed(mask[place].astype(np.uint16)) for place in places], dtype=object))


def dice(learner, frame):
    """The mean Dice of the foreground over rows."""
    found = [unpacked(cell) > 0 for cell in learner.predict(frame).output]
    truth = [unpacked(cell) > 0 for cell in frame["truth"]]
    return np.mean([2 * (a & b).sum() / max(1, a.sum() + b.sum()) for a, b in zip(found, truth, strict=True)])


def test_a_small_network_tells_pneumonia_from_few_pictures(shared_data, hand):
    case = hand.use_case_of("classification", (XRAY,))
    frame, outcome = xrays(shared_data, "train")
    fresh, truth = xrays(shared_data, "val")
    setting = {"width": 8, "blocks": 2, "epochs": 6}
    learner = models.learner("cnn", case, setting).fit(frame[::8], outcome[::8], seed=0)
    assert roc_auc_score(truth, learner.predict(fresh).value) > 0.85
    shown = learner.saliency(fresh[:1])[0]
    assert shown.shape == (28, 28)


def test_a_small_network_tells_heart_beats_apart(shared_data, hand):
    case = replace(hand.use_case_of("multiclass", (BEAT,)), target=Target(column="c", allowed=(1, 2, 3, 4, 5)))
    frame, target = beats(shared_data)
    test = np.arange(500) % 5 == 0
    learner = models.learner("cnn", case, {"width": 8, "epochs": 20}).fit(frame[~test], target[~test], seed=0)
    found = learner.predict(frame[test])
    assert (found.parts.argmax(1) == target[test]).mean() > 0.85
    assert set(found.output) <= {"1", "2", "3", "4", "5"}


def test_a_small_unet_finds_nuclei_in_crops_it_did_not_see(shared_data, hand):
    case = hand.use_case_of("segmentation", (CELLS,))
    frame = crops(shared_data)
    test = np.arange(64) % 4 == 0
    learner = models.learner("unet", case, {"width": 4, "epochs": 12, "learning_rate": 0.01}).fit(
        frame[~test], np.zeros((~test).sum()), seed=0
    )
    assert dice(learner, frame[test]) > 0.7


@pytest.mark.slow
def test_by_default_pneumonia_is_told_with_an_area_above_0_94(shared_data, hand):
    train, validation = xrays(shared_data, "train"), xrays(shared_data, "val")
    frame = pd.concat([train[0], validation[0]], ignore_index=True).drop(columns="patient_id")
    learner = models.learner("cnn", hand.use_case_of("classification", (XRAY,)))
    learner.fit(frame, np.concatenate([train[1], validation[1]]), seed=0)
    fresh, truth = xrays(shared_data, "test")
    assert roc_auc_score(truth, learner.predict(fresh).value) > 0.94


@pytest.mark.slow
def test_by_default_heart_beats_are_told_with_an_accuracy_above_0_93(shared_data, hand):
    case = replace(hand.use_case_of("multiclass", (BEAT,)), target=Target(column="c", allowed=(1, 2, 3, 4, 5)))
    frame, target = beats(shared_data)
    right = []
    folds = [np.flatnonzero(np.random.default_rng(0).permutation(500) % 5 == k) for k in range(5)]
    for test in folds:
        train = np.setdiff1d(np.arange(500), test)
        learner = models.learner("cnn", case, {"members": 2}).fit(frame.iloc[train], target[train], seed=0)
        right.append(learner.predict(frame.iloc[test]).parts.argmax(1) == target[test])
    assert np.mean(right) > 0.93


@pytest.mark.slow
def test_by_default_nuclei_are_found_with_a_dice_above_0_80(shared_data, hand):
    frame, found = crops(shared_data), []
    for fold in range(4):
        test = np.arange(64) // 16 == fold  # a quarter of the picture, rows of crops together
        learner = models.learner("unet", hand.use_case_of("segmentation", (CELLS,)))
        learner.fit(frame[~test], np.zeros(48), seed=0)
        found.append(dice(learner, frame[test]))
    assert np.mean(found) > 0.80
