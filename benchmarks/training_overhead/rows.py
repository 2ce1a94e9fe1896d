"""The generated rows that both sides learn from; the same number gives the same rows. Nothing here knows wardround."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

NUMBERS, LEVELS = 24, (2, 3, 4, 6, 9, 14)
TOPICS = ("heart", "lung", "gut", "brain")
KINDS = ("disease", "drug", "test")


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A *frame* with ``patient_id`` and columns called number_* and level_*, or ``record`` and ``truth`` of a text, and
    the *target* of each row; *content* and *masks* are the arrays of pictures and series."""

    frame: pd.DataFrame
    target: Any
    content: Any = None
    masks: Any = None


def _patients(count: int) -> list[str]:
    return [f"p{2 * row // 3}" for row in range(count)]  # every other patient has two rows


def table(count: int) -> tuple[pd.DataFrame, Any, Any]:
    """Return a table of numbers that hang together, some missing, and of levels; and three scores of each row."""
    random = np.random.default_rng(0)
    hidden = random.normal(size=(count, 6))
    numbers = hidden @ random.normal(size=(6, NUMBERS)) + random.normal(size=(count, NUMBERS))
    scores = hidden[:, :3] + random.normal(scale=0.7, size=(count, 3))
    frame = pd.DataFrame(numbers * 10 + 50, columns=[f"number_{place}" for place in range(NUMBERS)])
    for place in range(4):
        frame.loc[random.random(count) < 0.05, f"number_{place}"] = np.nan
    for place, levels in enumerate(LEVELS):
        codes = (random.integers(0, levels, count) + (hidden[:, place % 6] > 1)) % levels
        column = pd.Series([f"level {code}" for code in codes], dtype=object)
        column[random.random(count) < 0.02] = None
        column[random.integers(0, count, 5)] = "rare"  # every real column has a level that hardly anybody has
        frame[f"level_{place}"] = column.astype("str")
    frame.insert(0, "patient_id", _patients(count))
    return frame, scores, random


def two_classes(count: int) -> Rows:
    """Return a table with an outcome."""
    frame, scores, _ = table(count)
    return Rows(frame=frame, target=(scores[:, 0] + scores[:, 1] > 0).astype(float))


def few_outcomes(count: int) -> Rows:
    """Return a table with an outcome in one row of ten."""
    frame, scores, random = table(count)
    known = random.random(count) < 0.1
    return Rows(frame=frame, target=np.where(known, scores[:, 0] + scores[:, 1] > 0, np.nan))


def number(count: int) -> Rows:
    """Return a table with a number to be learned."""
    frame, scores, _ = table(count)
    return Rows(frame=frame, target=100 + 10 * scores.sum(axis=1))


def classes(count: int) -> Rows:
    """Return a table with one of three classes."""
    frame, scores, _ = table(count)
    return Rows(frame=frame, target=scores.argmax(axis=1).astype(float))


def no_outcome(count: int) -> Rows:
    """Return a table of three groups of patients with nothing to be learned."""
    frame, _, random = table(count)
    group = random.integers(0, 3, count)
    for place in range(NUMBERS):
        frame[f"number_{place}"] += 30 * (group == place % 3)
    return Rows(frame=frame, target=np.zeros(count))


def numbers(count: int) -> Rows:
    """Return 30 numbers a row, none missing, with an outcome."""
    random = np.random.default_rng(0)
    x = random.normal(size=(count, 30))
    frame = pd.DataFrame(x, columns=[f"number_{place}" for place in range(30)])
    frame.insert(0, "patient_id", [f"p{row}" for row in range(count)])
    return Rows(frame=frame, target=(x[:, :3].sum(1) + random.normal(size=count) > 0).astype(float), content=x)


def _frame(count: int) -> pd.DataFrame:
    return pd.DataFrame({"patient_id": [f"p{row}" for row in range(count)]})


def pictures(count: int) -> Rows:
    """Return pictures of 28 x 28 pixels, brighter in the one half where there is the outcome."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, count).astype(float)
    x = random.normal(100, 20, (count, 28, 28)) + 20 * y[:, None, None] * (np.arange(28) > 14)
    return Rows(frame=_frame(count), target=y, content=x.clip(0, 255).astype(np.uint8))


def signals(count: int) -> Rows:
    """Return signals of 140 points, slower where there is the outcome."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, count).astype(float)
    x = random.normal(size=(count, 140)) + np.sin(np.arange(140) / (5 + 5 * y[:, None]))
    return Rows(frame=_frame(count), target=y, content=x.astype(np.float32))


