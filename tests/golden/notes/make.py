"""Write the synthetic notes that de-identification is measured on: ``python tests/golden/notes/make.py``.

Nobody in them exists. Each note is a handful of sentences drawn from one of three pools with their own wordings, names
and forms of numbers: the patterns were written looking at ``developed``; ``held out`` was measured once before what it
showed was mended, too, and ``held out later`` the same once more after that. What each showed at first sight is in
``docs/how-to/notes.md``: it is what to expect of notes that nobody has seen. The hand-written
hard cases are in ``hard_en.txt`` and ``hard_zh.txt``. In every template ``{slot}`` becomes an identifier of the category
that `SLOTS` names and its place becomes a gold span.
"""

import json
import random
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import pools_en  # noqa: E402
import pools_zh  # noqa: E402

NOTES = 120  # of each pool
SLOT = re.compile(r"\{(\w+)\}")
MARKED = re.compile(r"\[\[(\w+)\|(.+?)\]\]")


def filled(template, slots, half, rng):
    """Return the text of a template and its gold spans [start, end, category]."""
    text, spans, at = "", [], 0
    for match in SLOT.finditer(template):
        text += template[at : match.start()]
        category, maker = slots[match.group(1)]
        value = maker(rng, half)
        spans.append([len(text), len(text) + len(value), category])
        text += value
        at = match.end()
    return text + template[at:], spans


def marked(line):
    """Return the text of a hand-written note, whose identifiers are written [[category|text]], and its gold spans."""
    text, spans, at = "", [], 0
    for match in MARKED.finditer(line):
        text += line[at : match.start()]
        spans.append([len(text), len(text) + len(match.group(2)), match.group(1)])
        text += match.group(2)
        at = match.end()
    return text + line[at:], spans


def notes(language, pools):
    """Yield every note of a language."""
    for half in ("developed", "held out", "held out later"):
        rng = random.Random(f"wardround notes {language} {half}")
        with_slots = [line for line in pools.POOLS[half] if SLOT.search(line)]
        plain = [line for line in pools.POOLS[half] if not SLOT.search(line)]
        order = []
        for number in range(NOTES if half != "held out later" else NOTES // 2):
            while len(order) < 5:
                order += rng.sample(with_slots, len(with_slots))
            lines = [order.pop() for _ in range(rng.randint(3, 5))] + rng.sample(plain, 2)
            rng.shuffle(lines)
            text, spans = "", []
            for line in lines:
                piece, found = filled(line, pools.SLOTS, half, rng)
                spans += [[start + len(text), end + len(text), category] for start, end, category in found]
                text += piece + rng.choice(pools.JOINTS)
            yield {"id": f"{half} {number}", "half": half, "kind": "template", "text": text, "spans": spans}
    hard = (HERE / f"hard_{language}.txt").read_text(encoding="utf-8").split("\n---\n")
    for number, block in enumerate(block.strip("\n") for block in hard):
        text, spans = marked(block)
        half = "developed" if number % 2 == 0 else "held out"
        yield {"id": f"hard {number}", "half": half, "kind": "hand-written", "text": text, "spans": spans}


if __name__ == "__main__":
    for language, pools in (("en", pools_en), ("zh", pools_zh)):
        lines = [json.dumps(note, ensure_ascii=False) for note in notes(language, pools)]
        (HERE / f"{language}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
