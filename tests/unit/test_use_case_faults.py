from dataclasses import replace
from datetime import timedelta

import pytest

from wardround.use_cases import REGISTRY, load
from wardround.use_cases._codes import LOINC
from wardround.use_cases.base import (
    CONTENTS_NEEDED,
    FAMILIES,
    MEASURES,
    METRICS,
    TRUTHS,
    UNSUPERVISED,
    Candidate,
    Code,
    Comparison,
    Content,
    Feature,
    Floor,
    Limit,
    Monitoring,
    Retraining,
    Schedule,
    Source,
    Split,
    Target,
    UseCase,
    faults,
)

SOUND = UseCase(
    name="sound",
    question="Is it so?",
    problem="classification",
    source=Source(kind="csv", location="table.csv"),
    record_id="id",
    target=Target(column="outcome", positive_above=0),
    features=(
        Feature(name="age", kind="numeric", unit="years", plausible=(0, 120)),
        Feature(name="sex", kind="category", allowed=("f", "m")),
        Feature(name="smoker", kind="boolean"),
    ),
    candidates=(Candidate(family="logistic"),),
    gates=(Floor(metric="auroc", limit=0.7, reason="below it is useless"),),
)
AGE, SEX, SMOKER = SOUND.features
FLOOR = SOUND.gates[0]
REFERENCE = Comparison(metric="auroc", kind="non-inferior", population="reference", reason="none may lose")


def with_feature(**changes: object) -> UseCase:
    return replace(SOUND, features=(replace(AGE, **changes), SEX, SMOKER))


def with_level(**changes: object) -> UseCase:
    return replace(SOUND, features=(AGE, replace(SEX, **changes), SMOKER))


def with_gate(gate: object) -> UseCase:
    return replace(SOUND, gates=(FLOOR, gate))


def with_candidate(**changes: object) -> UseCase:
    return replace(SOUND, candidates=(Candidate(**{"family": "logistic", **changes}),))


def with_monitoring(**changes: object) -> UseCase:
    return replace(SOUND, monitoring=Monitoring(**changes))


def with_target(problem: str = "classification", **changes: object) -> UseCase:
    metric = "auroc" if problem == "classification" else "mae"
    return replace(
        SOUND,
        problem=problem,
        target=Target(column="outcome", **changes),
        candidates=(Candidate(family="random_forest"),),
        gates=(replace(FLOOR, metric=metric),),
    )


PICTURE = Content(name="xray", kind="image", channels=("grey",))
NOTE = Content(name="note", kind="text", language="en")
MEASURED = Feature(name="xray_noise", kind="numeric", of="xray", measure="noise")
LENGTH = Feature(name="note_length", kind="numeric", of="note", measure="characters")
SEEN = replace(SOUND, contents=(PICTURE,), features=(AGE, MEASURED))


def with_content(**changes: object) -> UseCase:
    return replace(SEEN, contents=(replace(PICTURE, **changes),))


def with_measured(**changes: object) -> UseCase:
    return replace(SEEN, features=(AGE, replace(MEASURED, **changes)))


def posed(problem: str, family: str, metric: str, *contents: Content, **target: object) -> UseCase:
    return replace(
        SOUND, problem=problem, contents=contents, features=(AGE, *(MEASURED, LENGTH)[: len(contents)]),
        target=Target(**{"column": "outcome", **target}), candidates=(Candidate(family=family),),
        gates=(replace(FLOOR, metric=metric),),
    )  # fmt: skip


def multiclass(**target: object) -> UseCase:
    return posed("multiclass", "logistic", "accuracy", **target)


def multilabel(**target: object) -> UseCase:
    return posed("multilabel", "bag_of_words", "micro_f1", PICTURE, NOTE, **target)


def anomaly(**target: object) -> UseCase:
    return posed("anomaly", "isolation_forest", "explained", **target)


NEW_PROBLEMS = {
    "multiclass": multiclass(allowed=("a", "b")),
    "multilabel": multilabel(allowed=("a", "b"), negative=("none of them",)),
    "segmentation": posed("segmentation", "thresholding", "dice", PICTURE),
    "tagging": posed("tagging", "dictionary", "f1", PICTURE, NOTE, allowed=("disease",)),
    "summary": posed("summary", "lead", "rouge_l", PICTURE, NOTE),
    "clustering": posed("clustering", "kmeans", "silhouette", column=""),
    "anomaly without outcomes": anomaly(column=""),
    "anomaly with outcomes": anomaly(positive_above=0),
}


