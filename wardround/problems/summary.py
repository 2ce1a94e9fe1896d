"""A short text that says what a long one says, answered with sentences quoted from it; the loss of a row is one less
its ROUGE-L against the reference.

The answer quotes, so it is faithful by construction; that it does is measured all the same. `Prediction.value` is the
share of the text's characters that the summary keeps, *output* the answer (`wardround.problems.quoting`), with the text
in it, so that a row can be judged when its reference arrives. The target is the number of words of the reference.
"""

from typing import Any

import numpy as np

from wardround.contents.text_sentences import sentences
from wardround.problems.base import Floats, Objects, Prediction, Problem, mean_of
from wardround.problems.quoting import lead, quoted_text, read, textrank
from wardround.problems.rouge import rouge_l, rouge_n, tokens

PARTS = ("rouge_1", "rouge_2", "rouge_l", "lead_rouge_l", "textrank_rouge_l", "faithful", "compression")


def judged(truths: Objects, prediction: Prediction) -> Prediction:
    """Return *prediction* with its parts: ROUGE of the answer, and of what lead-1 and TextRank say of the same text.

    *faithful* is 1 where every quote is a whole sentence of the text. NaN where a row has no answer or no truth.
    """
    parts = np.full((len(prediction), len(PARTS)), np.nan)
    outputs: Any = [None] * len(prediction) if prediction.output is None else prediction.output
    for row, (output, truth) in enumerate(zip(outputs, truths, strict=True)):
        if isinstance(output, str) and isinstance(truth, str):
            parts[row] = _figures(output, truth)
    return Prediction(value=prediction.value, parts=parts, output=prediction.output)


def _figures(output: str, truth: str) -> tuple[float, ...]:
    text, quoted = read(output)
    reference = tokens(truth)
    said, first, central = (tokens(quoted_text(text, each)) for each in (quoted, lead(text), textrank(text)))
    kept = sum(end - start for start, end in quoted) / max(len(text), 1)
    return (
        rouge_n(said, reference, 1), rouge_n(said, reference, 2), rouge_l(said, reference), rouge_l(first, reference),
        rouge_l(central, reference), float(set(quoted) <= set(sentences(text))), kept,
    )  # fmt: skip


def _part(name: str) -> Any:
    number = PARTS.index(name)
    return lambda target, prediction, _: prediction.part(number)


def _over(baseline: str) -> Any:
    """Return the gain of each row over a *baseline* on the same row, so that its mean is a paired difference."""
    answer, other = _part("rouge_l"), _part(baseline)
    return lambda target, prediction, _: answer(target, prediction, _) - other(target, prediction, _)


def losses(target: Floats, prediction: Prediction) -> Floats:
    """Return one less the ROUGE-L of each row (n,); NaN where it was not judged."""
    return np.asarray(1 - prediction.part(PARTS.index("rouge_l")))


SUMMARY = Problem(
    name="summary",
    truth="text",
    judged=judged,
    parts=PARTS,
    suspicious="rouge_l",
    loss="rouge_l_loss",
    losses=losses,
    metrics=(
        mean_of("rouge_l_loss", lambda target, prediction, _: losses(target, prediction), higher=False),
        mean_of("rouge_1", _part("rouge_1"), higher=True),
        mean_of("rouge_2", _part("rouge_2"), higher=True),
        mean_of("rouge_l", _part("rouge_l"), higher=True),
        mean_of("rouge_l_over_lead", _over("lead_rouge_l"), higher=True),
        mean_of("rouge_l_over_textrank", _over("textrank_rouge_l"), higher=True),
        mean_of("faithful", _part("faithful"), higher=True, is_share=True),
        mean_of("compression", _part("compression"), higher=False),
    ),
)
