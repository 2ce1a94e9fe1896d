"""What networks are given of pictures and series: sizes, scales, gaps, masks; and where an answer comes from."""

import numpy as np
import pandas as pd
import pytest

from wardround import models
from wardround.contents.arrays import packed, unpacked
from wardround.errors import InputFault, NotTrainable
from wardround.models.neural.inputs import Pictures
from wardround.models.neural.loop import Rows, asked
from wardround.models.neural.networks import built
from wardround.models.neural.segmenting import _cores, _instances, _tiles
from wardround.models.neural.signals import Grid, Steps


def column(*arrays):
    return pd.DataFrame({"c": pd.Series([None if each is None else packed(each) for each in arrays], dtype=object)})


def steps_of(*arrays, most=512):
    return Steps.of("c", arrays[0].shape[1] - 1, column(*arrays), most=most)


def test_a_step_holds_the_last_value_whether_it_was_seen_and_for_how_long_not():
    series = np.array([[0, 10.0], [1, np.nan], [3, np.nan], [4, 20.0]], dtype=np.float32)
    made, notes = steps_of(series)
    assert notes == ()
    assert (made.means, made.spreads, made.gap) == ((15.0,), (5.0,), pytest.approx(4 / 3))
    (found,) = made.prepared(column(series))
    assert found[:, 0].tolist() == [-1, -1, -1, 1]
    assert found[:, 1].tolist() == [1, 0, 0, 1]
    assert found[:, 2] == pytest.approx(np.log1p(np.array([0, 1, 3, 4]) * 3 / 4))
    assert found[:, 3].tolist() == [1, 1, 1, 1]


def test_what_was_never_measured_stands_at_the_mean_and_says_so():
    series = np.array([[0, np.nan, 1.0], [2, np.nan, 3.0]], dtype=np.float32)
    (found,) = steps_of(series)[0].prepared(column(series))
    assert found[:, 0].tolist() == [0, 0]
    assert found[:, 2].tolist() == [0, 0]


def test_what_was_seen_long_ago_fades_towards_the_mean():
    network = built("recurrent", {"cell": 0, "channels": 1, "plain": 0, "outputs": 1, "width": 4, "layers": 1,
                                  "dropout": 0.0}).eval()  # fmt: skip
    network.decay.data.fill_(1.0)
    steps = np.array([[3.0, 1, 0, 1], [3.0, 0, 0.1, 1], [3.0, 0, 5.0, 1]], dtype=np.float32)
    seen = []
    network.steps.register_forward_pre_hook(lambda module, given: seen.append(given[0].data))
    asked(network, Rows(x=[steps]), by_row=True)
    now, soon, late = seen[0][:, 0].tolist()
    assert now == 3.0 > soon > late > 0
    assert late < 0.01


def test_a_short_series_is_not_changed_by_a_long_one_beside_it():
    generator = np.random.default_rng(0)
    series = [np.column_stack([np.arange(n), generator.normal(size=n)]).astype(np.float32) for n in (1, 4, 40)]
    made, _ = steps_of(*series)
    network = built("recurrent", {"cell": 1, "channels": 1, "plain": 0, "outputs": 2, "width": 8, "layers": 2,
                                  "dropout": 0.1}).eval()  # fmt: skip
    rows = Rows(x=made.prepared(column(*series)))
    alone, together = (np.array(asked(network, rows, by_row=by_row)) for by_row in (True, False))
    assert alone == pytest.approx(together, abs=1e-6)


def test_too_long_a_series_is_thinned_and_it_is_noted():
    series = np.column_stack([np.arange(100), np.zeros(100)]).astype(np.float32)
    made, notes = steps_of(series, most=30)
    assert notes == ("series of more than 30 steps are thinned",)
    assert made.prepared(column(series))[0].shape == (25, 4)


def test_a_grid_is_the_series_itself_where_all_are_alike():
    series = [np.column_stack([np.arange(20) / 50, np.sin(np.arange(20) + k)]).astype(np.float32) for k in (0, 1)]
    made, notes = Grid.of("c", 1, column(*series), most=512)
    assert (notes, made.masked, made.points) == ((), False, 20)
    for found, own in zip(made.prepared(column(*series)), series, strict=True):
        assert found[0] * made.spreads[0] + made.means[0] == pytest.approx(own[:, 1], abs=1e-4)


