"""The suites of the shipped use cases: sound data passes, what clinicians would stumble over is shown."""

from datetime import UTC, datetime

import pytest

from expectations import suite_for
from wardround.domain import Severity
from wardround.errors import UseCaseInvalid
from wardround.sources import read
from wardround.sources.canonical import canonical
from wardround.use_cases import REGISTRY, load
from wardround.validation import validate
from wardround.validation.suites import derived

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def table(settings, shared_data):
    def make(use_case):
        at_home = settings.model_copy(update={"data": shared_data})
        raw = read(use_case, use_case.source, at_home)
        return canonical(use_case, raw, at_home, place=use_case.name, now=NOW)

    return make


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_a_suite_holds_all_its_use_case_implies_and_gives_every_rule_a_reason(name):
    use_case = load(name)
    rules = suite_for(use_case).expectations
    reasons = [rule.meta["reason"] for rule in rules]
    assert {each["meta"]["reason"] for each in derived(use_case)} <= set(reasons)
    own = [rule for rule in rules if rule.meta["reason"] not in {each["meta"]["reason"] for each in derived(use_case)}]
    assert own
    assert all(rule.meta.get("notes") for rule in own)


@pytest.mark.parametrize(
    ("name", "reasons", "shown"),
    [
        ("heart_disease", {}, set()),
        ("diabetes_progression", {}, set()),
        ("length_of_stay", {}, set()),
        (
            "thyroid", {"age: outside 0 to 120 years": 4},
            {"age: outside 11 to 55 years in a pregnancy", "on_antithyroid_meds: true beside thyroxine"},
        ),
    ],
)  # fmt: skip
def test_the_real_table_is_accepted_but_for_the_rows_known_to_be_wrong(name, reasons, shown, table):
    use_case = load(name)
    result = validate(use_case, table(use_case), suite_for(use_case), now=NOW)
    assert not result.refused
    assert result.reason_counts == reasons
    assert {reason for reason in failed(result) if "missing more often" not in reason} == shown | set(reasons)
    assert len(result.outcomes) == len(suite_for(use_case).expectations)


def failed(result):
    return {outcome.sentence.split(" (")[0]: outcome.severity for outcome in result.outcomes if not outcome.passed}


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        (
            "heart_disease", {"max_heart_rate": lambda frame: 300 - frame["age"]},
            "max_heart_rate: more than 40 beats above 220 minus age",
        ),
        (
            "heart_disease", {"st_depression": lambda frame: -frame["st_depression"]},
            "st_depression: elevation of more than 0.5 mm in more than one patient in ten",
        ),
        (
            "thyroid", {"tt4": lambda frame: frame["tt4"] * 0.777},
            "fti: not within a tenth of tt4 over t4u in more than one request in twenty",
        ),
        ("thyroid", {"sex": lambda frame: "M"}, "sex: not F in a pregnancy"),
        ("thyroid", {"age": lambda frame: frame["age"].clip(60, 100)}, "age: outside 11 to 55 years in a pregnancy"),
        (
            "diabetes_progression", {"hdl": lambda frame: frame["hdl"] * 0.6},
            "cholesterol_ratio: not within a quarter of total_cholesterol over hdl in more than one patient in twenty",
        ),
        ("diabetes_progression", {"ldl": lambda frame: frame["total_cholesterol"] + 1}, "ldl: above total_cholesterol"),
        (
            "length_of_stay", {"target": lambda frame: frame["target"].clip(upper=9) * 8},
            "target: above 60 days in more than one stay in a hundred",
        ),
    ],
)  # fmt: skip
def test_what_the_people_of_the_ward_know_is_shown_as_a_warning(name, change, reason, table):
    use_case = load(name)
    frame = table(use_case).assign(**change)
    result = validate(use_case, frame, suite_for(use_case), now=NOW)
    assert failed(result)[reason] is Severity.WARNING


def test_a_stay_without_a_hospital_is_quarantined(table):
    use_case = load("length_of_stay")
    frame = table(use_case)
    frame.loc[:2, "site"] = None
    assert validate(use_case, frame, suite_for(use_case), now=NOW).reason_counts == {"site: missing": 3}


@pytest.mark.parametrize(
    ("module", "fault"), [("expectations.nowhere", "no module"), ("expectations.relations", "no function")]
)
def test_a_suite_that_is_not_there_is_named(module, fault):
    from dataclasses import replace

    with pytest.raises(UseCaseInvalid, match=fault):
        suite_for(replace(load("heart_disease"), expectations=module))
