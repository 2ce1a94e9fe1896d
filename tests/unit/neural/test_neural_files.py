"""What a network is stored as: nothing that runs, nothing that was tampered with, nothing that needs what is absent."""

import json
import os
import pickle
import subprocess
import sys

import pytest
from safetensors.torch import load as read_weights
from safetensors.torch import save as write_weights

from wardround import models
from wardround.errors import Corrupted
from wardround.errors.extras import ExtraMissing
from wardround.models.neural.signals import Grid, Steps

WEIGHTS, FACTS = "model.safetensors", "learner.json"


@pytest.fixture(scope="module")
def files(hand):
    return hand.fitted("cnn-picture", epochs=1).save()


def changed(files, **facts):
    """The files with other facts of what was learned."""
    said = json.loads(files[FACTS])
    said["learned"] |= facts
    return files | {FACTS: json.dumps(said).encode()}


def test_it_is_weights_a_reviewed_preparation_and_plain_values(files):
    assert set(files) == {WEIGHTS, "model.skops", FACTS}
    assert json.loads(files[FACTS])["learned"]["network"] == "convolutional"


def test_weights_of_other_sizes_are_refused(files):
    tensors = read_weights(files[WEIGHTS])
    name = next(key for key in sorted(tensors) if tensors[key].dim())  # safetensors reads them in any order
    for other in (
        tensors | {name: tensors[name][:1].contiguous()},
        tensors | {name: tensors[name].double()},
        tensors | {"more": tensors[name].clone()},
        {key: value for key, value in tensors.items() if key != name},
    ):
        with pytest.raises(Corrupted, match="not of the sizes"):
            models.load(files | {WEIGHTS: write_weights(other)})


def test_weights_that_are_no_numbers_are_refused(files):
    tensors = read_weights(files[WEIGHTS])
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    with pytest.raises(Corrupted, match="a weight is not finite"):
        models.load(files | {WEIGHTS: write_weights(tensors | {name: tensors[name] * float("nan")})})


def test_a_pickle_and_half_a_file_are_refused_unread(files):
    class Bomb:
        def __reduce__(self):
            return (os._exit, (1,))

    for body in (pickle.dumps(Bomb()), files[WEIGHTS][:200], b""):
        with pytest.raises(Corrupted, match="cannot be read as safetensors"):
            models.load(files | {WEIGHTS: body})
    with pytest.raises(Corrupted, match="pickles are never read"):
        models.load(files | {"model.skops": pickle.dumps(Bomb())})


@pytest.mark.parametrize("absurd", [{"width": 10**9}, {"blocks": 10**9}, {"width": -1}, {"width": "x"}, {"more": 1}])
def test_an_architecture_out_of_bounds_costs_nothing_and_is_refused(files, absurd):
    shape = json.loads(files[FACTS])["learned"]["shape"]
    with pytest.raises(Corrupted):
        models.load(changed(files, shape=shape | absurd))


def test_a_content_out_of_bounds_costs_nothing_and_is_refused(files):
    body = json.loads(files[FACTS])["learned"]["body"]
    with pytest.raises(Corrupted):
        models.load(changed(files, body=body | {"size": [10**6, 10**6]}))
    channel = {"name": "beat", "means": (0.0,), "spreads": (1.0,)}
    for made in (
        lambda: Grid(**channel, points=10**9, step=1.0, masked=False),
        lambda: Steps(**channel, gap=1.0, most=0),
        lambda: Steps(**channel | {"spreads": ()}, gap=1.0, most=9),
    ):
        with pytest.raises(ValueError, match=r"out of bounds|no scale"):
            made()


@pytest.mark.parametrize(
    "facts",
    [
        {"network": "anything"}, {"members": 2}, {"members": 0}, {"members": 10**9},
        {"body": {"kind": "pictures"}}, {"body": None},
        {"meaning": {"kind": "classes", "names": ["a"], "weights": [], "temperatures": [], "yes_or_no": True}},
        {"meaning": {"kind": "number", "mean": "text", "spread": 1.0}},
    ],
)  # fmt: skip
def test_facts_that_are_not_those_of_a_learner_are_refused(files, facts):
    with pytest.raises(Corrupted):
        models.load(changed(files, **facts))


@pytest.mark.parametrize("name", [WEIGHTS, "model.skops"])
def test_a_missing_file_is_refused(files, name):
    with pytest.raises(Corrupted):
        models.load({key: body for key, body in files.items() if key != name})


def test_without_the_extra_it_says_what_to_install(files, hand, monkeypatch):
    for name in [each for each in sys.modules if each.startswith("wardround.models.neural")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ExtraMissing, match=r"the family dense needs torch.*wardround\[deep\]"):
        models.learner("dense", hand.use_case_of("regression"))
    with pytest.raises(ExtraMissing, match=r"the family cnn needs torch"):
        models.load(files)


def test_naming_the_families_imports_no_torch():
    code = (
        "import sys; from wardround import models; models.families('segmentation'); "
        "assert 'torch' not in sys.modules and 'skorch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
