"""Learners of texts, beyond the contract of them all: they learn, keep no rare term, say where an answer is from."""

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.contents.text_sentences import sentences
from wardround.errors import NotTrainable
from wardround.errors.extras import ExtraMissing
from wardround.models import crf, learner, load, sequences, tagging, terms, words
from wardround.models.base import Learner
from wardround.problems import PROBLEMS
from wardround.problems.base import judged
from wardround.problems.quoting import read
from wardround.use_cases.base import UseCase

SUBJECTS = ("heart", "lung", "bone")
FAMILIES = [
    ("bag_of_words", "classification"), ("bag_of_words", "multiclass"), ("bag_of_words", "multilabel"),
    ("dictionary", "tagging"), ("crf", "tagging"),
    ("lead", "summary"), ("textrank", "summary"), ("sentence_ranking", "summary"),
]  # fmt: skip
Case = Callable[..., UseCase]


def rows_for(problem: str, notes: pd.DataFrame) -> tuple[pd.DataFrame, Any]:
    """The notes with the truth of a problem, and its target."""
    truth = {"multilabel": "labels", "tagging": "spans", "summary": "summary"}.get(problem)
    rows = notes if truth is None else notes.assign(truth=notes[truth])
    target = {"classification": "heart", "multiclass": "subject"}.get(problem)
    return rows, np.zeros(len(notes)) if target is None else notes[target].to_numpy(dtype=float)


def fitted(case: Case, notes: pd.DataFrame, family: str, problem: str, **parameters: Any) -> Learner:
    allowed = SUBJECTS if problem in ("multiclass", "multilabel") else None
    rows, target = rows_for(problem, notes)
    return learner(family, case(problem, allowed=allowed), parameters).fit(rows, target, seed=3)


@pytest.mark.parametrize(("family", "problem"), FAMILIES)
def test_every_character_of_a_text_has_its_share_of_the_answer(
    family: str, problem: str, case: Case, notes: pd.DataFrame
) -> None:
    made = fitted(case, notes, family, problem)
    where = made.saliency(notes)
    assert where is not None
    assert [None if one is None else len(one) for one in where] == [
        len(text) if isinstance(text, str) else None for text in notes["note"]
    ]
    assert any(np.abs(one).max() > 0 for one in where if one is not None)


@pytest.mark.parametrize("problem", ["classification", "multiclass", "multilabel"])
def test_words_tell_the_subjects_apart(problem: str, case: Case, notes: pd.DataFrame) -> None:
    made = fitted(case, notes.iloc[:60], "bag_of_words", problem)
    held_out = notes.iloc[60:89]
    rows, target = rows_for(problem, held_out)
    prediction = judged(PROBLEMS[problem], rows.get("truth"), made.predict(held_out))
    name = {"classification": "auroc", "multiclass": "accuracy", "multilabel": "micro_f1"}[problem]
    assert PROBLEMS[problem].metric(name).compute(target, prediction, 0.5) > 0.9
    if problem == "multiclass":
        assert prediction.parts is not None
        assert prediction.parts.sum(axis=1) == pytest.approx(1.0)
        assert set(prediction.output.tolist()) <= set(SUBJECTS)  # type: ignore[union-attr]


def test_the_shown_terms_and_the_others_add_up_to_the_score(case: Case, notes: pd.DataFrame) -> None:
    made = fitted(case, notes, "bag_of_words", "classification")
    assert isinstance(made, words.BagOfWords)
    rows = notes.iloc[:20]
    explained = made.explain(rows)
    assert explained.columns[-1] == words.OTHERS
    assert "heart" in explained.columns
    value = made.predict(rows).value
    assert explained.sum(axis=1).to_numpy() + made.intercepts[0] == pytest.approx(np.log(value / (1 - value)))
    where = made.saliency(rows)
    assert [float(one.sum()) for one in where] == pytest.approx(explained.sum(axis=1).tolist(), abs=1e-4)


def test_probabilities_of_what_no_word_tells_stay_near_the_rate_if_calibrated(case: Case, notes: pd.DataFrame) -> None:
    rows = notes.iloc[:89].assign(heart=(np.arange(89) % 7 < 3).astype(float))
    target = rows["heart"].to_numpy()
    spreads = [
        learner("bag_of_words", case("classification"), {}, calibrate=calibrate)
        .fit(rows, target)
        .predict(rows)
        .value.std()
        for calibrate in (False, True)
    ]
    assert spreads[1] < spreads[0]


