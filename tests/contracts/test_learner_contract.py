"""Every family of every problem passes the same suite: what the `Learner` protocol promises."""

import contextlib
import io
import json
import pickle
import sys
import traceback
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

from wardround import models
from wardround.contents.arrays import packed, unpacked
from wardround.errors import Corrupted, InputFault, UseCaseInvalid
from wardround.models import storage
from wardround.problems import PROBLEMS
from wardround.problems.base import selected
from wardround.use_cases.base import FAMILIES, Candidate

PARTS = ("value", "low", "high", "parts", "output")
FACTS = "learner.json"
_HEARD: list[str] | None = None


def same(one, other):
    """Whether two predictions are the same to the last bit."""
    for part in PARTS:
        a, b = getattr(one, part), getattr(other, part)
        if (a is None) != (b is None):
            return False
        if a is not None and not (np.array_equal(a, b, equal_nan=True) if a.dtype != object else list(a) == list(b)):
            return False
    return True


def plain(cell):
    """A cell as it comes over a wire: None where it is missing."""
    return cell if isinstance(cell, bytes | str) else None if pd.isna(cell) else float(cell)


def test_every_family_has_a_case_for_each_content_it_learns_from(learner_cases):
    assert set(learner_cases) == set(models.FAMILIES)
    for key, family in models.FAMILIES.items():
        assert set(family.contents) <= {kind for kind, _ in learner_cases[key]}, key
        assert learner_cases[key], key


def test_the_families_are_those_a_use_case_may_name():
    assert set(models.FAMILIES) == {(problem, family) for problem, each in FAMILIES.items() for family in each}


def test_learning_and_answering_leave_the_rows_as_they_were(case):
    made = replace(case) if "learner" in vars(case) else case  # as the first test it learns for all of them
    before, target = case.frame.copy(deep=True), case.target.copy()
    made.learner.predict(case.frame)
    made.learner.answer(case.frame.iloc[:2])
    assert case.frame.equals(before)
    assert np.array_equal(case.target, target, equal_nan=True)


def test_every_row_is_answered_in_the_form_of_the_problem(case):
    prediction, rows = case.prediction, len(case.frame)
    problem = PROBLEMS[case.use_case.problem]
    assert prediction.value.shape == (rows,)
    assert np.isfinite(prediction.value).all()
    losses = problem.losses(case.target, case.judged)
    assert losses.shape == (rows,)
    assert np.isfinite(losses[np.isfinite(case.target)]).all()
    if problem.parts and problem.judged is None:
        assert prediction.parts.shape == (rows, len(problem.parts))
    if problem.name == "multiclass":
        assert prediction.parts.sum(axis=1) == pytest.approx(1)
        assert np.array_equal(prediction.value, prediction.parts.max(axis=1))
        names = np.array([str(name) for name in case.use_case.target.allowed], dtype=object)
        assert list(prediction.output) == list(names[prediction.parts.argmax(axis=1)])
    if problem.name == "classification":
        assert ((prediction.value >= 0) & (prediction.value <= 1)).all()
    if problem.name not in ("classification", "regression"):
        assert prediction.output.shape == (rows,)
        assert all(isinstance(answer, str | bytes) for answer in prediction.output)


def test_some_metric_of_its_problem_can_be_measured_on_what_it_answers(case):
    known = np.isfinite(case.target) | (not PROBLEMS[case.use_case.problem].supervised)
    rows = selected(case.judged, known)
    figures = [metric.compute(case.target[known], rows, 0.5) for metric in PROBLEMS[case.use_case.problem].metrics]
    assert np.isfinite(figures).sum() >= 1


def test_saving_and_loading_changes_no_bit(case):
    again = models.load(case.files)
    assert same(again.predict(case.frame), case.prediction)
    assert again.explain(case.some).equals(case.explained)
    for told in ("family", "problem", "columns", "holds_rows", "calibrated", "notes", "levels"):
        assert getattr(again, told) == getattr(case.learner, told), told


def test_another_process_learns_the_same_bytes(case, elsewhere, request):
    assert elsewhere[request.node.callspec.id] == case.hashes


def test_a_row_has_the_same_bits_whatever_stands_beside_it(case):
    for size, rows in ((1, 6), (2, 8), (3, 9), (7, 14), (16, 48)):
        for start in range(0, min(rows, len(case.frame)), size):
            places = slice(start, start + size)
            assert same(case.learner.predict(case.frame.iloc[places]), selected(case.prediction, places)), (size, start)


def test_a_row_has_the_same_bits_at_any_place(case):
    order = np.random.default_rng(1).permutation(len(case.frame))
    assert same(case.learner.predict(case.frame.iloc[order]), selected(case.prediction, order))
    few = case.frame.iloc[:16]
    many = np.tile(np.arange(16), 8)
    assert same(case.learner.predict(few.iloc[many]), selected(case.prediction, many))
    assert len(case.learner.predict(case.frame.iloc[:0])) == 0


