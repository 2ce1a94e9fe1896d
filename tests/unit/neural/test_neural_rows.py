"""A row gets the same answer alone and in any company, the same training gives the same files."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch

from wardround import models
from wardround.models.neural import learner as learner_module
from wardround.models.neural import networks


def test_a_row_has_the_same_bits_alone_in_any_batch_and_at_any_place(case, hand):
    _, learner, frame = case
    together = learner.predict(frame)
    assert all(hand.same(learner.predict(frame.iloc[[i]]), hand.sliced(together, [i])) for i in range(len(frame)))
    for size in (2, 3, 7, 33):
        places = slice(size, 2 * size)
        assert hand.same(learner.predict(frame.iloc[places]), hand.sliced(together, places))
    order = np.random.default_rng(0).permutation(len(frame))
    assert hand.same(learner.predict(frame.iloc[order]), hand.sliced(together, order))


def test_an_explanation_and_a_saliency_are_the_same_alone(case):
    _, learner, frame = case
    some = frame.iloc[[8, 5, 0]]
    explained, shown = learner.explain(some), learner.saliency(some)
    for i in range(3):
        alone = some.iloc[[i]]
        assert explained.iloc[[i]].equals(learner.explain(alone))
        if shown is not None:
            own = learner.saliency(alone)[0]
            assert (own is None and shown[i] is None) or np.array_equal(own, shown[i])


def test_no_rows_get_no_predictions(case):
    _, learner, frame = case
    nothing = frame.iloc[:0]
    assert len(learner.predict(nothing)) == 0
    assert learner.explain(nothing).shape == (0, learner.explain(frame.iloc[:1]).shape[1])


def test_saving_and_loading_changes_no_bit(case, hand):
    _, learner, frame = case
    again = models.load(learner.save())
    assert hand.same(learner.predict(frame), again.predict(frame))
    assert learner.explain(frame[:4]).equals(again.explain(frame[:4]))
    assert again.save() == learner.save()
    assert (again.levels, again.calibrated, again.notes) == (learner.levels, learner.calibrated, learner.notes)


def test_the_same_seed_gives_the_same_bytes_whatever_ran_before(case, hand):
    name, learner, _ = case
    torch.manual_seed(99)
    torch.rand(7)
    assert hand.fitted(name).save() == learner.save()


def test_fitting_leaves_torch_as_it_was(hand):
    torch.set_num_threads(2)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    try:
        hand.fitted("dense-classification", epochs=1)
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.get_rng_state(), before)
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.set_num_threads(1)


def test_askers_in_several_threads_get_the_same_bits_and_leave_torch_as_it_was(hand):
    learner, frame = hand.fitted("cnn-series", epochs=1), hand.rows()[0]
    together = learner.predict(frame)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: learner.predict(frame), range(8)))
    assert all(hand.same(each, together) for each in found)
    assert not torch.are_deterministic_algorithms_enabled()


def test_another_seed_gives_another_network(hand):
    frame, severity = hand.rows()
    case = hand.use_case_of("regression")
    made = [models.learner("dense", case, {"epochs": 1}).fit(frame, severity, seed=seed).save() for seed in (0, 1)]
    assert made[0]["model.safetensors"] != made[1]["model.safetensors"]


@pytest.mark.parametrize("name", ["cnn-picture", "dense-classification"])
def test_without_its_guard_a_row_hangs_on_its_neighbours(name, hand, monkeypatch):
    learner, frame = hand.kept(name), hand.rows()[0]
    frame = pd.concat([frame] * 4, ignore_index=True)
    monkeypatch.setattr(learner_module, "BY_ROW", frozenset())
    monkeypatch.setattr(networks.Ordered, "forward", torch.nn.Linear.forward)
    together = learner.predict(frame)
    alone = [learner.predict(frame.iloc[[i]]) for i in range(40)]
    if all(hand.same(one, hand.sliced(together, [i])) for i, one in enumerate(alone)):
        pytest.skip("this machine rounds every shape of batch alike")


def test_what_is_asked_without_a_picture_or_a_signal_has_no_answer(case):
    name, learner, frame = case
    found = learner.predict(frame)
    without_content = set(learner.columns) <= set(learner.use_case.feature_names)
    assert np.isnan(found.value).tolist() == [i == 5 and not without_content for i in range(len(frame))], name
    if found.output is not None and not without_content:
        assert found.output[5] is None


def test_it_learns_what_can_be_seen(hand):
    frame, severity = hand.rows()
    for name in ("autoencoder_features", "recurrent-regression", "lstm"):
        problem = hand.FAMILIES[name][1]
        value = hand.fitted(name, epochs=30, members=1).predict(frame).value
        known = np.isfinite(value)
        assert np.corrcoef(value[known], hand.outcome(problem, severity)[known])[0, 1] > 0.6, name
