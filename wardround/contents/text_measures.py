"""What is measured of a text at ingest, without knowing its language: numbers that can be watched and learned from.

A unit is a word in letters or one Chinese character, so that no measure needs a word segmenter.
"""

import re
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from wardround.contents.arrays import Floats
from wardround.contents.text_assertions import negations
from wardround.contents.text_letters import CHINESE, broken_characters, script_shares
from wardround.contents.text_lists import listed
from wardround.contents.text_sentences import sentences
from wardround.use_cases.base import MEASURES, Content

if TYPE_CHECKING:
    import pandas as pd

WINDOW = 50
"""Units in which different ones are counted for `vocabulary`."""

_EMBEDDED = 8
_HASHES = 2**15
_SEED = 20261121  # fixed for ever: another one would make a drift of every embedding
_UNITS = rf"[{CHINESE}]|[^\W\d_{CHINESE}]+"
_UNIT = re.compile(_UNITS)
_MOST_UNITS = 50_000  # of a longer text the beginning is embedded
_HEADINGS = re.compile(
    r"""(?:^|(?<=[。；]))[ \t]*(?:\d{1,2}[.、)）][ \t]*)?(?:[【\[]\s*)?(?:
    (?i:findings?|impressions?|conclusions?|indications?|comparison|technique|history(?:[ ]of[ ]present[ ]illness)?|hpi
      |(?:past[ ])?(?:medical|surgical|family|social)[ ]history|(?:chief|presenting)[ ]complaint|allergies
      |(?:discharge[ ]|current[ ]|home[ ])?medications?|(?:physical[ ])?exam(?:ination)?|review[ ]of[ ]systems
      |vital[ ]signs
      |assessment(?:[ ]and[ ]plan)?|plan|labs?|laboratory(?:[ ]data)?|(?:hospital|brief)[ ](?:hospital[ ])?course
      |(?:admission[ ]|discharge[ ]|admitting[ ])?diagnos[ei]s|procedures?|follow[- ]?up|recommendations?|disposition)
    |主诉|现病史|既往史|个人史|家族史|婚育史|月经史|过敏史|体格检查|查体|专科检查|专科情况|辅助检查|实验室检查|初步诊断|入院诊断
      |出院诊断|诊断|诊疗经过|治疗经过|入院情况|出院情况|出院医嘱|手术记录|手术经过|检查所见|影像所见|影像表现|影像诊断|诊断意见
      |印象|结论|建议|处理|用药
    )(?:[ \t]*[】\]])?[ \t]*[:：\n]""",
    re.VERBOSE | re.MULTILINE,
)


def measured(content: Content, cells: "pd.Series[Any]") -> dict[str, Floats]:
    """Return every measure of the canonical texts *cells*, (n,) each, NaN where there is no text.

    ``vocabulary`` is the moving-average type-token ratio (Covington and McFall, "Cutting the Gordian knot", Journal of
    Quantitative Linguistics 17, 2010) over `WINDOW` units, which does not fall with length as the plain ratio does; a
    shorter text has the plain one. ``unknown`` compares with a fixed list, not with what a model knows: it moves when
    spelling, language or subject do, and says nothing of a single word. ``embedding_1`` to ``_8`` are a fixed random
    projection (Achlioptas 2003) of the hashed counts of units and pairs of them: comparable for ever, learned from
    nothing.
    """
    rows = [_row(text) if isinstance(text, str) else None for text in cells]
    plain = MEASURES["text"][:-_EMBEDDED]
    found = {name: np.array([np.nan if row is None else row[i] for row in rows]) for i, name in enumerate(plain)}
    there = np.array([row is not None for row in rows], dtype=bool)
    embedded = np.full((len(rows), _EMBEDDED), np.nan)
    if there.any():
        embedded[there] = _embedded([text for text in cells if isinstance(text, str)])
    return found | {f"embedding_{i + 1}": embedded[:, i].copy() for i in range(_EMBEDDED)}


def _row(text: str) -> tuple[float, ...]:
    """Return the measures of one text but for its embedding, in the order of `MEASURES`."""
    units = _UNIT.findall(text.lower())
    count = len(sentences(text))
    visible = len(text) - sum(map(len, re.findall(r"\s+", text)))
    return (
        len(text),
        count,
        _share(len(units), count),
        script_shares(text)[1],
        _vocabulary(units),
        _share(sum(not _known(unit) for unit in units), len(units)),
        _share(negations(text), count),
        len(_HEADINGS.findall(text)),
        _share(len(re.findall(r"\d", text)), visible),
        _share(broken_characters(text), len(text)),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _vocabulary(units: list[str]) -> float:
    if len(units) <= WINDOW:
        return _share(len(set(units)), len(units))
    numbers: dict[str, int] = {}
    codes = np.array([numbers.setdefault(unit, len(numbers)) for unit in units])
    last = np.full(len(numbers), -WINDOW)
    gap = np.empty(len(codes), dtype=np.int64)
    for place, code in enumerate(codes):
        gap[place] = place - last[code]
        last[code] = place
    # a unit counts in those of its windows in which it has not come before
    starts = np.arange(len(codes))
    first = np.maximum(starts - np.minimum(gap, WINDOW) + 1, 0)
    final = np.minimum(starts, len(codes) - WINDOW)
    return float(np.maximum(final - first + 1, 0).sum() / (len(codes) - WINDOW + 1) / WINDOW)


@cache
def _common() -> frozenset[str]:
    """Return the 3,755 commonest Chinese characters: level 1 of GB 2312, rows 16 to 55."""
    rows = (bytes((0xA0 + row, 0xA0 + cell)) for row in range(16, 56) for cell in range(1, 95))
    return frozenset(b"".join(rows).decode("gb2312", "ignore"))


def _known(unit: str) -> bool:
    return unit in _common() if re.match(f"[{CHINESE}]", unit) else len(unit) == 1 or unit in listed("words_en")


@cache
def _projection() -> Floats:
    # raw output of the bit generator: the one stream that NumPy promises never to change
    raw = np.random.PCG64(_SEED).random_raw(_HASHES * _EMBEDDED // 64).astype("<u8")
    signs = np.unpackbits(raw.view(np.uint8)).reshape(_HASHES, _EMBEDDED).astype(np.float64) * 2 - 1
    return np.asarray(signs / np.sqrt(_EMBEDDED))


def _embedded(texts: list[str]) -> Floats:
    from sklearn.feature_extraction.text import HashingVectorizer

    def units(text: str) -> list[str]:
        alone = _UNIT.findall(text[: 8 * _MOST_UNITS].lower())[:_MOST_UNITS]
        return alone + [f"{one} {two}" for one, two in pairwise(alone)]

    hashed = HashingVectorizer(analyzer=units, n_features=_HASHES, norm="l2", alternate_sign=True).transform(texts)
    return np.asarray(hashed @ _projection(), dtype=np.float64)