def test_a_label_nobody_has_is_answered_alike_for_all_and_said(case: Case, notes: pd.DataFrame) -> None:
    rows, target = rows_for("multilabel", notes)
    made = learner("bag_of_words", case("multilabel", allowed=(*SUBJECTS, "skin"))).fit(rows, target)
    skin = [json.loads(one)["skin"] for one in made.predict(rows.iloc[:5]).output]
    assert len(set(skin)) == 1
    assert 0 < skin[0] < 0.01
    assert made.notes == ("an outcome that does not vary among the rows is always answered alike",)


STORED = [pair for pair in FAMILIES if pair[0] not in ("lead", "textrank")]


@pytest.mark.parametrize(("family", "problem"), STORED)
def test_no_model_keeps_a_term_that_few_patients_share(
    family: str, problem: str, case: Case, notes: pd.DataFrame
) -> None:
    marked = _with_the_name_marked(notes)
    held = b"".join(fitted(case, marked, family, problem).save().values()).lower()
    assert b"quetzal" not in held
    assert b"fracture" in held  # and what many share is there


@pytest.mark.parametrize(("family", "problem"), STORED)
def test_without_the_rule_the_rare_term_would_be_there(
    family: str, problem: str, case: Case, notes: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (tagging, crf):
        monkeypatch.setattr(module, "RARE", 1)
    monkeypatch.setattr(terms.learned, "__kwdefaults__", {"least": 1})
    held = b"".join(fitted(case, _with_the_name_marked(notes), family, problem).save().values()).lower()
    assert b"quetzal" in held


def _with_the_name_marked(notes: pd.DataFrame) -> pd.DataFrame:
    text = notes.loc[7, "note"]
    start = text.index("Quetzalcoatl")
    spans = [*json.loads(notes.loc[7, "spans"]), [start, start + 12, "finding"]]
    return notes.assign(spans=[json.dumps(sorted(spans)) if n == 7 else cell for n, cell in enumerate(notes["spans"])])


def test_ten_texts_of_one_patient_share_nothing(case: Case, notes: pd.DataFrame) -> None:
    name = notes.loc[7, "note"]
    rows = notes.assign(note=[name if n < 20 else text for n, text in enumerate(notes["note"])], patient_id=[
        "one" if n < 20 else patient for n, patient in enumerate(notes["patient_id"])
    ])  # fmt: skip
    assert b"quetzal" not in fitted(case, rows, "bag_of_words", "classification").save()["learner.json"]


@pytest.mark.parametrize("family", ["dictionary", "crf"])
def test_entities_are_found_again_with_what_the_text_says_of_them(family: str, case: Case, notes: pd.DataFrame) -> None:
    made = fitted(case, notes, family, "tagging")
    unseen = pd.DataFrame({"note": ["There is no fracture of the rib.", "An opacity in the right lung may be old."]})
    first, second = made.predict(unseen).output
    assert json.loads(first) == [[12, 20, "finding", "absent"]]
    assert json.loads(second) == [[3, 10, "finding", "present"]]
    explained = made.explain(unseen)
    assert explained.columns.tolist() == ["finding"]
    assert explained["finding"].tolist() == pytest.approx(made.predict(unseen).value.tolist())


def test_the_dictionary_takes_the_longest_term_and_none_inside_a_word(case: Case, notes: pd.DataFrame) -> None:
    made = fitted(case, notes, "dictionary", "tagging")
    assert isinstance(made, tagging.Dictionary)
    made.terms = {"rib": "bone", "rib fracture": "injury", "骨折": "injury"}
    assert made.found(["Ribs, a RIB fracture; rib. 肋骨骨折"]) == [
        [(8, 20, "injury"), (22, 25, "bone"), (29, 31, "injury")]
    ]


@given(
    text=st.text("abA 1-肺炎.+(", max_size=20),
    terms=st.frozensets(st.text("ab 1-肺炎.+(", min_size=1, max_size=4).map(str.strip), max_size=6),
)
def test_the_pattern_finds_what_looking_at_every_place_for_every_term_finds(text: str, terms: frozenset[str]) -> None:
    def inside(at: int) -> bool:
        return 0 < at < len(text) and all(c.isascii() and c.isalpha() for c in text[at - 1 : at + 1])

    found, at = [], 0
    while at < len(text):
        there = [term for term in terms if term and text.lower().startswith(term, at)]
        ends = [at + len(term) for term in there if not inside(at) and not inside(at + len(term))]
        if ends:
            found.append((at, max(ends), text[at : max(ends)].lower()))
        at = max(ends, default=at + 1)
    assert tagging._matches(text, tagging._pattern(tuple(terms))) == found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_spans_survive_the_way_to_tags_and_back(language: str) -> None:
    text = (
        "患者有肺炎、糖尿病。\n否认高血压。"
        if language == "zh"
        else "He has pneumonia, diabetes.\nNo high blood pressure."
    )
    terms_of = ("肺炎", "糖尿病", "高血压") if language == "zh" else ("pneumonia", "diabetes", "high blood pressure")
    spans = [(text.index(term), text.index(term) + len(term), "disease") for term in terms_of]
    back = []
    for tokens in sequences.split(text, language):
        back += sequences.untagged(tokens, sequences.tagged(tokens, spans))
    assert back == spans


def test_digits_are_not_features() -> None:
    (tokens,) = sequences.split("Room 4711 now.", "en")
    said = {one for each in sequences.features("Room 4711 now.", tokens) for one in each}
    assert "0:0000" in said
    assert not any("4" in one or "7" in one for one in said)


def test_a_corpus_without_any_span_cannot_be_learned_from(case: Case, notes: pd.DataFrame) -> None:
    with pytest.raises(NotTrainable, match="no entity is marked"):
        fitted(case, notes.assign(spans="[]"), "crf", "tagging")
    with pytest.raises(NotTrainable, match="no text has a summary"):
        fitted(case, notes.assign(summary=None), "sentence_ranking", "summary")


def test_without_the_extra_a_dictionary_learns_and_a_crf_says_what_to_install(
    case: Case, notes: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = fitted(case, notes, "crf", "tagging").save()
    monkeypatch.delitem(sys.modules, "wardround.models.crf")
    monkeypatch.delitem(sys.modules, "wardround.models.tagging")
    monkeypatch.setitem(sys.modules, "pycrfsuite", None)
    made = fitted(case, notes, "dictionary", "tagging")
    assert load(made.save()).predict(notes).output is not None
    for needs in (lambda: fitted(case, notes, "crf", "tagging"), lambda: load(files)):
        with pytest.raises(ExtraMissing, match=r"the family crf needs pycrfsuite.*pip install 'wardround\[text\]'"):
            needs()


def test_texts_that_share_nothing_cannot_be_learned_from(case: Case, notes: pd.DataFrame) -> None:
    strange = notes.assign(note=[chr(0x4E00 + n) for n in range(len(notes))])
    with pytest.raises(NotTrainable, match="no term is shared"):
        fitted(case, strange, "bag_of_words", "classification")


@pytest.mark.parametrize("family", ["lead", "textrank", "sentence_ranking"])
@pytest.mark.parametrize("count", [1, 2])
def test_summaries_quote_whole_sentences_of_the_text_as_they_stand(
    family: str, count: int, case: Case, notes: pd.DataFrame
) -> None:
    made = fitted(case, notes, family, "summary", sentences=count)
    for output, source in zip(made.predict(notes).output[:89], notes["note"], strict=False):
        text, quoted = read(output)
        assert text == source
        assert len(quoted) == min(count, len(sentences(source)))
        assert set(quoted) <= set(sentences(source))


def test_sentences_that_references_take_are_learned(case: Case, notes: pd.DataFrame) -> None:
    first = notes["note"].str.split(" It was").str[0]
    behind = notes.assign(note="It was dictated quickly. Nothing new. " + first)
    rows, target = rows_for("summary", behind)
    problem = PROBLEMS["summary"]
    made = fitted(case, behind.iloc[:60], "sentence_ranking", "summary")
    held_out = judged(problem, rows["truth"].iloc[60:89], made.predict(rows.iloc[60:89]))
    assert problem.metric("rouge_l_over_lead").compute(target[60:89], held_out, 0.5) > 0.5