@pytest.mark.parametrize("title", NEW_PROBLEMS)
def test_a_sound_use_case_of_each_problem_has_no_fault(title: str) -> None:
    assert faults(NEW_PROBLEMS[title]) == ()


WRONG = {
    "a content with a capital": (with_content(name="Xray"), "contents.Xray: use lower-case"),
    "a content with a role's name": (with_content(name="truth"), "contents.truth: the name is kept"),
    "a content called as a feature": (
        replace(SEEN, features=(replace(AGE, name="xray", column="age"), MEASURED)),
        "contents.xray: the name is used 2 times",
    ),
    "a content that nothing is measured of": (replace(SEEN, features=(AGE,)), "contents.xray: no feature is measured"),
    "a content from the target's column": (with_content(column="outcome"), "contents.xray: its column 'outcome'"),
    "a picture without channels": (with_content(channels=()), "contents.xray.channels: name each"),
    "a channel twice": (with_content(channels=("grey", "grey")), "contents.xray.channels: a name stands there twice"),
    "a picture with a language": (with_content(language="en"), "contents.xray.language: only a text"),
    "a picture that is de-identified": (with_content(deidentified="yes"), "contents.xray.deidentified: only texts"),
    "a shape without height": (with_content(shape=(0, 28)), "contents.xray.shape: "),
    "a text without language": (
        replace(multilabel(allowed=("a", "b")), contents=(PICTURE, replace(NOTE, language=None))),
        "contents.note.language: say",
    ),
    "a text with channels": (
        replace(multilabel(allowed=("a", "b")), contents=(PICTURE, replace(NOTE, channels=("a",)))),
        "contents.note.channels: a text has none",
    ),
    "a measure of no content": (with_measured(of="photo"), "features.xray_noise.of: there is no content 'photo'"),
    "a measure of another kind": (with_measured(measure="rate"), "features.xray_noise.measure: 'rate' is not measured"),
    "a measure without its content": (with_feature(measure="noise"), "features.age.measure: say by of="),
    "a measure that is no number": (with_measured(kind="category"), "features.xray_noise.kind: what is measured"),
    "a measure with a column": (with_measured(column="noise"), "features.xray_noise.column: it is measured"),
    "a measure twice": (
        replace(SEEN, features=(MEASURED, replace(MEASURED, name="again"))), "features: the measure 'noise' of 'xray'",
    ),
    "a family without its content": (
        with_candidate(family="cnn"), "candidates[0].family: 'cnn' learns from a content of the kind image or series",
    ),
    "masks without a picture": (posed("segmentation", "thresholding", "dice"), "contents: segmentation needs exactly"),
    "one class of many": (multiclass(allowed=("a",)), "target.allowed: name the classes"),
    "classes without names": (multiclass(), "target.allowed: name the classes"),
    "many classes and a positive one": (multiclass(allowed=("a", "b"), positive=("a",)), "target.positive: it says"),
    "a label that holds two": (multilabel(allowed=("a|b", "c")), "target.allowed: a name holds '|'"),
    "no label that is a label": (multilabel(allowed=("a", "b"), negative=("a",)), "target.negative: it names what"),
    "groups that are known": (posed("clustering", "kmeans", "silhouette"), "target.column: clustering asks for no"),
    "an outcome without a name": (replace(SOUND, target=Target(column="", positive_above=0)), "target.column: the col"),
    "anomalies nobody can tell": (anomaly(), "target: exactly one of"),
    "a probability of many classes calibrated": (
        replace(multiclass(allowed=("a", "b")), candidates=(Candidate(family="logistic", calibrate=True),)),
        "candidates[0].calibrate: ",
    ),
    "a name with capitals": (replace(SOUND, name="Sound"), "name: "),
    "a name of two letters": (replace(SOUND, name="ab"), "name: "),
    "no question": (replace(SOUND, question=" "), "question: "),
    "an empty location": (replace(SOUND, source=Source(kind="csv", location="")), "source.location: "),
    "a package without a table": (
        replace(SOUND, source=Source(kind="package", location="sklearn")),
        "source.location: ",
    ),
    "an expectations path": (replace(SOUND, expectations="expectations/mine.py"), "expectations: "),
    "a threshold of one": (replace(SOUND, threshold=1.0), "threshold: "),
    "a threshold that is no number": (replace(SOUND, threshold=float("nan")), "threshold: "),
    "too_good above one": (replace(SOUND, too_good=1.5), "too_good: "),
    "a negative seed": (replace(SOUND, seed=-1), "seed: "),
    "no feature": (replace(SOUND, features=()), "features: "),
    "a feature twice": (replace(SOUND, features=(AGE, replace(AGE, column="age2"))), "features.age: the name"),
    "a feature with a role's name": (with_feature(name="target"), "features.target: the name is kept"),
    "a feature with a space": (with_feature(name="my age"), "features.my age: use lower-case"),
    "a column used by two features": (
        replace(SOUND, features=(AGE, replace(SEX, column="age"))),
        "features.sex: the column 'age' is used twice",
    ),
    "the target among the features": (with_feature(column="outcome"), "features.age: its column 'outcome' is the"),
    "the record id among the features": (with_feature(column="id"), "features.age: the column 'id' is used twice"),
    "an ignored column in use": (replace(SOUND, ignored=("age",)), "ignored: the column 'age' is used twice"),
    "an identifier twice": (replace(SOUND, identifiers=("n", "n")), "identifiers: the column 'n' is used twice"),
    "an empty site": (replace(SOUND, site=""), "site: the column's name is empty"),
    "a plausible range upside down": (with_feature(plausible=(9, 1)), "features.age.plausible: "),
    "a plausible range without end": (with_feature(plausible=(0, float("inf"))), "features.age.plausible: "),
    "levels for a number": (with_feature(allowed=("1",)), "features.age.allowed: "),
    "another unit by a factor of one": (with_feature(other_units={"a": 1.0}), "features.age.other_units: "),
    "another unit by a negative factor": (with_feature(other_units={"a": -2.0}), "features.age.other_units: "),
    "another unit without a unit": (with_feature(unit=None, other_units={"a": 2.0}), "features.age.unit: "),
    "a unit for a category": (with_level(unit="cm"), "features.sex.unit: "),
    "a range for a category": (with_level(plausible=(0, 1)), "features.sex.plausible: "),
    "no level at all": (with_level(allowed=()), "features.sex.allowed: it is empty"),
    "a level twice": (with_level(allowed=("f", "f")), "features.sex.allowed: a value stands there twice"),
    "an empty level": (with_level(allowed=("f", "")), "features.sex.allowed: a value is empty"),
    "levels for a boolean": (
        replace(SOUND, features=(AGE, replace(SMOKER, allowed=("yes",)))),
        "features.smoker.allowed: ",
    ),
    "missing without a reason": (with_feature(max_missing=0.2), "features.age.missing_reason: "),
    "missing above one": (with_feature(max_missing=1.2, missing_reason="so"), "features.age.max_missing: "),
    "a measurement time without time": (with_feature(measured_at="when"), "features.age.measured_at: "),
    "no rule for the positive class": (with_target(), "target: exactly one of"),
    "two rules for the positive class": (with_target(positive=("y",), negative=("n",)), "target: exactly one of"),
    "no positive value": (with_target(positive=()), "target.positive: it is empty"),
    "a positive value that is not allowed": (
        with_target(positive=("x",), allowed=("y", "n")),
        "target.positive: a value is missing",
    ),
    "one class only": (with_target(positive_above=9, allowed=(0, 1)), "target.allowed: all its values"),
    "a range for classes": (with_target(positive_above=0, plausible=(0, 1)), "target.plausible: "),
    "a class rule for a number": (with_target("regression", positive_above=0), "target.positive_above: "),
    "classes for a number": (with_target("regression", allowed=(1, 2)), "target.allowed: it says nothing"),
    "a number's range upside down": (with_target("regression", plausible=(2, 1)), "target.plausible: it is"),
    "one fold": (replace(SOUND, split=Split(kind="grouped", folds=1)), "split.folds: "),
    "temporal without time": (replace(SOUND, split=Split(kind="temporal")), "split.kind: "),
    "by site without site": (replace(SOUND, split=Split(kind="by site")), "split.kind: "),
    "last rows without a count": (replace(SOUND, split=Split(kind="last rows")), "split.last: "),
    "a count of last rows for folds": (replace(SOUND, split=Split(kind="grouped", last=3)), "split.last: only"),
    "reference rows that no two models hold out": (
        replace(with_gate(REFERENCE), split=Split(kind="last rows", last=20)),
        "gates[1].population: with a split of the kind 'last rows'",
    ),
    "an unknown subgroup": (replace(SOUND, subgroups=("race",)), "subgroups: 'race'"),
    "a subgroup twice": (replace(SOUND, subgroups=("sex", "sex")), "subgroups: 'sex' stands there 2 times"),
    "site as a subgroup without a site": (replace(SOUND, subgroups=("site",)), "subgroups: 'site' needs"),
    "a time format without time": (replace(SOUND, time_format="%Y"), "time_format: "),
    "an unknown time zone": (replace(SOUND, time_zone="Mars/Olympus"), "time_zone: 'Mars/Olympus'"),
    "a time zone that climbs": (replace(SOUND, time_zone="../etc/passwd"), "time_zone: "),
    "no candidate": (replace(SOUND, candidates=()), "candidates: "),
    "an unknown family": (with_candidate(family="oracle"), "candidates[0].family: 'oracle'"),
    "a family of the other problem": (with_candidate(family="lasso"), "candidates[0].family: 'lasso'"),
    "a search without a grid": (with_candidate(search="grid"), "candidates[0].grid: the search 'grid'"),
    "a grid without a search": (with_candidate(grid={"C": (1,)}), "candidates[0].search: "),
    "a grid without values": (with_candidate(search="grid", grid={"C": ()}), "candidates[0].grid: 'C'"),
    "fixed and searched": (
        with_candidate(search="grid", grid={"C": (1,)}, parameters={"C": 2}),
        "candidates[0].parameters: 'C'",
    ),
    "no iteration": (with_candidate(iterations=0), "candidates[0].iterations: "),
    "an unknown primary metric": (replace(SOUND, primary_metric="mse"), "primary_metric: 'mse'"),
    "no gate": (replace(SOUND, gates=()), "gates: there is none"),
    "no floor": (
        replace(SOUND, gates=(Limit(what="size", limit=1, reason="so"),)),
        "gates: at least one Floor",
    ),
    "a floor without a reason": (with_gate(replace(FLOOR, reason=" ")), "gates[1].reason: "),
    "a floor that is no number": (with_gate(replace(FLOOR, limit=float("nan"))), "gates[1].limit: "),
    "an unknown metric": (with_gate(replace(FLOOR, metric="mae")), "gates[1].metric: 'mae'"),
    "a negative margin": (
        with_gate(Comparison(metric="brier", kind="non-inferior", margin=-1.0, reason="so")),
        "gates[1].margin: it is the loss",
    ),
    "a margin that is no number": (
        with_gate(Comparison(metric="brier", kind="non-inferior", margin=float("nan"), reason="so")),
        "gates[1].margin: it is the loss",
    ),
    "superior with a margin": (
        with_gate(Comparison(metric="brier", kind="superior", margin=0.1, reason="so")),
        "gates[1].margin: superior",
    ),
    "an unknown worst subgroup": (
        with_gate(Comparison(metric="brier", kind="superior", by=("race",), reason="so")),
        "gates[1].by: 'race'",
    ),
    "a limit of nothing": (with_gate(Limit(what="size", limit=0, reason="so")), "gates[1].limit: "),
    "the same gate twice": (with_gate(FLOOR), "gates[1]: the same criterion"),
    "no false alarm ever": (with_monitoring(false_alarms_per_year=0), "monitoring.false_alarms_per_year: it"),
    "no round ever": (with_monitoring(rounds_per_year=0), "monitoring.rounds_per_year: "),
    "an effect above one": (with_monitoring(material_effect=1.5), "monitoring.material_effect: "),
    "an effect of nothing": (with_monitoring(material_effect=0), "monitoring.material_effect: "),
    "a loss that is no number": (with_monitoring(material_loss=float("nan")), "monitoring.material_loss: it must"),
    "no row needed": (with_monitoring(min_rows=0), "monitoring.min_rows: "),
    "no row expected": (with_monitoring(rows_per_round=0), "monitoring.rows_per_round: "),
    "a volume upside down": (with_monitoring(volume=(2, 1)), "monitoring.volume: it is"),
    "freshness without time": (with_monitoring(freshness=timedelta(days=1)), "monitoring.freshness: without"),
    "negative freshness": (with_monitoring(freshness=timedelta(days=-1)), "monitoring.freshness: it must"),
    "a threshold without a reason": (with_monitoring(min_rows=20), "monitoring.reasons: 'min_rows' differs"),
    "a reason for nothing": (with_monitoring(reasons={"mood": "so"}), "monitoring.reasons: 'mood'"),
    "a negative cool-down": (
        replace(SOUND, retraining=Retraining(cool_down=timedelta(days=-1))),
        "retraining.cool_down: ",
    ),
    "negative labels": (replace(SOUND, retraining=Retraining(min_new_labels=-1)), "retraining.min_new_labels: "),
    "a floor that can never hold": (
        replace(SOUND, gates=(*SOUND.gates, Floor(metric="ece", limit=0.05, reason="calibrated"))),
        "gates[1].metric: 'ece'",
    ),
    "a code without a system": (with_feature(code=Code(system="", code="8480-6")), "features.age.code: system"),
    "an address as a feature": (
        with_feature(code=Code(system="Patient", code="address")),
        "features.age.code.code: of",
    ),
    "an age in months": (
        with_feature(unit="months", code=Code(system="Patient", code="birthDate")),
        "features.age.code.code: an age",
    ),
    "a panel of the patient": (
        with_feature(code=Code(system="Patient", code="birthDate", panel="85354-9")),
        "features.age.code: an element",
    ),
    "a coded number without a unit": (
        with_feature(unit=None, code=Code(system=LOINC, code="8480-6")),
        "features.age.code: the feature needs a unit",
    ),
    "coded levels that nobody names": (
        with_level(code=Code(system="Patient", code="gender")),
        "features.sex.code.levels: say which",
    ),
    "a coded level that is none": (
        with_level(code=Code(system="Patient", code="gender", levels={"female": "woman"})),
        "features.sex.code.levels: one of them",
    ),
    "a threshold on a category": (
        with_level(code=Code(system="Patient", code="gender", levels={"female": "f"}, above=1.0, unit="1")),
        "features.sex.code.above",
    ),
    "a unit said twice": (
        with_feature(code=Code(system=LOINC, code="8480-6", unit="mm Hg")),
        "features.age.code.unit: only",
    ),
    "a factor of nothing": (
        with_feature(code=Code(system=LOINC, code="8480-6", other_units={"mmol/L": 0.0})),
        "features.age.code.other_units",
    ),
    "two features of one code": (
        replace(SOUND, features=tuple(
            replace(AGE, name=name, code=Code(system=LOINC, code="8480-6")) for name in ("one", "two")
        )),
        "features: the code '8480-6' names 2",
    ),
    "a number for a code": (with_feature(code=Code(system=LOINC, code=84806)), "features[0].code.code: it must be"),
    "nobody may promote": (replace(SOUND, retraining=Retraining(may_promote=())), "retraining.may_promote: "),
    "persons beside everybody": (
        replace(SOUND, retraining=Retraining(promotion="person", may_promote=("*", "dr-adams"))),
        "retraining.may_promote: '*' is any approver",
    ),
    "a person nobody can be": (
        replace(SOUND, retraining=Retraining(promotion="person", may_promote=("Dr Adams",))),
        "retraining.may_promote: 'Dr Adams' is no person's name",
    ),
    "persons who are never asked": (
        replace(SOUND, retraining=Retraining(may_promote=("dr-adams",))),
        "retraining.may_promote: persons are named, but the gate",
    ),
    "a cron line of four fields": (replace(SOUND, schedule=Schedule(cron="0 6 * *")), "schedule.cron: a cron"),
    "an hour of 24": (replace(SOUND, schedule=Schedule(cron="0 24 * * *")), "schedule.cron: its hour '24'"),
    "a month that is none": (replace(SOUND, schedule=Schedule(cron="0 6 1 foo *")), "schedule.cron: its month"),
    "a step of nothing": (replace(SOUND, schedule=Schedule(cron="*/0 * * * *")), "schedule.cron: its minute"),
    "a range upside down": (replace(SOUND, schedule=Schedule(cron="0 9-5 * * *")), "schedule.cron: its hour"),
    "an unknown schedule zone": (
        replace(SOUND, schedule=Schedule(time_zone="Nowhere")),
        "schedule.time_zone: 'Nowhere'",
    ),
    "text for a number": (with_feature(max_missing="much"), "features[0].max_missing: it must be"),
    "an unknown kind": (with_feature(kind="date"), "features[0].kind: it must be"),
    "a list of features": (replace(SOUND, features=list(SOUND.features)), "features: it must be"),
    "a gate that is none": (replace(SOUND, gates=("auroc > 0.7",)), "gates[0]: it must be"),
    "a problem that is none": (replace(SOUND, problem="magic"), "problem: it must be"),
    "no source": (replace(SOUND, source="table.csv"), "source: it must be"),
}  # fmt: skip


