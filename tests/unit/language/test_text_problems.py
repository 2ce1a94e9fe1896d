"""The problems whose answer is text: what their figures must hold, whatever was learned."""

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.contents.text_sentences import sentences
from wardround.problems import PROBLEMS, Prediction
from wardround.problems.base import judged, selected
from wardround.problems.quoting import centrality, lead, quoted_text, read, textrank, written
from wardround.problems.rouge import rouge_l, rouge_n, tokens

WORDS = st.lists(st.sampled_from("abcde"), max_size=12)
TEXT = "The heart is normal. Lungs are clear. No pneumothorax. The lungs are clear and the heart is normal."


def answers(*cells: Any, value: float = 1.0) -> Prediction:
    return Prediction(value=np.full(len(cells), value), output=np.array([*cells, None], dtype=object)[:-1])


def figure(problem: str, name: str, prediction: Prediction, threshold: float = 0.5) -> float:
    return PROBLEMS[problem].metric(name).compute(np.zeros(len(prediction)), prediction, threshold)


@given(WORDS, WORDS)
def test_rouge_is_one_for_equal_texts_and_the_same_in_either_direction(one: list[str], other: list[str]) -> None:
    for n in (1, 2):
        assert rouge_n(one, one, n) == 1
        assert rouge_n(one, other, n) == rouge_n(other, one, n)
        assert 0 <= rouge_n(one, other, n) <= 1
    assert rouge_l(one, one) == 1
    assert rouge_l(one, other) == rouge_l(other, one)


@given(WORDS, WORDS)
def test_rouge_l_counts_the_longest_common_subsequence(one: list[str], other: list[str]) -> None:
    table = np.zeros((len(one) + 1, len(other) + 1), dtype=int)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            table[i + 1, j + 1] = table[i, j] + 1 if a == b else max(table[i, j + 1], table[i + 1, j])
    total = len(one) + len(other)
    assert rouge_l(one, other) == pytest.approx(2 * table[-1, -1] / total if total else 1.0)


def test_the_example_of_the_paper_has_the_values_of_the_paper() -> None:
    texts = ("police killed the gunman", "police kill the gunman", "the gunman kill police")
    reference, first, second = (text.split() for text in texts)
    assert (rouge_l(first, reference), rouge_l(second, reference)) == (0.75, 0.5)
    assert rouge_n(first, reference, 2) == rouge_n(second, reference, 2)


def test_words_are_lower_cased_and_chinese_is_taken_by_character() -> None:
    assert tokens("No T2-lesion, 肺炎 (3 cm).") == ["no", "t2", "lesion", "肺", "炎", "3", "cm"]


def test_textrank_prefers_the_sentence_that_shares_most_with_the_others() -> None:
    assert quoted_text(TEXT, textrank(TEXT)) == "The lungs are clear and the heart is normal."
    assert lead(TEXT) == ((0, 20),)
    assert textrank("") == lead("") == ()
    assert centrality([["a"]]).tolist() == [1.0]
    assert centrality([["a"], ["b"], ["c"]]) == pytest.approx([1 / 3] * 3)


def test_the_ranks_of_a_long_text_take_the_room_of_its_pairs_of_sentences_and_not_of_their_words() -> None:
    count, common = 300, [f"word {number}" for number in range(12)]
    text = [[*common, f"own {number}"] for number in range(count)]
    tracemalloc.start()
    try:
        centrality(text)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 8 * (8 * count**2)  # a few tables of numbers; of words it would be over forty


def test_a_summary_is_judged_with_its_baselines_on_the_same_row() -> None:
    quoted = sentences(TEXT)[1:2]
    row = judged(PROBLEMS["summary"], ["Lungs are clear."], answers(written(TEXT, quoted)))
    assert figure("summary", "rouge_l", row) == 1.0
    assert figure("summary", "rouge_l_loss", row) == 0.0
    said, first = tokens("Lungs are clear."), tokens("The heart is normal.")
    assert figure("summary", "rouge_l_over_lead", row) == pytest.approx(1 - rouge_l(first, said))
    assert 0 < figure("summary", "rouge_l_over_textrank", row) < 1
    assert figure("summary", "faithful", row) == 1.0
    assert figure("summary", "compression", row) == pytest.approx(16 / len(TEXT))


