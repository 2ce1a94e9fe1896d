"""What may be measured of each kind of content, in words, and how measures are declared as features of a use case.

Nothing heavy is imported here: a use case is loaded wherever its name is listed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from wardround.use_cases.base import MEASURES, Content, Feature


@dataclass(frozen=True)
class Measure:
    """What it is, its *unit*, and the closed range outside which it cannot be, where it has one by definition."""

    words: str
    unit: str | None = None
    range: tuple[float, float] | None = None


_SHARE = "share of range"

KNOWN: Mapping[str, Mapping[str, Measure]] = {
    "image": {
        "height": Measure("height of the picture", "pixels", (8.0, 100_000.0)),
        "width": Measure("width of the picture", "pixels", (8.0, 100_000.0)),
        "darkest": Measure("intensity below which the darkest hundredth of the pixels lies", _SHARE, (0.0, 1.0)),
        "median": Measure("median intensity", _SHARE, (0.0, 1.0)),
        "brightest": Measure("intensity above which the brightest hundredth of the pixels lies", _SHARE, (0.0, 1.0)),
        "mean": Measure("mean intensity", _SHARE, (0.0, 1.0)),
        "contrast": Measure(
            "root mean square contrast, the standard deviation of the intensity (Peli 1990)", _SHARE, (0.0, 0.5)
        ),
        "sharpness": Measure(
            "variance of the Laplacian over that of the picture (after Pech-Pacheco et al. 2000)", "ratio", (0.0, 64.0)
        ),
        "noise": Measure(
            "standard deviation of the noise, estimated by Immerkaer's difference of Laplacians (1996)",
            _SHARE, (0.0, 3.4),
        ),
        "saturation": Measure("share of the pixels at either end of the range", "share", (0.0, 1.0)),
        "midline": Measure("mean intensity of the middle columns less that of those beside them", _SHARE, (-1.0, 1.0)),
        "embedding": Measure(
            "projection of the picture's low frequencies that never changes", "standard deviations", (-8.0, 8.0)
        ),
    },
    "series": {
        "samples": Measure("number of times measured", "samples", (1, 1e9)),
        "duration": Measure("time from the first sample to the last", "s", (0, 1e9)),
        "rate": Measure("sampling rate, one over the ordinary step of time", "Hz", (0, 1e6)),
        "longest_gap": Measure("longest step of time", "s", (0, 1e9)),
        "missing": Measure("share of missing values", "share", (0, 1)),
        "low": Measure("5 % quantile of the values"),
        "high": Measure("95 % quantile of the values"),
        "mean": Measure("mean of the values"),
        "spread": Measure("standard deviation of the values"),
        "flat": Measure("share of values equal to the one before, in the worst channel", "share", (0, 1)),
        # rounding may carry a share a little over 1
        "low_band": Measure("share of the power at low frequencies", "share", (0, 1.000001)),
        "high_band": Measure("share of the power at high frequencies", "share", (0, 1.000001)),
        "centroid": Measure("mean frequency, weighted by power", "Hz", (0, 1e6)),
        "embedding": Measure("shape: a fixed cosine over the whole length", None, (-1.000001, 1.000001)),
    },
    "text": {
        "characters": Measure("its length in characters", None, (1, 1e9)),
        "sentences": Measure("its sentences", None, (1, 1e9)),
        "words_per_sentence": Measure("words per sentence; each Chinese character counts as one", None, (0, 10_000)),
        "chinese": Measure("share of its letters that are Chinese", None, (0, 1)),
        "vocabulary": Measure(
            "different words in every 50 successive ones, as a share (moving-average type-token ratio)", None, (0, 1)
        ),
        "unknown": Measure(
            "share of its words that the shipped list lacks; of Chinese characters, those beyond GB 2312 level 1",
            None, (0, 1),
        ),
        "negated": Measure("words of negation per sentence", None, (0, 100)),
        "sections": Measure("headings of the usual sections", None, (0, 1_000)),
        "digits": Measure("share of digits among its characters, blanks apart", None, (0, 1)),
        "broken": Measure("share of characters that a wrong encoding left behind", None, (0, 1)),
        "embedding": Measure("a fixed random projection of its words and pairs of words", None, (-10.0, 10.0)),
    },
}  # fmt: skip
"""Kind of content -> measure; ``embedding`` stands for all its directions."""


def features(
    content: Content,
    *,
    plausible: Mapping[str, tuple[float, float]] = {},
    measures: tuple[str, ...] | None = None,
    max_missing: float = 0.05,
    missing_reason: str = "",
) -> tuple[Feature, ...]:
    """Declare *measures* of *content* (all, unless named) as features; *plausible* narrows a measure's own range."""
    declared = []
    for name in MEASURES[content.kind] if measures is None else measures:
        known = KNOWN[content.kind]["embedding" if name.startswith("embedding_") else name]
        declared.append(
            Feature(
                name=f"{content.name}_{name}", kind="numeric", of=content.name, measure=name, unit=known.unit,
                description=known.words, plausible=plausible.get(name, known.range), max_missing=max_missing,
                missing_reason=missing_reason,
            )
        )  # fmt: skip
    return tuple(declared)