def test_columns_may_come_in_another_order_and_beside_others(case):
    part = case.frame.iloc[:12]
    shuffled = part[sorted(part.columns, reverse=True)].assign(surplus=1.0)
    assert same(case.learner.predict(shuffled), selected(case.prediction, slice(12)))
    assert case.learner.explain(shuffled).equals(case.explained.iloc[:12])


def test_an_answer_is_the_prediction_and_the_explanation_to_the_last_bit(case):
    part = case.frame.iloc[:5]
    prediction, explained = case.learner.answer(part)
    assert same(prediction, selected(case.prediction, slice(5)))
    assert np.array_equal(explained, case.explained.iloc[:5], equal_nan=True)
    for row in range(3):
        cells = {name: [plain(part[name].iloc[row])] for name in case.learner.columns}
        alone, why = case.learner.answer(cells)
        assert same(alone, selected(prediction, slice(row, row + 1)))
        assert np.array_equal(why, explained[row : row + 1], equal_nan=True)


def test_it_needs_the_columns_it_names_and_says_which_is_missing(case):
    assert case.learner.columns
    assert set(case.learner.columns) <= set(case.use_case.input_names)
    only = case.frame.iloc[:4][list(case.learner.columns)]
    assert same(case.learner.predict(only), selected(case.prediction, slice(4)))
    for name in case.learner.columns[:3]:
        with pytest.raises(InputFault, match=name):
            case.learner.predict(case.frame.drop(columns=name))


def test_something_that_is_no_input_is_refused_without_being_quoted(case):
    name = case.learner.columns[0]
    for strange in ("the secret of a patient", b"the secret of a patient"):
        part = case.frame.iloc[:3].assign(**{name: pd.array([strange] * 3, dtype=object)})
        told = ""
        try:
            case.learner.predict(part)  # a text is an input of a learner of texts
        except InputFault as error:
            told = "".join(traceback.format_exception(error))  # all that a log would show
        assert "secret" not in told


def test_an_input_that_is_missing_costs_no_other_row_its_answer(case):
    part = case.frame.iloc[:6].copy()
    for name in case.learner.columns:
        column = part[name].astype(object) if part[name].dtype == object else part[name].copy()
        column.iloc[2] = None if part[name].dtype == object else np.nan
        part[name] = column
    prediction, others = case.learner.predict(part), np.array([0, 1, 3, 4, 5])
    assert same(selected(prediction, others), selected(case.prediction, others))
    features = set(case.learner.columns) <= set(case.use_case.feature_names)
    assert np.isfinite(prediction.value[2]) if features else not np.isfinite(prediction.value[2])
    if not features and prediction.output is not None:
        assert prediction.output[2] is None


def test_an_explanation_has_the_same_columns_for_every_row(case):
    explained = case.explained
    assert explained.index.equals(case.some.index)
    assert explained.columns.is_unique
    assert len(explained.columns) >= 1
    assert np.isfinite(explained.to_numpy(dtype=float)).all()
    for places in (slice(3, 4), slice(2, 7)):
        part = case.learner.explain(case.frame.iloc[places])
        assert part.equals(explained.iloc[places])


def test_an_explanation_says_something(case):
    assert case.explained.abs().to_numpy().sum() > 0


def test_where_an_answer_comes_from_is_a_place_in_the_content(case):
    saliency = case.learner.saliency(case.frame.iloc[:3])
    if saliency is None:
        return
    assert len(saliency) == 3
    (content,) = case.use_case.contents
    for cell, where in zip(case.frame[content.name], saliency, strict=False):
        shape = (len(cell),) if isinstance(cell, str) else unpacked(cell).shape
        assert np.shape(where) == (shape[:1] if content.kind == "series" else shape[:2])
        assert np.isfinite(where).all()


def test_descriptors_are_what_was_measured_and_the_same_in_any_order(case):
    described = case.learner.descriptors(case.frame)
    assert tuple(described.columns) == case.use_case.feature_names
    shuffled = case.frame[sorted(case.frame.columns)].iloc[::-1]
    assert case.learner.descriptors(shuffled).iloc[::-1].equals(described)
    assert models.load(case.files).descriptors(case.frame).equals(described)
    for name in case.use_case.numeric:
        assert described[name].dtype == np.float64


def test_a_search_may_go_over_its_parameters(case):
    name, value = next(iter(case.parameters.items()), (None, None))
    candidate = Candidate(family=case.family, parameters=case.parameters)
    known = np.isfinite(case.target) | (not PROBLEMS[case.use_case.problem].supervised)
    frame, target = case.frame[known].reset_index(drop=True), case.target[known]
    trial = case.unfitted().trial(frame, target, frame["patient_id"].to_numpy(), candidate, 3)
    estimator = clone(trial.estimator)
    if name is not None:
        estimator.set_params(**{trial.prefix + name: value})
    estimator.fit(trial.matrix, target)
    assert np.isfinite(trial.predict(estimator, trial.matrix).value).all()


