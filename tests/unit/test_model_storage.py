"""A stored model is data: nothing in it runs when it is loaded, and the same model gives the same bytes."""

import io
import pickle
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from wardround.errors import Corrupted
from wardround.models import storage


class Trap:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code ran')",))


def fitted():
    return LinearRegression().fit(np.arange(10.0)[:, None], np.arange(10.0))


def test_a_pickle_is_refused_unread():
    with pytest.raises(Corrupted, match="pickles are never read"):
        storage.loads(pickle.dumps(Trap()), place="model")


def test_a_type_that_was_not_reviewed_is_refused_by_name():
    body = skops.io.dumps(make_pipeline(FunctionTransformer(subprocess.getoutput)))
    with pytest.raises(Corrupted, match=r"not reviewed: subprocess.getoutput"):
        storage.loads(body, place="model")
    with pytest.raises(ValueError, match=r"subprocess.getoutput"):
        storage.dumps(make_pipeline(FunctionTransformer(subprocess.getoutput)))


def test_without_the_list_that_type_would_be_loaded(monkeypatch):
    body = skops.io.dumps(make_pipeline(FunctionTransformer(subprocess.getoutput)))
    monkeypatch.setattr(storage, "REVIEWED", storage.REVIEWED | {"subprocess.getoutput"})
    assert storage.loads(body, place="model").steps[0][1].func is subprocess.getoutput


def test_a_pickled_array_inside_the_archive_is_not_run():
    body = storage.dumps(fitted())
    trap = io.BytesIO()
    np.save(trap, np.array([Trap()], dtype=object), allow_pickle=True)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, trap.getvalue() if name.endswith(".npy") else old.read(name))
    with pytest.raises(Corrupted):
        storage.loads(out.getvalue(), place="model")


@pytest.mark.parametrize("cut", [0, 10, 500])
def test_a_truncated_archive_is_refused(cut):
    with pytest.raises(Corrupted):
        storage.loads(storage.dumps(fitted())[:cut], place="model")


def test_an_archive_of_something_else_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(Corrupted, match="cannot be read"):
        storage.loads(out.getvalue(), place="model")


def test_another_process_writes_the_same_bytes():
    code = (
        "import sys, numpy as np\n"
        "from sklearn.linear_model import LinearRegression\n"
        "from wardround.models import storage\n"
        "junk = [object() for _ in range(12345)]\n"
        "x = np.arange(10.0)\n"
        "sys.stdout.buffer.write(storage.dumps(LinearRegression().fit(x[:, None], x)))\n"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert other == storage.dumps(fitted())


def most_held(model):
    """How often the size of its archive is held at most while *model* is written."""
    size = len(skops.io.dumps(model))
    tracemalloc.start()
    try:
        storage.dumps(model)
        return tracemalloc.get_traced_memory()[1] / size
    finally:
        tracemalloc.stop()


def test_an_archive_is_held_once_while_it_is_written_and_twice_if_it_were_copied(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(4_000, 4))
    forest = RandomForestRegressor(8, random_state=0).fit(rows, rows[:, 0] * rows[:, 1])
    storage.dumps(forest)  # what is loaded the first time is not of the archive
    once = most_held(forest)
    monkeypatch.setattr(storage, "_View", io.BytesIO)
    assert once + 0.7 < most_held(forest)
    assert once < 1.8
