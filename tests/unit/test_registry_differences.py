"""Two versions side by side: what differs is told once, for the command and for the desk."""

from dataclasses import replace
from datetime import UTC, datetime

from wardround import registry
from wardround.domain import Evaluation, Figure, ModelVersion, to_json

VERSION = ModelVersion(
    use_case="heart_disease", version="", problem="classification", family="logistic", parameters={"C": 1.0},
    features=("age",), batches=("b" * 64,), label_sets=(), rows=100, patients=90, data_hash="d" * 64,
    use_case_hash="e" * 64, seed=1, code_version="0+1", packages={"numpy": "2.4"}, files={}, cause="first", parent=None,
    created_at=datetime(2026, 3, 2, tzinfo=UTC),
)  # fmt: skip


def evaluation(**figures: float | None) -> bytes:
    return to_json(
        Evaluation(
            population="reference", method="5-fold", rows=100, patients=90,
            figures=tuple(Figure(metric=metric, value=value) for metric, value in figures.items()),
        )
    )  # fmt: skip


def test_what_differs_is_listed_and_what_does_not_is_not(store):
    one = registry.register(store, VERSION, {"evaluation.json": evaluation(auroc=0.81234567, brier=0.15)})
    changed = replace(VERSION, family="boosting", parameters={"depth": 3}, parent=one.version)
    other = registry.register(store, changed, {"evaluation.json": evaluation(auroc=0.9, brier=0.15)})
    found = {each.fact: (each.one, each.other) for each in registry.differences(store, one, other)}
    assert found == {
        "version": (one.version, other.version),
        "family": ("logistic", "boosting"),
        "parent": (None, one.version),
        "parameters.C": (1.0, None),
        "parameters.depth": (None, 3),
        "auroc": (0.8123, 0.9),
    }


def test_a_version_does_not_differ_from_itself(store):
    one = registry.register(store, VERSION, {"evaluation.json": evaluation(auroc=None)})
    assert registry.differences(store, one, one) == ()
