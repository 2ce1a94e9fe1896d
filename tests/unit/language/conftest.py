"""Small corpora, made here, and use cases that learn from them."""

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from wardround.use_cases.base import Candidate, Content, Source, Target, UseCase


def use_case(problem: str, *, allowed: tuple[str, ...] | None = None, language: str = "en") -> UseCase:
    """A use case that is just enough for a learner."""
    return UseCase(
        name="notes", question="What does it say?", problem=problem, source=Source(kind="csv", location="-"),
        record_id="id", target=Target(column="answer", allowed=allowed), features=(), gates=(),
        contents=(Content(name="note", kind="text", language=language),), candidates=(Candidate(family="-"),),
    )  # fmt: skip


@pytest.fixture
def case() -> Callable[..., UseCase]:
    return use_case


@pytest.fixture
def notes() -> pd.DataFrame:
    """90 notes of 90 patients on three subjects, a name that occurs once and one note that is missing."""
    subjects = {
        "heart": ("the heart is enlarged", "no murmur over the heart", "heart failure is known"),
        "lung": ("the lungs are clear", "an opacity in the left lung", "the lung is collapsed"),
        "bone": ("a fracture of the rib", "the bones are intact", "an old fracture of the spine"),
    }
    rows: list[dict[str, Any]] = []
    for number in range(90):
        name = list(subjects)[number % 3]
        other = list(subjects)[(number + 1) % 3]
        text = f"Today {subjects[name][number // 3 % 3]}. It was dictated quickly."
        if number == 7:
            text += " Signed by Dr. Quetzalcoatl."
        if number % 5 == 0:
            text += f" Also {subjects[other][number // 5 % 3]}."
        labels = sorted({name, *([other] if number % 5 == 0 else [])})
        marked = [[text.index(word), text.index(word) + len(word), "finding"] for word in ("fracture", "opacity")
                  if word in text]  # fmt: skip
        rows.append(
            {"patient_id": f"p{number}", "note": text, "subject": list(subjects).index(name),
             "labels": "|".join(labels), "spans": json.dumps(sorted(marked)), "heart": float(name == "heart"),
             "summary": text.split(".")[0].removeprefix("Today ")}
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.loc[89, "note"] = None
    return frame