def test_a_sound_use_case_has_no_fault() -> None:
    assert faults(SOUND) == ()


@pytest.mark.parametrize("cron", ["0 6 * * 1", "*/15 8-18/2 1,15 jan-mar mon,fri", "0 0 1 */3 *", "5 4 * * sun"])
def test_a_sound_cron_line_has_no_fault(cron: str) -> None:
    assert faults(replace(SOUND, schedule=Schedule(cron=cron))) == ()


def test_an_identifier_that_carries_the_date_may_be_the_time_too() -> None:
    assert faults(replace(SOUND, time="id", patient_id="id", split=Split(kind="temporal"))) == ()


@pytest.mark.parametrize("title", WRONG)
def test_each_fault_is_named_by_its_field(title: str) -> None:
    use_case, beginning = WRONG[title]
    found = faults(use_case)
    assert any(fault.startswith(beginning) for fault in found), found


@pytest.mark.parametrize("title", WRONG)
def test_one_mistake_raises_no_flood_of_faults(title: str) -> None:
    assert len(faults(WRONG[title][0])) <= 3


def test_all_faults_are_named_at_once_whether_of_type_or_of_sense() -> None:
    broken = replace(
        SOUND,
        name="X",
        features=(replace(AGE, max_missing="much"), replace(SEX, unit="cm"), replace(SMOKER, column="outcome")),
        gates=(),
        threshold=2.0,
        schedule=Schedule(cron="never"),
    )
    places = {fault.split(":")[0] for fault in faults(broken)}
    assert {"name", "features[0].max_missing", "features.smoker", "gates", "threshold", "schedule.cron"} <= places