@pytest.mark.parametrize("span", [(0, 10), (1, 20), (0, 37), (90, 400)])
def test_a_quote_that_is_no_whole_sentence_is_not_faithful(span: tuple[int, int]) -> None:
    row = judged(PROBLEMS["summary"], ["Lungs are clear."], answers(written(TEXT, (span,))))
    assert figure("summary", "faithful", row) == 0.0


def test_the_answer_of_a_summary_holds_the_text_its_places_are_in() -> None:
    assert read(written("肺部正常。", ((0, 5),))) == ("肺部正常。", ((0, 5),))


def test_a_span_counts_only_with_its_exact_borders_and_type() -> None:
    truth = json.dumps([[0, 3, "drug"], [5, 9, "disease"], [11, 12, "drug"]])
    given_ = json.dumps([[0, 3, "drug", "absent"], [5, 8, "disease"], [11, 12, "disease"]])
    row = judged(PROBLEMS["tagging"], [truth], answers(given_))
    assert row.parts is not None
    assert row.parts.tolist() == [[1, 2, 2]]
    assert figure("tagging", "precision", row) == figure("tagging", "recall", row) == figure("tagging", "f1", row)
    assert figure("tagging", "f1", row) == pytest.approx(1 / 3)


def test_precision_recall_and_f1_are_those_of_all_spans_together() -> None:
    truth = [json.dumps([[0, 1, "a"]]), json.dumps([[n, n + 1, "a"] for n in range(9)]), "[]"]
    given_ = [json.dumps([[0, 1, "a"]]), json.dumps([[0, 1, "a"], [20, 21, "a"]]), "[]"]
    rows = judged(PROBLEMS["tagging"], truth, answers(*given_))
    assert figure("tagging", "precision", rows) == pytest.approx(2 / 3)
    assert figure("tagging", "recall", rows) == pytest.approx(2 / 10)
    assert figure("tagging", "f1", rows) == pytest.approx(4 / 13)
    assert PROBLEMS["tagging"].losses(np.zeros(3), rows).tolist() == pytest.approx([0, 1 - 2 / 11, 0])


def test_a_row_without_any_span_has_no_loss_only_if_none_was_found() -> None:
    rows = judged(PROBLEMS["tagging"], ["[]", "[]", '[[0, 1, "a"]]'], answers("[]", '[[0, 1, "a"]]', "[]"))
    assert PROBLEMS["tagging"].losses(np.zeros(3), rows).tolist() == [0.0, 1.0, 1.0]


def labelled(*rows: tuple[float, float, float]) -> Prediction:
    return answers(*(json.dumps(dict(zip(("heart", "lung", "bone"), row, strict=True))) for row in rows))


def test_labels_are_judged_at_the_threshold_and_by_all_pairs_of_row_and_label() -> None:
    rows = judged(
        PROBLEMS["multilabel"], ["heart", "lung|bone", ""], labelled((0.9, 0.1, 0.4), (0.2, 0.6, 0.4), (0, 0, 0))
    )
    assert figure("multilabel", "exact_match", rows) == pytest.approx(2 / 3)
    assert figure("multilabel", "micro_f1", rows) == pytest.approx(2 * 2 / (2 + 3))
    assert figure("multilabel", "macro_f1", rows) == pytest.approx((1 + 1 + 0) / 3)
    assert figure("multilabel", "micro_f1", rows, 0.3) == pytest.approx(2 * 3 / (4 + 3))
    assert figure("multilabel", "micro_auroc", rows) == pytest.approx((6 + 6 + 5.5) / 18)  # a tie counts half
    loss = PROBLEMS["multilabel"].losses(np.zeros(3), rows)
    assert loss.tolist() == pytest.approx([(0.01 + 0.01 + 0.16) / 3, (0.04 + 0.16 + 0.36) / 3, 0])
    assert figure("multilabel", "brier", rows) == pytest.approx(loss.mean())


