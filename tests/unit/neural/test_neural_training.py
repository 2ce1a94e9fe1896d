"""How networks are trained: patients held out, early stopping, class weights, calibration, what is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from wardround import models
from wardround.errors import NotTrainable, UseCaseInvalid
from wardround.models.neural import loop
from wardround.models.neural.answers import Classes, Number
from wardround.models.neural.parameters import faults
from wardround.models.neural.rebuilding import Autoencoder


def test_a_patient_is_held_out_with_all_rows_or_with_none():
    patients = np.repeat(np.arange(40), 3)
    held = loop.held_out(np.zeros(120), patients, seed=1, fold=0)
    assert held.sum() == 24
    assert all(len(set(held[patients == patient])) == 1 for patient in range(40))


def test_every_patient_is_held_out_once_over_the_folds():
    patients, strata = np.arange(50), np.tile([0.0, 1.0], 25)
    assert (sum(loop.held_out(strata, patients, seed=1, fold=k).astype(int) for k in range(5)) == 1).all()


def test_each_class_gives_its_share_and_a_class_of_few_patients_none():
    strata = np.array([0.0] * 50 + [1.0] * 10 + [2.0] * 4)
    for fold in range(5):
        held = loop.held_out(strata, np.arange(64), seed=0, fold=fold)
        assert [int(held[strata == each].sum()) for each in (0, 1, 2)] == [10, 2, 0]


def test_who_is_held_out_does_not_hang_on_the_patients_names():
    strata, patients = np.tile([0.0, 1.0], 30), np.repeat(np.arange(30), 2)
    renamed = np.array([f"{(7 * patient) % 31:x}" for patient in patients])
    first, other = (loop.held_out(strata, names, seed=3, fold=0) for names in (patients, renamed))
    assert np.array_equal(first, other)


class Told(list):
    """What was said of the progress."""

    def __call__(self, sentence, share):
        self.append((sentence, share))

    @property
    def losses(self):
        return [float(re.search(r"loss (\S+)", sentence)[1]) for sentence, _ in self]


def test_progress_is_told_per_epoch(hand):
    frame, severity = hand.rows()
    told = Told()
    setting = {"epochs": 3, "members": 2, "patience": 0}
    models.learner("dense", hand.use_case_of("regression"), setting).fit(frame, severity, progress=told)
    assert [sentence.split(":")[0] for sentence, _ in told][:2] == [
        "network 1 of 2, epoch 1 of 3", "network 1 of 2, epoch 2 of 3"
    ]  # fmt: skip
    assert [share for _, share in told] == pytest.approx(np.arange(1, 7) / 6)


def test_training_stops_when_held_out_patients_gain_nothing_and_keeps_the_best_weights(hand):
    frame, severity = hand.rows()
    noise = np.random.default_rng(0).permutation(severity)
    told = Told()
    setting = {"epochs": 400, "patience": 5, "learning_rate": 0.01, "dropout": 0.0}
    learner = models.learner("dense", hand.use_case_of("regression"), setting).fit(frame, noise, progress=told)
    assert len(told) < 400
    assert len(told) - 1 - int(np.argmin(told.losses)) == 5
    examples = learner.examples(frame, noise)
    held = np.flatnonzero(loop.held_out(examples.strata, frame["patient_id"].to_numpy(), seed=0, fold=0))
    network = learner.members[0]
    kept = loop.held_loss(network, examples.rows, examples.wanted, learner.loss, held, device="cpu")
    assert kept == pytest.approx(min(told.losses), abs=1e-3)


def test_without_patience_nobody_is_held_out_and_nothing_calibrated(hand):
    frame, severity = hand.rows()
    told = Told()
    learner = models.learner("dense", hand.use_case_of("classification"), {"epochs": 7, "patience": 0})
    learner.fit(frame, (severity > 0).astype(float), progress=told)
    assert len(told) == 7
    assert not learner.calibrated


def test_with_too_few_patients_to_hold_some_out_it_says_so(hand):
    frame, severity = hand.rows()
    frame, severity = frame.iloc[:8], np.tile([0.0, 1.0], 4)
    learner = models.learner("dense", hand.use_case_of("classification"), {"epochs": 3}).fit(frame, severity)
    assert any("too few patients" in note for note in learner.notes)
    assert not learner.calibrated


def test_each_member_holds_other_patients_out(hand):
    frame, severity = hand.rows()
    seen = []
    learner = models.learner("dense", hand.use_case_of("regression"), {"epochs": 1, "members": 3})
    settle = learner.settle
    learner.settle = lambda examples, held, patients: (seen.extend(held), settle(examples, held, patients))
    learner.fit(frame, severity)
    patients = [set(frame["patient_id"].iloc[index]) for index in seen]
    assert len(patients) == 3
    assert not patients[0] & patients[1]
    assert not patients[0] & patients[2]


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_both_optimisers_learn(optimiser, hand):
    frame, severity = hand.rows()
    setting = {"epochs": 40, "optimiser": optimiser, "learning_rate": 0.01, "patience": 0}
    found = models.learner("dense", hand.use_case_of("regression"), setting).fit(frame, severity).predict(frame)
    assert np.corrcoef(found.value, severity)[0, 1] > 0.8


def rare(hand):
    """Rows of which one in eight has the outcome, which can hardly be told from the others."""
    frame, _ = hand.rows(320, seed=4)
    generator = np.random.default_rng(0)
    outcome = (np.arange(320) % 8 == 0).astype(float)
    frame["age"] = 60 + 4 * outcome + generator.normal(0, 5, 320)
    frame["patient_id"] = frame["record_id"]
    return frame, outcome


def test_class_weights_make_training_see_the_rare_class_and_leave_probabilities_true(hand, monkeypatch):
    frame, outcome = rare(hand)
    setting = {"epochs": 30, "class_weights": "balanced"}
    learner = models.learner("dense", hand.use_case_of("classification"), setting).fit(frame, outcome)
    assert learner.meaning.weights == pytest.approx((320 / 560, 320 / 80))
    mean = learner.predict(frame).value.mean()
    assert mean == pytest.approx(outcome.mean(), abs=0.08)
    learner.meaning = replace(learner.meaning, weights=(1.0, 1.0))
    assert learner.predict(frame).value.mean() > 2 * outcome.mean()  # what the weights would do, not taken out again


def test_a_temperature_undoes_how_much_too_sure_the_outputs_are():
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 1.5, (4000, 3))
    chance = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    target = np.array([generator.choice(3, p=each) for each in chance], dtype=float)
    made = Classes.of(("a", "b", "c"), target, balanced=False, yes_or_no=False)
    made.settle([3 * logits, 0.5 * logits], [target, target], [np.arange(4000)] * 2)
    assert made.temperatures == pytest.approx((3.0, 0.5), rel=0.1)
    found = made.prediction(np.stack([3 * logits, 0.5 * logits]))
    assert found.parts == pytest.approx(chance, abs=0.03)
    assert (found.output == np.array(["a", "b", "c"])[chance.argmax(1)]).mean() > 0.99


def test_an_interval_holds_nine_in_ten():
    generator = np.random.default_rng(0)
    target, output = generator.normal(5, 2, 20_000), np.zeros((20_000, 1))
    made = Number.of(target)
    made.settle([output[:10_000]], [target[:10_000]], [np.arange(10_000)])
    found = made.prediction(output[None, 10_000:])
    inside = (target[10_000:] >= found.low) & (target[10_000:] <= found.high)
    assert inside.mean() == pytest.approx(0.9, abs=0.015)


@pytest.mark.parametrize(
    ("family", "parameters", "said"),
    [
        ("dense", {"optimiser": "lion"}, "optimiser is one of adam, sgd"),
        ("dense", {"depth": 3}, "dense has no parameter 'depth'"),
        ("dense", {"epochs": 0}, "epochs is at least 1"),
        ("dense", {"epochs": 2.5}, "epochs is a whole number"),
        ("dense", {"learning_rate": 0.0}, "learning_rate is above 0"),
        ("dense", {"dropout": 1.0}, "dropout is at least 0 and below 1"),
        ("cnn", {"largest": 8193}, "largest is at most 8192"),
        ("cnn", {"kernel": 4}, "kernel is odd"),
        ("cnn", {"blocks": 9}, "blocks is from 1 to 8"),
        ("recurrent", {"cell": "rnn"}, "cell is one of gru, lstm"),
    ],
)
def test_parameters_a_network_cannot_have_are_named(family, parameters, said, hand):
    case = hand.use_case_of("classification", (hand.PICTURE, hand.SERIES))
    with pytest.raises(UseCaseInvalid, match=re.escape(said)):
        models.learner(family, case, parameters)


def test_a_grid_of_a_search_is_checked_value_by_value(hand):
    learner = models.learner("dense", hand.use_case_of("classification"))
    learner.check_parameters({"width": (16, 32), "optimiser": ("adam",)})
    with pytest.raises(UseCaseInvalid, match="width is at least 1"):
        learner.check_parameters({"width": (16, 0)})
    assert faults({"flag": (0.05, 1.0)}, Autoencoder.defaults) == ("flag is at least 0 and below 1",)


def test_a_content_that_is_not_there_is_named(hand):
    frame, severity = hand.rows()
    learner = models.learner("cnn", hand.use_case_of("regression", (hand.SERIES,)), {"content": "scan"})
    with pytest.raises(UseCaseInvalid, match="needs a content of kind image or series called 'scan'"):
        learner.fit(frame, severity)


def test_weights_that_leave_the_range_of_numbers_are_refused_in_words(hand):
    frame, severity = hand.rows()
    setting = {"optimiser": "sgd", "learning_rate": 1e12}
    with pytest.raises(NotTrainable, match=r"left the range of numbers\. Lower learning_rate"):
        models.learner("dense", hand.use_case_of("regression"), setting).fit(frame, severity)


def test_rows_of_one_class_only_are_refused(hand):
    frame, severity = hand.rows()
    with pytest.raises(NotTrainable, match="not of two classes at least"):
        models.learner("dense", hand.use_case_of("classification")).fit(frame, np.zeros(len(severity)))


def test_what_torch_refuses_is_told_and_a_mistake_of_ours_is_not_taken_for_it(hand, monkeypatch):
    frame, severity = hand.rows()
    made = models.learner("dense", hand.use_case_of("regression"), {"epochs": 1})

    def wrong(*_):
        raise ValueError("ours")

    def fit_without(where, name):
        with monkeypatch.context() as patched:
            patched.setattr(where, name, wrong)
            made.fit(frame, severity)

    with pytest.raises(NotTrainable, match=r"cannot be fitted .*\(ValueError\)"):
        fit_without(loop, "_given")
    for name in ("loss", "examples", "settle"):
        with pytest.raises(ValueError, match="ours"):
            fit_without(made, name)


def test_a_networks_interval_counts_held_out_patients_and_not_their_rows():
    target = np.array([1.0, -2.0, 3.0, -4.0, 5.0])
    made = Number(mean=0.0, spread=1.0)
    made.settle([np.zeros((5, 1))], [target], [np.arange(5)])
    assert made.half_width is None  # of five patients none is a tenth
    made.settle([np.zeros((50, 1))], [np.repeat(target, 10)], [np.repeat(np.arange(5), 10)])
    assert made.half_width is None
    made.settle([np.zeros((10, 1))], [np.arange(10.0)], [np.arange(10)])
    assert made.half_width == 9.0


def test_rows_without_an_outcome_are_held_out_as_a_stratum_of_their_own(hand):
    frame, severity = hand.rows()
    some = np.where(np.arange(len(severity)) // 2 % 2, np.nan, (severity > 0).astype(float))
    learner = models.learner("autoencoder_features", hand.use_case_of("classification"), {"epochs": 1})
    examples = learner.fit(frame, some).examples(frame, some)
    assert set(examples.strata[np.isnan(some)]) == {-1.0}


def test_who_is_flagged_is_taken_from_held_out_rows_and_said_where_there_are_none(hand):
    frame, severity = hand.rows()
    case = hand.use_case_of("anomaly")
    asked = models.learner("autoencoder", case, {"epochs": 2, "of": "features", "flag": 0.2}).fit(frame, severity)
    examples = asked.examples(frame, severity)
    held = loop.held_out(examples.strata, frame["patient_id"].to_numpy(), seed=0, fold=0)
    scores = np.sort(asked.predict(frame).value[held])
    assert asked.unusual == pytest.approx(scores[int(np.ceil((len(scores) + 1) * 0.8)) - 1])
    assert not any("nobody was held out" in note for note in asked.notes)
    learner = models.learner("autoencoder", case, {"epochs": 2, "of": "features", "patience": 0})
    assert any("more than the asked share" in note for note in learner.fit(frame, severity).notes)


def test_a_search_goes_over_a_networks_parameters(hand):
    frame, severity = hand.rows()
    learner = models.learner("dense", hand.use_case_of("regression"), {"epochs": 2})
    patients = frame["patient_id"].to_numpy()
    trial = learner.trial(frame, severity, patients, None, 0)
    made = trial.estimator.set_params(width=8).fit(trial.matrix, severity)
    assert made.made.shape["width"] == 8
    assert len(trial.predict(made, trial.matrix).value) == len(frame)


def test_rows_without_an_outcome_teach_an_autoencoder_and_no_other(hand):
    frame, severity = hand.rows()
    outcome = (severity > 0).astype(float)
    some = np.where(np.arange(len(outcome)) % 2, np.nan, outcome)
    learner = models.learner("autoencoder_features", hand.use_case_of("classification"), {"epochs": 100})
    found = learner.fit(frame, some).predict(frame).value
    assert np.corrcoef(found, outcome)[0, 1] > 0.4
    assert len(learner.examples(frame, some).origin) == len(frame)
    other = models.learner("dense", hand.use_case_of("classification"), {"epochs": 1}).fit(frame, some)
    assert len(other.examples(frame, some).origin) == len(frame) // 2


def test_a_shift_moves_each_picture_whole_and_little():
    x = torch.arange(2 * 20 * 20, dtype=torch.float32).reshape(2, 1, 20, 20)
    moved = loop.shifted(x, torch.Generator().manual_seed(0), share=0.1)
    down, across = (moved - x)[:, 0, 8, 8] // 20, (moved - x)[:, 0, 8, 8] % 20
    assert not torch.equal(moved, x)
    assert ((moved - x)[:, 0, 5:15, 5:15] == (moved - x)[:, :, 8, 8][:, :, None]).all()
    assert (down.abs() <= 3).all()
    assert ((across <= 2) | (across >= 18)).all()
    flipped = loop.shifted(x, torch.Generator().manual_seed(1), share=0.0, flip=True)
    assert all(torch.equal(a, b) or torch.equal(a, b.flip(-1)) for a, b in zip(flipped, x, strict=True))