def test_something_else_than_a_use_case_is_named() -> None:
    assert faults({"name": "x"}) == ("USE_CASE: it must be a UseCase, not dict",)


def test_no_fault_shows_what_a_value_holds() -> None:
    secret = "4711-Miller"
    found = faults(replace(SOUND, threshold=secret, monitoring=Monitoring(min_rows=secret)))
    assert found
    assert secret not in "".join(found)


@pytest.mark.parametrize("name", REGISTRY)
def test_every_shipped_use_case_is_sound_and_gives_its_reasons(name: str) -> None:
    use_case = load(name)
    assert use_case.name == name
    assert use_case.attribution
    assert all(len(gate.reason) > 20 for gate in use_case.gates)


def test_the_known_families_and_metrics_are_those_of_the_library() -> None:
    from wardround.models import families
    from wardround.problems import PROBLEMS

    assert set(PROBLEMS) == set(FAMILIES) == set(METRICS)
    for name, problem in PROBLEMS.items():
        assert tuple(metric.name for metric in problem.metrics) == METRICS[name]
        assert set(families(name)) == set(FAMILIES[name])


def test_the_known_forms_of_truth_are_those_of_the_library() -> None:
    from wardround.problems import PROBLEMS

    assert {name: problem.truth for name, problem in PROBLEMS.items() if problem.truth} == TRUTHS
    assert {name for name, problem in PROBLEMS.items() if not problem.supervised} == set(UNSUPERVISED)