def test_a_grid_says_where_nothing_was_measured():
    whole = np.column_stack([np.arange(20), np.ones(20)]).astype(np.float32)
    short, gone = whole[:10].copy(), whole.copy()
    gone[:, 1] = np.nan
    made, notes = Grid.of("c", 1, column(whole, whole, short), most=512)
    assert made.masked
    assert notes == ("series are brought to 20 points",)
    full, half, none = made.prepared(column(whole, short, gone))
    assert full[1].tolist() == [1] * 20
    assert half[1].tolist() == [1] * 10 + [0] * 10
    assert none.any() == np.False_


def test_a_signal_at_half_the_rate_looks_the_same_on_the_grid():
    time = np.arange(101) / 100
    fine = np.column_stack([time, np.sin(2 * np.pi * time)]).astype(np.float32)
    made, _ = Grid.of("c", 1, column(fine), most=512)
    one, other = made.prepared(column(fine, fine[::2]))
    assert one == pytest.approx(other, abs=0.01)


def test_a_series_without_a_step_has_no_input():
    whole = np.column_stack([np.arange(5), np.ones(5)]).astype(np.float32)
    made, _ = Grid.of("c", 1, column(whole), most=512)
    assert made.prepared(column(whole[:0], None)) == [None, None]


def test_rows_none_of_which_has_a_content_teach_nothing():
    for learn in (lambda f: Grid.of("c", 1, f, most=9), lambda f: Pictures.of("c", f, enhance="none", largest=9)):
        with pytest.raises(NotTrainable, match="no row has such a"):
            learn(column(None, None))


def test_pictures_of_other_sizes_are_brought_to_the_commonest_and_it_is_noted():
    made, notes = Pictures.of("c", column(*[np.zeros((10, 8))] * 2, np.ones((40, 40))), enhance="none", largest=64)
    assert notes == ("pictures of other sizes are brought to 10 x 8",)
    assert [each.shape for each in made.prepared(column(np.ones((40, 40)), np.ones((3, 3))))] == [(1, 10, 8)] * 2
    large, notes = Pictures.of("c", column(np.zeros((300, 600))), enhance="none", largest=100)
    assert large.size == (50, 100)
    assert notes == ("pictures of other sizes are brought to 50 x 100",)


def test_whole_numbers_are_read_by_the_range_of_their_type():
    grey = np.linspace(0, 255, 64).reshape(8, 8).astype(np.uint8)
    made, _ = Pictures.of("c", column(grey), enhance="none", largest=64)
    assert made.prepared(column(grey))[0].mean() == pytest.approx(0, abs=1e-5)
    assert made.prepared(column(grey.astype(np.uint16) * 257))[0] == pytest.approx(made.prepared(column(grey))[0])


def test_a_colour_picture_is_refused_where_grey_was_learned():
    made, _ = Pictures.of("c", column(np.zeros((8, 8), dtype=np.uint8)), enhance="none", largest=64)
    with pytest.raises(InputFault, match="a picture has 3 channel"):
        made.prepared(column(np.zeros((8, 8, 3), dtype=np.uint8)))
    with pytest.raises(InputFault, match="no picture"):
        made.prepared(column(np.zeros(8, dtype=np.uint8)))
    colour, _ = Pictures.of("c", column(np.zeros((8, 9, 3), dtype=np.uint8)), enhance="none", largest=64)
    assert colour.prepared(column(np.ones((8, 9, 3), dtype=np.uint8)))[0].shape == (3, 8, 9)


def test_a_series_of_other_channels_is_refused():
    made, _ = Grid.of("c", 1, column(np.zeros((5, 2), dtype=np.float32)), most=9)
    with pytest.raises(InputFault, match="no series of 1 channel"):
        made.prepared(column(np.zeros((5, 3), dtype=np.float32)))


def test_a_missing_column_is_named(case):
    _, learner, frame = case
    for name in learner.columns:
        with pytest.raises(InputFault, match=name):
            learner.predict(frame.drop(columns=name))


def test_columns_may_come_in_another_order_and_beside_others(case, hand):
    _, learner, frame = case
    shuffled = frame[sorted(frame.columns, reverse=True)].assign(surplus=1.0)[:6]
    assert hand.same(learner.predict(shuffled), learner.predict(frame[:6]))


def test_an_answer_is_the_prediction_and_the_explanation(case, hand):
    _, learner, frame = case
    given = {name: frame[name].tolist()[:3] for name in learner.columns}
    prediction, explained = learner.answer(given)
    assert hand.same(prediction, learner.predict(frame[:3]))
    assert np.array_equal(explained, learner.explain(frame[:3]).to_numpy())


