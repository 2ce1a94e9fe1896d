"""Texts with scikit-learn, python-crfsuite and the standard library alone."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pycrfsuite
from rows import TOPICS, Rows
from safetensors.numpy import save_file
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer

LEAST = 10
SENTENCE = re.compile(r"(?<=[.!?])\s+")
WORD, DIGIT = re.compile(r"\w+|[^\w\s]"), re.compile(r"\d")


def _vectorizer() -> TfidfVectorizer:
    return TfidfVectorizer(ngram_range=(1, 2), min_df=LEAST, max_features=20_000, sublinear_tf=True)


def _keep(folder: Path, vectorizer: Any, **arrays: Any) -> None:
    names = vectorizer.get_feature_names_out().tolist()
    (folder / "terms.json").write_text(json.dumps(names, ensure_ascii=False))
    save_file({"idf": vectorizer.idf_, **arrays}, folder / "model.safetensors")


def bag_of_words(problem: str, rows: Rows, folder: Path) -> None:
    """Fit and keep logistic regressions on the terms of texts, one for each class or label."""
    vectorizer, model = _vectorizer(), LogisticRegression(C=10.0, max_iter=1_000, random_state=0)
    x, y = vectorizer.fit_transform(rows.frame["record"]), rows.target
    if problem == "classification":
        model.fit(x, y)
        each = [model]
    else:
        if problem == "multilabel":
            y = MultiLabelBinarizer(classes=TOPICS).fit_transform(rows.frame["truth"].str.split("|"))
        each = OneVsRestClassifier(model).fit(x, y).estimators_
    _keep(
        folder, vectorizer, weights=np.vstack([one.coef_ for one in each]),
        intercepts=np.concatenate([one.intercept_ for one in each]),
    )  # fmt: skip


def dictionary(problem: str, rows: Rows, folder: Path) -> None:
    """Keep what is marked in ten texts or more, and in half of its occurrences, with its most frequent kind."""
    texts = rows.frame["record"].tolist()
    marked = [[(text[a:b].lower(), kind) for a, b, kind in json.loads(truth)]
              for text, truth in zip(texts, rows.frame["truth"], strict=True)]  # fmt: skip
    held = Counter(term for one in marked for term in {term for term, _ in one})
    known = [term for term, count in held.items() if count >= LEAST]
    kinds = {term: Counter[str]() for term in known}
    for term, kind in (pair for one in marked for pair in one):
        if term in kinds:
            kinds[term][kind] += 1
    longest_first = sorted(map(re.escape, known), key=len, reverse=True)
    pattern = re.compile(rf"\b(?:{'|'.join(longest_first)})\b")
    there = Counter(match for text in texts for match in pattern.findall(text.lower()))
    kept = {term: found.most_common(1)[0][0] for term, found in kinds.items() if found.total() >= 0.5 * there[term]}
    (folder / "terms.json").write_text(json.dumps(kept, ensure_ascii=False, sort_keys=True))


def crf(problem: str, rows: Rows, folder: Path) -> None:
    """Fit and keep a conditional random field on words, their neighbours, the runs they form, and their shapes."""
    sentences, texts = [], []
    for text, truth in zip(rows.frame["record"], rows.frame["truth"], strict=True):
        tags = {start: (end, kind) for start, end, kind in json.loads(truth)}
        held: set[str] = set()
        at = 0
        for sentence in SENTENCE.split(text):
            places = [(at + one.start(), one.group()) for one in WORD.finditer(sentence)]
            own = _features([word for _, word in places])
            sentences.append((own, _tags(places, tags)))
            held.update(one for each in own for one in each)
            at += len(sentence) + 1
        texts.append(held)
    counts = Counter(one for held in texts for one in held)
    known = {one for one, count in counts.items() if count >= LEAST}
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": 0.1, "c2": 0.1, "max_iterations": 60, "feature.possible_transitions": True})
    for own, said in sentences:
        trainer.append([[one for one in each if one in known] for each in own], said)
    trainer.train(str(folder / "model.crf"))


def _tags(places: Sequence[tuple[int, str]], spans: dict[int, tuple[int, str]]) -> list[str]:
    tags, inside, kind = [], -1, ""
    for start, _ in places:
        if start in spans:
            inside, kind = spans[start]
            tags.append(f"B-{kind}")
        else:
            tags.append(f"I-{kind}" if start < inside else "O")
    return tags


def _features(words: list[str]) -> list[list[str]]:
    said = ["^", "^", *(DIGIT.sub("0", word.lower()) for word in words), "^", "^"]
    shapes = ["^", "^", *map(_shape, words), "^", "^"]
    out = []
    for at in range(2, len(words) + 2):
        own = ["any", f"s:{'_'.join(shapes[at - 1 : at + 2])}"]
        own += [f"{first}:{'_'.join(said[at + first : at + first + length])}"
                for first in range(-2, 3) for length in range(1, min(3, 3 - first) + 1)]  # fmt: skip
        if len(said[at]) > 3:
            own += [f"<{said[at][:3]}", f">{said[at][-3:]}"]
        out.append(own)
    return out


def _shape(word: str) -> str:
    kinds = ("0" if c.isdigit() else "A" if c.isupper() else "a" if c.isalpha() else "." for c in word)
    return re.sub(r"(.)\1+", r"\1+", "".join(kinds))


def sentence_ranking(problem: str, rows: Rows, folder: Path) -> None:
    """Fit and keep a ridge regression of each sentence's ROUGE-L on its terms, its place and its centrality."""
    said, known, worth = [], [], []
    for text, truth in zip(rows.frame["record"], rows.frame["truth"], strict=True):
        found = SENTENCE.split(text)
        words = [re.findall(r"\w+", one.lower()) for one in found]
        reference = re.findall(r"\w+", truth.lower())
        said += found
        ranks = _ranks(words)
        for at, one in enumerate(words):
            last = len(words) - 1
            known.append((at == 0, at == last, at / len(words), np.log1p(len(one)), len(words) * ranks[at],
                          np.log(len(words))))  # fmt: skip
            worth.append(2 * _common(one, reference) / (len(one) + len(reference)))
    places = np.array(known, dtype=float)
    mean, spread = places.mean(axis=0), places.std(axis=0)
    spread[spread == 0] = 1
    vectorizer = _vectorizer()
    x = hstack([csr_matrix((places - mean) / spread), vectorizer.fit_transform(said)]).tocsr()
    model = Ridge(alpha=3.0, solver="sparse_cg", tol=1e-6, random_state=0).fit(x, worth)
    _keep(folder, vectorizer, weights=model.coef_, intercept=np.array([model.intercept_]), mean=mean, spread=spread)