def test_the_families_that_need_a_content_are_those_of_the_library() -> None:
    from wardround import models

    assert {
        name: family.contents for (_, name), family in models.FAMILIES.items() if family.contents
    } == CONTENTS_NEEDED


@pytest.mark.parametrize("kind", MEASURES)
def test_every_measure_a_use_case_may_name_is_measured(kind: str) -> None:
    import pandas as pd

    from wardround import contents

    found = contents.kind(kind)
    content = Content(
        name="it", kind=kind, channels=() if kind == "text" else ("one",), language="en" if kind == "text" else None
    )  # type: ignore[arg-type]
    assert (found.name, set(contents.HOMES)) == (kind, set(MEASURES))
    assert set(found.measured(content, pd.Series([None], dtype=object))) == set(MEASURES[kind])
    assert {feature.measure for feature in contents.features(content)} == set(MEASURES[kind])


@pytest.mark.parametrize("name", REGISTRY)
def test_every_shipped_candidate_is_one_the_library_can_build(name: str) -> None:
    from wardround.models import learner

    use_case = load(name)
    for candidate in use_case.candidates:
        first = {key: values[0] for key, values in candidate.grid.items()}
        learner(candidate.family, use_case, {**candidate.parameters, **first}, calibrate=candidate.calibrate)
