import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wardround.people import Right, Role
from wardround.serving.desk import shown, texts

DESK = Path(texts.__file__).parent
FILES = sorted(path.name for path in (DESK / "texts" / "en").glob("*.json"))


def placeholders(text) -> dict:
    if isinstance(text, str):
        return {"": set(re.findall(r"\{(\w+)", text))}
    return {"": set(re.findall(r"\{(\w+)", text["other"]))}


@pytest.mark.parametrize("name", FILES)
def test_both_languages_say_the_same_things_with_the_same_placeholders(name):
    english, chinese = (json.loads((DESK / "texts" / code / name).read_text()) for code in ("en", "zh"))
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert placeholders(text) == placeholders(chinese[key]), key
        assert isinstance(text, str) == isinstance(chinese[key], str), key


def test_every_text_a_template_or_a_module_asks_for_is_there():
    known = set(texts.words("en").texts)
    asked = set()
    for path in (*(DESK / "templates").glob("*.html"), *DESK.glob("*.py")):
        asked |= set(re.findall(r'\bt\(\s*"([a-z_.]+)"\s*[,)]', path.read_text()))
        asked |= set(re.findall(r'(?:tell\(request, |PageRefused\(\d+, )"([a-z_.]+)"', path.read_text()))
    assert len(asked) > 100
    assert asked - known == set()


def test_every_role_and_right_has_its_words():
    t = texts.words("zh")
    assert all(f"role.{role}" in t and f"role_why.{role}" in t for role in Role)
    assert all(f"right.{right.name.lower()}" in t for right in Right)


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, "", "en"), (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"), (None, "fr, en;q=0.5, zh;q=0.4", "en"),
        (None, "zh;q=0.2, en;q=0.8", "en"), ("zh", "en", "zh"), ("xx", "zh", "zh"), (None, "zh;q=x,,;q=", "en"),
        (None, "zh;q=0", "en"), (None, "zh-Hant-TW", "zh"),
    ],
)  # fmt: skip
def test_the_language_is_the_chosen_one_else_the_browsers(cookie, accepted, language):
    assert texts.choose(cookie, accepted) == language


def test_the_switch_is_remembered_and_changes_every_word(visit):
    visitor = visit("adams")
    assert '<html lang="en" data-theme="auto">' in visitor.get("/account").text
    answer = visitor.post("/look", {"language": "zh", "theme": "dark", "next": "/account"})
    assert answer.headers["location"] == "/account"
    assert "SameSite=lax" in answer.headers["set-cookie"]
    page = visitor.get("/account").text
    assert '<html lang="zh-Hans" data-theme="dark">' in page
    assert "更改口令" in page
    assert "Change the passphrase" not in page
    visitor.post("/sign-out")
    assert '<html lang="zh-Hans" data-theme="dark">' in visitor.get("/sign-in").text


def test_a_moment_is_shown_with_its_zone_and_a_hash_can_be_read_in_full():
    at = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
    assert shown.utc(at) == '<time datetime="2026-11-21T08:05:00Z">2026-11-21 08:05 UTC</time>'
    assert shown.short("b3f1782ff4f04034") == '<code title="b3f1782ff4f04034">b3f1782ff4f0</code>'
    assert shown.short('"><b>') == '<code title="&#34;&gt;&lt;b&gt;">&#34;&gt;&lt;b&gt;</code>'
    assert (shown.figure(None), shown.figure(0.8765), shown.figure(1234.0)) == ("\N{EN DASH}", "0.876", "1,234")


def test_ages_are_told_in_the_largest_unit_that_fits():
    t, now = texts.words("en"), datetime(2026, 11, 21, tzinfo=UTC)
    told = [t.age(now - timedelta(minutes=minutes), now) for minutes in (0, 1, 59, 60, 47 * 60, 72 * 60, -5)]
    assert told == [
        "0 minutes ago", "1 minute ago", "59 minutes ago", "1 hour ago", "47 hours ago", "3 days ago", "0 minutes ago"
    ]  # fmt: skip


def test_light_and_dark_have_enough_contrast():
    """WCAG 2.2 AA: 4.5 to 1 for text, 3 to 1 for the borders of fields and the focus ring."""
    css = (DESK / "static" / "desk.css").read_text()
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})\b", css.split(begin)[1].split("}")[0]))
        for begin in (":root {", ':root[data-theme="dark"]')
    )
    for theme in (light, dark):
        for ground in ("paper", "card", "sunk"):
            for ink in ("ink", "ink-soft", "accent", "accent-strong", "good", "note", "warn", "bad"):
                assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground)
            for edge in ("line-strong", "focus"):
                assert contrast(theme[edge], theme[ground]) >= 3, (edge, ground)
        assert contrast(theme["on-accent"], theme["accent"]) >= 4.5
        assert contrast(theme["accent-strong"], theme["accent-wash"]) >= 4.5


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