def series(count: int) -> Rows:
    """Return series of 20 to 60 steps of 4 channels, higher where there is the outcome."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, count).astype(float)
    x = [random.normal(each, 1, (int(random.integers(20, 60)), 4)).astype(np.float32) for each in y]
    return Rows(frame=_frame(count), target=y, content=x)


def objects(count: int) -> Rows:
    """Return pictures of 64 x 64 pixels with up to seven bright squares, and the mask of each."""
    random = np.random.default_rng(0)
    x = random.normal(60, 10, (count, 64, 64))
    masks = np.zeros((count, 64, 64), dtype=np.uint16)
    for mask in masks:
        for number in range(1, 8):
            i, j = random.integers(4, 52, 2)
            mask[i : i + 8, j : j + 8] = number
    content = (x + 60 * (masks > 0)).clip(0, 255).astype(np.uint8)
    return Rows(frame=_frame(count), target=np.zeros(count), content=content, masks=masks)


SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "le", "mi", "no", "ru", "sa", "te", "vi", "xo", "zu", "ka")


def _words(count: int) -> list[str]:
    every = [a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]
    return [every[place] for place in np.random.default_rng(1).permutation(len(every))[:count]]


def _texts(count: int, sentences: int) -> tuple[list[list[list[str]]], Any, Any]:
    """Return texts as sentences of 8 to 16 words that follow Zipf's law, each text leaning to the words of a topic."""
    random, words = np.random.default_rng(0), _words(4_000)
    chance = 1 / np.arange(1, len(words) + 1)
    topic = random.integers(0, len(TOPICS), count)
    texts = []
    for one in topic:
        lengths = random.integers(8, 17, sentences)
        drawn = random.choice(len(words), lengths.sum(), p=chance / chance.sum())
        leaning = random.random(len(drawn)) < 0.15
        drawn[leaning] = drawn[leaning] // len(TOPICS) * len(TOPICS) + one
        ends = np.cumsum(lengths)[:-1]
        texts.append([[words[min(place, len(words) - 1)] for place in part] for part in np.split(drawn, ends)])
    return texts, topic, random


def _written(text: Sequence[Sequence[str]]) -> str:
    return " ".join(" ".join(sentence).capitalize() + "." for sentence in text)


def _with_texts(texts: Sequence[Sequence[Sequence[str]]]) -> pd.DataFrame:
    frame = _frame(len(texts))
    frame["record"] = pd.Series([_written(text) for text in texts], dtype=object)
    return frame


def reports_of_two(count: int) -> Rows:
    """Return texts of eight sentences with an outcome."""
    texts, topic, _ = _texts(count, 8)
    return Rows(frame=_with_texts(texts), target=(topic < 2).astype(float))


def reports_of_topics(count: int) -> Rows:
    """Return texts of eight sentences with one of four topics."""
    texts, topic, _ = _texts(count, 8)
    return Rows(frame=_with_texts(texts), target=topic.astype(float))


def reports_of_labels(count: int) -> Rows:
    """Return texts of eight sentences with one or two of four labels."""
    texts, topic, random = _texts(count, 8)
    second = random.integers(0, len(TOPICS), count)
    frame = _with_texts(texts)
    frame["truth"] = ["|".join(dict.fromkeys((TOPICS[a], TOPICS[b]))) for a, b in zip(topic, second, strict=True)]
    return Rows(frame=frame, target=np.ones(count))


def reports_with_entities(count: int) -> Rows:
    """Return texts of four sentences in which rarer words, alone or two in a row, are marked as one of three kinds."""
    texts, _, _ = _texts(count, 4)
    rank = {word: place for place, word in enumerate(_words(4_000))}
    truths = []
    for text in texts:
        at, marked = 0, []
        for sentence in text:
            for word in sentence:
                end = at + len(word)
                if 40 <= rank[word] < 240:
                    kind = KINDS[rank[word] % 3]
                    if marked and marked[-1][1] == at - 1 and marked[-1][2] == kind:
                        marked[-1][1] = end
                    else:
                        marked.append([at, end, kind])
                at = end + 1
            at += 1  # the full stop
        truths.append(json.dumps(marked))
    frame = _with_texts(texts)
    frame["truth"] = truths
    return Rows(frame=frame, target=np.zeros(count))


def reports_with_summaries(count: int) -> Rows:
    """Return texts of eight sentences, each with half of one sentence as its summary."""
    texts, topic, _ = _texts(count, 8)
    frame = _with_texts(texts)
    frame["truth"] = [" ".join(text[one][::2]) + "." for text, one in zip(texts, topic, strict=True)]
    return Rows(frame=frame, target=np.zeros(count))