def test_a_parameter_it_does_not_have_is_refused_by_name(case):
    with pytest.raises(UseCaseInvalid, match="surely_not_a_parameter"):
        models.learner(case.family, case.use_case, {"surely_not_a_parameter": 3})


def test_no_name_and_no_text_of_a_patient_is_in_its_files(case):
    whole = b"\n".join(_bodies(case.files))
    names = {*case.frame["record_id"], *case.frame["patient_id"]}
    assert not any(str(name).encode() in whole for name in names)
    for content in case.use_case.contents:
        for cell in case.frame[content.name].dropna():
            own = cell.encode()[:90] if isinstance(cell, str) else cell[-200:]
            assert own not in whole
    assert case.learner.holds_rows == case.kind.holds_rows


def _bodies(files):
    for body in files.values():
        yield body
        if zipfile.is_zipfile(io.BytesIO(body)):
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                yield from (archive.read(name) for name in archive.namelist())


def _listen(event, _):
    if _HEARD is not None and event in ("pickle.find_class", "os.system", "subprocess.Popen"):
        _HEARD.append(event)


@contextlib.contextmanager
def listening():
    """Collect what Python's audit hears of pickles and of other programs (PEP 578)."""
    global _HEARD
    if not getattr(sys, "_wardround_listens", False):
        sys.addaudithook(_listen)
        sys._wardround_listens = True
    _HEARD = []
    try:
        yield _HEARD
    finally:
        _HEARD = None


class Payload:
    """What runs a program when it is unpickled."""

    def __reduce__(self):
        return print, ("it ran",)


def test_the_listener_hears_a_pickle_that_is_read():
    with listening() as heard:
        pickle.loads(pickle.dumps(Payload()))  # noqa: S301  its own, to know that the ear hears
    assert "pickle.find_class" in heard


def test_loading_its_files_unpickles_nothing_and_starts_nothing(case):
    assert set(case.files) >= {FACTS}
    assert all(name == FACTS or name.startswith("model.") for name in case.files)
    with listening() as heard:
        models.load(case.files).predict(case.frame.iloc[:2])
    assert heard == []
    for body in _bodies(case.files):
        assert body[:1] != b"\x80" or body[1] > pickle.HIGHEST_PROTOCOL
        if body.startswith(b"\x93NUMPY"):
            np.load(io.BytesIO(body), allow_pickle=False)


def test_a_pickle_in_the_place_of_a_file_is_refused_unread(case, capsys):
    for name in case.files:
        for body in (pickle.dumps(Payload()), _archive(pickle.dumps(Payload())), b""):
            with listening() as heard, pytest.raises(Corrupted):
                models.load(case.files | {name: body})
            assert heard == []
    assert capsys.readouterr().out == ""


def _archive(body):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", body)
    return out.getvalue()


def refused(files):
    with pytest.raises(Corrupted, match="models/risk/3"):
        models.load(files, place="models/risk/3")


def test_files_that_are_missing_or_cut_off_are_refused(case):
    for name, body in case.files.items():
        refused({other: held for other, held in case.files.items() if other != name})
        for kept in (len(body) // 2, len(body) - 1):
            refused(case.files | {name: body[:kept]})


WHOLE = {
    ".skops": storage.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])),
    ".npy": packed(np.zeros((2, 2))),
    ".json": b"[]",
    ".crf": b"lCRF\x08\0\0\0",
    ".safetensors": (2).to_bytes(8, "little") + b"{}",
}
"""Files that are what their names say, but of nothing that learned."""


def test_whole_files_of_something_else_are_refused(case):
    for name in set(case.files) - {FACTS}:
        refused(case.files | {name: WHOLE[name.removeprefix("model")]})


def test_facts_of_another_learner_are_refused(case):
    facts = json.loads(case.files[FACTS])
    for change in ({"format": 99}, {"family": "oracle"}, {"problem": "oracle"}, {"parameters": 3}, {"notes": [None]}):
        refused(case.files | {FACTS: json.dumps(facts | change).encode()})
    for body in (b"[]", b"null", b"{}", b"\xff", b"[" * 100_000, b'{"problem": ["classification"], "family": []}'):
        refused(case.files | {FACTS: body})


def test_whatever_was_changed_in_a_file_it_is_refused_or_still_answers(case):
    chance = np.random.default_rng(7)
    facts = json.loads(case.files[FACTS])
    inside = "learned" if "learned" in facts else "encoding"
    changed = []
    for name in chance.permutation(sorted(facts[inside]))[:3].tolist():
        whole = facts[inside] | {name: [None, 10**9, -1, "x", [[]]][chance.integers(5)]}
        changed.append((FACTS, json.dumps(facts | {inside: whole}).encode()))
    for name, body in case.files.items():
        for place in chance.integers(0, len(body), 2).tolist():
            changed.append((name, body[:place] + bytes([body[place] ^ 4]) + body[place + 1 :]))
    for name, body in changed:
        with contextlib.suppress(Corrupted):
            models.load(case.files | {name: body})
