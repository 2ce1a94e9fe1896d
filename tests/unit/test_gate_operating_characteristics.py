"""The gate's promises on real rows and real models, in small; the whole table is made by the benchmark."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from wardround.evaluation.defaults import default_gates
from wardround.use_cases import load

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gate_operating_characteristics.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("gate_operating_characteristics", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.slow
def test_a_reseeded_copy_is_hardly_ever_promoted_and_a_worse_subgroup_never(bench, shared_data):
    rows = bench.table()
    case = replace(load(rows.use_case), gates=default_gates("classification", ("sex",)))
    copies = bench.identical(rows, case, repetitions=30, size=600, trees=20)
    assert sum(verdict.passed for verdict in copies) <= 3
    old, new, worse = bench.planted(rows)
    refused = [not verdict.passed for verdict in bench.replays(rows, case, old, worse, 20, 1_000)]
    assert sum(refused) >= 18
    better = [verdict.passed for verdict in bench.replays(rows, case, old, new, 20, 2_000)]
    assert sum(better) >= 8, "a gate that refuses everything is no gate"


@pytest.mark.slow
def test_nothing_configured_is_refused(bench, shared_data):
    rows = bench.table()
    old, new, _ = bench.planted(rows)
    (found,) = bench.replays(rows, replace(load(rows.use_case), gates=()), old, new, 1, 500)
    assert not found.passed
