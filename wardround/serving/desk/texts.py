"""What the desk says, in each of its languages, and which language a person gets."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

LANGUAGES: Mapping[str, tuple[str, str]] = {"en": ("en", "English"), "zh": ("zh-Hans", "中文")}
"""Code -> (what ``<html lang>`` must say, the language's name for itself)."""
HERE = Path(__file__).parent / "texts"
Text = str | Mapping[str, str]


@dataclass(frozen=True)
class Words:
    """The texts of one language; called with a key and the values of its placeholders."""

    code: str
    texts: Mapping[str, Text]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the text at *key*; one with a singular and a plural is chosen by the number *n*.

        Raises:
            KeyError: there is no such text, or a placeholder has no value.
        """
        text = self.texts[key]
        if not isinstance(text, str):
            text = text["one" if values["n"] == 1 else "other"]
        return text.format(**values)

    def __contains__(self, key: str) -> bool:
        return key in self.texts

    @property
    def tag(self) -> str:
        """The language tag for ``<html lang>``."""
        return LANGUAGES[self.code][0]

    def age(self, since: datetime, now: datetime) -> str:
        """Return how long ago *since* was, in the largest unit that fits."""
        past = max(now - since, timedelta(0))
        if past < timedelta(hours=1):
            return self("age.minutes", n=past // timedelta(minutes=1))
        if past < timedelta(days=2):
            return self("age.hours", n=past // timedelta(hours=1))
        return self("age.days", n=past // timedelta(days=1))


@cache
def words(code: str) -> Words:
    """Return the texts of the language *code*, gathered from every file in its folder."""
    gathered: dict[str, Text] = {}
    for path in sorted((HERE / code).glob("*.json")):
        more = json.loads(path.read_text(encoding="utf-8"))
        if again := gathered.keys() & more.keys():
            raise ValueError(f"{path} says again what another file says: {', '.join(sorted(again))}")
        gathered |= more
    return Words(code, gathered)


def choose(wanted: str | None, accepted: str) -> str:
    """Return the language somebody chose, else the best one of an ``Accept-Language`` header, else English."""
    if wanted in LANGUAGES:
        return str(wanted)
    return next((code for code in _by_preference(accepted) if code in LANGUAGES), "en")


def _by_preference(accepted: str) -> Iterable[str]:
    ranked = []
    for place, part in enumerate(accepted.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        if quality > 0:
            ranked.append((-quality, place, tag.split("-")[0].strip().lower()))
    return [code for _, _, code in sorted(ranked)]