def spotted(count=80):
    """Pictures of noise, half of them with a bright spot at the lower left."""
    generator = np.random.default_rng(0)
    outcome = np.arange(count) % 2
    pictures = generator.normal(100, 10, (count, 16, 16))
    pictures[outcome == 1, 12:, :4] += 60
    frame = pd.DataFrame({"patient_id": [f"p{i}" for i in range(count)]})
    frame["picture"] = pd.Series([packed(each.clip(0, 255).astype(np.uint8)) for each in pictures], dtype=object)
    return frame, outcome.astype(float)


def test_explanation_and_saliency_point_to_where_the_finding_is(hand):
    frame, outcome = spotted()
    setting = {"epochs": 20, "width": 4, "augment": "none", "patience": 0, "blocks": 2}
    learner = models.learner("cnn", hand.use_case_of("classification", (hand.PICTURE,)), setting).fit(frame, outcome)
    assert ((learner.predict(frame).value > 0.5) == outcome).mean() > 0.95
    explained = learner.explain(frame[outcome == 1])
    assert explained.shape[1] == 16
    assert explained.mean().idxmax() == "picture row 4 column 1"
    shown = learner.saliency(frame[outcome == 1])
    where = np.mean([np.abs(each) for each in shown], axis=0)
    assert where.shape == (16, 16)
    assert where[12:, :4].mean() > 3 * where[:8, 8:].mean()


def test_an_explanation_of_a_reconstruction_adds_up_to_the_error(hand):
    frame = hand.rows()[0]
    for name in ("autoencoder-features", "autoencoder-picture", "autoencoder-series"):
        learner = hand.kept(name)
        value = learner.predict(frame).value
        known = np.isfinite(value)
        assert learner.explain(frame).sum(axis=1).to_numpy()[known] == pytest.approx(value[known], rel=1e-4), name
        error, of_mean, flagged = learner.predict(frame).parts[known].T
        assert np.array_equal(error, value[known])
        assert 0 < flagged.mean() < 0.5
        assert of_mean.mean() == pytest.approx(1, abs=0.6), name


def test_a_strange_row_is_rebuilt_badly(hand):
    frame = hand.rows()[0]
    strange = frame.copy()
    strange["age"] += 60
    inverted = [None if cell is None else packed(255 - unpacked(cell)) for cell in frame["picture"]]
    strange["picture"] = pd.Series(inverted, dtype=object)
    for name in ("autoencoder-features", "autoencoder-picture"):
        learner = hand.kept(name)
        usual, found = learner.predict(frame), learner.predict(strange)
        assert np.nanmedian(found.value) > np.nanmax(usual.value), name
        assert (found.output[np.isfinite(found.value)] == "unusual").mean() > 0.9


def test_objects_that_touch_are_told_apart_by_their_cores():
    mask = np.zeros((12, 12), dtype=np.uint16)
    mask[2:10, 1:6], mask[2:10, 6:11] = 1, 2
    cores = _cores(mask)
    assert cores[5, 3]
    assert not cores[5, 5]
    found = _instances(mask > 0, cores)
    assert found.dtype == np.uint16
    assert len(np.unique(found)) == 3
    assert all(len(np.unique(found[mask == each])) == 1 for each in (0, 1, 2))
    lonely = np.zeros((12, 12), dtype=bool)
    lonely[0, 0] = lonely[11, 11] = True
    assert np.unique(_instances(lonely, np.zeros_like(lonely))).tolist() == [0, 1, 2]
    assert not _instances(np.zeros((5, 5), dtype=bool), np.zeros((5, 5), dtype=bool)).any()


def test_a_picture_of_any_size_gives_tiles_and_a_mask_of_its_own_size(hand):
    assert [each.shape for each in _tiles(np.zeros((2, 20, 9), dtype=np.float32), 16)] == [(2, 16, 16)] * 2
    learner, frame = hand.kept("unet"), hand.rows()[0]
    found = learner.predict(frame)
    for i, cell in enumerate(frame["picture"]):
        if cell is not None:
            mask = unpacked(found.output[i])
            assert (mask.shape, mask.dtype) == (unpacked(cell).shape, np.uint16)
            assert found.value[i] == pytest.approx((mask > 0).mean())
    assert learner.explain(frame).sum(axis=1).drop(5).to_numpy() == pytest.approx(np.delete(found.value, 5))


def test_a_mask_of_another_size_than_its_picture_is_refused(hand):
    frame, severity = hand.rows()
    frame.at[0, "truth"] = packed(np.zeros((3, 3), dtype=np.uint16))
    learner = models.learner("unet", hand.use_case_of("segmentation", (hand.PICTURE,)), {"epochs": 1})
    with pytest.raises(InputFault, match="not of its picture's size"):
        learner.fit(frame, severity)