def _ranks(sentences: list[list[str]]) -> Any:
    """Return the rank of each sentence by the likeness of its words to those of the others (TextRank)."""
    columns = {word: place for place, word in enumerate({word for one in sentences for word in one})}
    counts = np.zeros((len(sentences), len(columns)))
    for row, one in enumerate(sentences):
        for word in one:
            counts[row, columns[word]] += 1
    weighted = counts * (np.log((1 + len(counts)) / (1 + (counts > 0).sum(axis=0))) + 1)
    weighted /= np.linalg.norm(weighted, axis=1, keepdims=True)
    alike = weighted @ weighted.T
    np.fill_diagonal(alike, 0)
    totals = alike.sum(axis=1, keepdims=True)
    moves = np.divide(alike, totals, out=np.full_like(alike, 1 / len(alike)), where=totals > 0)
    rank = np.full(len(alike), 1 / len(alike))
    for _ in range(100):
        after = 0.15 / len(alike) + 0.85 * rank @ moves
        if np.abs(after - rank).max() < 1e-9:
            break
        rank = after
    return after


def _common(one: list[str], other: list[str]) -> int:
    """Return the length of the longest common subsequence, a bit per word (Crochemore et al. 2001)."""
    places: dict[str, int] = {}
    for position, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << position
    everything = row = (1 << len(one)) - 1
    for word in other:
        met = row & places.get(word, 0)
        row = ((row + met) | (row - met)) & everything
    return len(one) - row.bit_count()