def test_the_area_over_all_pairs_is_scikit_learns() -> None:
    from sklearn.metrics import f1_score, roc_auc_score

    generator = np.random.default_rng(3)
    probability, truth = generator.random((40, 3)).round(1), generator.random((40, 3)) < 0.4
    names = np.array(["heart", "lung", "bone"])
    rows = judged(PROBLEMS["multilabel"], ["|".join(names[each]) for each in truth],
                  labelled(*(tuple(row) for row in probability.tolist())))  # fmt: skip
    assert figure("multilabel", "micro_auroc", rows) == pytest.approx(roc_auc_score(truth.ravel(), probability.ravel()))
    for average in ("micro", "macro"):
        expected = f1_score(truth, probability >= 0.5, average=average)
        assert figure("multilabel", f"{average}_f1", rows) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("problem", "output", "truth"),
    [
        ("tagging", "[]", '[[0, 1, "a"]]'),
        ("summary", written(TEXT, lead(TEXT)), "Lungs are clear."),
        ("multilabel", '{"heart": 0.5, "lung": 0.25}', "lung"),
    ],
)
def test_a_row_without_answer_or_truth_is_not_measured_and_never_counts_as_right(
    problem: str, output: str, truth: str
) -> None:
    rows = judged(PROBLEMS[problem], [truth, None, truth], answers(output, output, None))
    losses = PROBLEMS[problem].losses(np.zeros(3), rows)
    assert np.isfinite(losses).tolist() == [True, False, False]
    unanswered = judged(PROBLEMS[problem], [truth], Prediction(value=np.ones(1)))
    assert np.isnan(PROBLEMS[problem].losses(np.zeros(1), unanswered)).all()
    for metric in PROBLEMS[problem].metrics:
        assert np.isnan(metric.compute(np.zeros(3), rows, 0.5)), metric.name
        unjudged = metric.compute(np.zeros(1), answers(output), 0.5)
        assert np.isnan(unjudged), metric.name


def test_a_label_the_model_never_heard_of_leaves_its_row_unmeasured() -> None:
    rows = judged(PROBLEMS["multilabel"], ["heart", "liver"], labelled((1, 0, 0), (1, 0, 0)))
    assert np.isfinite(PROBLEMS["multilabel"].losses(np.zeros(2), rows)).tolist() == [True, False]


@pytest.mark.parametrize("problem", ["tagging", "summary", "multilabel"])
def test_weighted_metrics_equal_the_metric_of_the_rows_so_often(problem: str) -> None:
    outputs = {
        "tagging": ('[[0, 1, "a"], [4, 5, "a"]]', '[[2, 3, "a"]]', "[]"),
        "summary": tuple(written(TEXT, textrank(TEXT, n)) for n in (1, 2, 3)),
        "multilabel": ('{"a": 0.9, "b": 0.1}', '{"a": 0.3, "b": 0.8}', '{"a": 0.6, "b": 0.4}'),
    }[problem]
    truths = {"tagging": ('[[0, 1, "a"]]',) * 3, "summary": ("Lungs clear.", "Heart normal.", "No."),
              "multilabel": ("a", "a|b", "b")}[problem]  # fmt: skip
    rows = judged(PROBLEMS[problem], truths, answers(*outputs))
    weights = np.array([[1.0, 1, 1], [2, 1, 1], [0, 3, 2], [4, 0, 1]])
    for metric in PROBLEMS[problem].metrics:
        assert metric.weighted is not None
        many = metric.weighted(np.zeros(3), rows, 0.5)(weights)
        for weight, value in zip(weights, many, strict=True):
            index = np.repeat(np.arange(3), weight.astype(int))
            alone = metric.compute(np.zeros(len(index)), selected(rows, index), 0.5)
            assert value == pytest.approx(alone, nan_ok=True), metric.name
