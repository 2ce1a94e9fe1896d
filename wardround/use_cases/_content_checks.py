"""What contents and the features measured of them must hold; each rule yields every fault it finds."""

from collections import Counter
from collections.abc import Iterator

from wardround.use_cases._data_checks import NAME, TAKEN
from wardround.use_cases._names import CONTENTS_NEEDED, MEASURES, TRUTHS, WITHIN
from wardround.use_cases.base import Content, Feature, UseCase


def _contents(use_case: UseCase) -> Iterator[str]:
    names = Counter(use_case.input_names)
    measured = {feature.of for feature in use_case.features}
    for content in use_case.contents:
        place = f"contents.{content.name}"
        if not NAME.fullmatch(content.name):
            yield f"{place}: use lower-case letters, digits and underscores, beginning with a letter"
        if content.name in TAKEN:
            yield f"{place}: the name is kept for a column of its own; choose another and give column="
        if names[content.name] > 1:
            yield f"{place}: the name is used {names[content.name]} times among features and contents"
        if content.name not in measured:
            yield f"{place}: no feature is measured of it, so nobody would watch it; declare some with of="
        yield from _content_of_its_kind(content, place)
    if (kind := WITHIN.get(TRUTHS.get(use_case.problem, ""))) is not None:
        there = sum(content.kind == kind for content in use_case.contents)
        if there != 1:
            yield f"contents: {use_case.problem} needs exactly one {kind}, and there are {there}"


def _content_of_its_kind(content: Content, place: str) -> Iterator[str]:
    if content.kind == "text":
        if content.channels:
            yield f"{place}.channels: a text has none"
        if content.language is None:
            yield f"{place}.language: say whether it is 'en' or 'zh'; de-identification and measures rest on it"
    else:
        if not content.channels or not all(channel.strip() for channel in content.channels):
            yield f"{place}.channels: name each of them, in order"
        elif len(set(content.channels)) != len(content.channels):
            yield f"{place}.channels: a name stands there twice"
        if content.language is not None:
            yield f"{place}.language: only a text has one"
        if content.deidentified:
            yield f"{place}.deidentified: only texts are de-identified here"
    if content.shape is not None and (content.kind != "image" or min(content.shape) < 1):
        yield f"{place}.shape: it is the (height, width) of an image, both 1 or more"


def _measures(use_case: UseCase) -> Iterator[str]:
    kinds = {content.name: content.kind for content in use_case.contents}
    for feature in use_case.features:
        place = f"features.{feature.name}"
        if feature.of is None:
            if feature.measure is not None:
                yield f"{place}.measure: say by of= which content it is measured of"
            continue
        if feature.of not in kinds:
            yield f"{place}.of: there is no content {feature.of!r}"
        elif feature.measure not in MEASURES[kinds[feature.of]]:
            known = ", ".join(MEASURES[kinds[feature.of]])
            yield f"{place}.measure: {feature.measure!r} is not measured of this kind of content: {known}"
        yield from _measured(feature, place)
    pairs = Counter((feature.of, feature.measure) for feature in use_case.features if feature.of is not None)
    for (of, measure), count in pairs.items():
        if count > 1:
            yield f"features: the measure {measure!r} of {of!r} is declared {count} times"


def _measured(feature: Feature, place: str) -> Iterator[str]:
    if feature.kind != "numeric":
        yield f"{place}.kind: what is measured of a content is a number"
    for name in ("column", "missing_codes", "other_units", "measured_at", "code"):
        if getattr(feature, name):
            yield f"{place}.{name}: it is measured of a content, so no column of the source holds it"


def _families(use_case: UseCase) -> Iterator[str]:
    kinds = {content.kind for content in use_case.contents}
    for number, candidate in enumerate(use_case.candidates):
        needed = CONTENTS_NEEDED.get(candidate.family, ())
        if needed and not kinds & set(needed):
            kind = " or ".join(needed)
            yield f"candidates[{number}].family: {candidate.family!r} learns from a content of the kind {kind} only"


RULES = (_contents, _measures, _families)
