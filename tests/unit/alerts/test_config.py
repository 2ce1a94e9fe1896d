"""The alert file: what is wrong in it is named with its place, and quiet hours keep to the clock on the wall."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.alerts import load_config
from wardround.alerts.config import QuietHours
from wardround.errors import SettingsInvalid

EXAMPLE = Path(__file__).parents[3] / "docs" / "how-to" / "alerts.md"
BERLIN = QuietHours(start=time(22), end=time(6, 30), zone="Europe/Berlin")


def test_no_file_is_no_place_to_tell():
    assert load_config(None).sinks == ()


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsInvalid, match=r"none\.toml cannot be read: No such file"):
        load_config(tmp_path / "none.toml")


def test_a_file_that_is_not_toml_is_named_with_the_line(configured):
    with pytest.raises(SettingsInvalid, match="line 2"):
        configured("[[sinks]]\nkind = pigeon\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('kind = "file"\nname = "a"\npath = "x"\ncolour = "red"', "sinks 1, colour: there is no such key"),
        ('kind = "pigeon"\nname = "a"', "sinks 1: .*'pigeon'"),
        ('kind = "file"\nname = "a"', "sinks 1, path: Field required"),
        ('kind = "file"\nname = "A b"\npath = "x"', "sinks 1, name"),
        ('kind = "file"\nname = "a"\npath = "x"\nactions = ["dance"]', "sinks 1, actions: unknown: dance"),
        ('kind = "file"\nname = "a"\npath = "x"\nlanguage = "de"', "sinks 1, language"),
        ('kind = "webhook"\nname = "a"', "give either url or url_from"),
        ('kind = "webhook"\nname = "a"\nurl = "http://hospital.example/x"', "http sends the message readable"),
        ('kind = "webhook"\nname = "a"\nurl = "https://me:secret@hospital.example/x"', "it holds a password"),
        ('kind = "webhook"\nname = "a"\nurl = "ftp://hospital.example/x"', "not an http or https address"),
        ('kind = "webhook"\nname = "a"\nurl = "https://h.example"\nsecret = "s3cret"', "secret: there is no such key"),
        (
            'kind = "mail"\nname = "a"\nhost = "mail.example"\nsecurity = "none"\nsender = "a@b"\nto = ["c@d"]',
            "readable over the network",
        ),
        (
            'kind = "mail"\nname = "a"\nhost = "mail.example"\nsecurity = "none"\nsender = "a@b"\nto = ["c@d"]\n'
            'unencrypted = true\nuser = "u"\npassword_from = "P"',
            "a password is never sent",
        ),
        ('kind = "mail"\nname = "a"\nhost = "h"\nsender = "a@b"\nto = ["c@d, e@f"]', "is not a mail address"),
        ('kind = "mail"\nname = "a"\nhost = "h"\nsender = "a@b"\nto = []', "sinks 1, to"),
        ('kind = "mail"\nname = "a"\nhost = "h"\nsender = "a@b"\nto = ["c@d"]\nuser = "u"', "go together"),
        (
            'kind = "file"\nname = "a"\npath = "x"\nquiet_hours = {start = 22:00:00, end = 22:00:00, zone = "UTC"}',
            "nothing would ever be sent",
        ),
        (
            'kind = "file"\nname = "a"\npath = "x"\nquiet_hours = {start = 22:00:00, end = 6:00:00, zone = "UTC"}',
            "not TOML",
        ),
        (
            'kind = "file"\nname = "a"\npath = "x"\nquiet_hours = {start = 22:00:00, end = 06:00:00, zone = "Bonn"}',
            "sinks 1, quiet_hours.zone: it is not the name of a time zone",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(configured, text, words):
    with pytest.raises(SettingsInvalid, match=words) as caught:
        configured(f"[[sinks]]\n{text}")
    assert "s3cret" not in str(caught.value)
    assert "me:secret" not in str(caught.value)


def test_every_fault_is_named_at_once(configured):
    with pytest.raises(SettingsInvalid, match=r"sinks 1, colour.*sinks 2, path.*other"):
        configured(
            '[[sinks]]\nkind = "file"\nname = "a"\npath = "x"\ncolour = 1',
            '[[sinks]]\nkind = "file"\nname = "b"',
            "[other]",
        )


def test_two_places_of_one_name_are_refused(configured):
    with pytest.raises(SettingsInvalid, match="more than one sink is called a"):
        configured(*['[[sinks]]\nkind = "file"\nname = "a"\npath = "x"'] * 2)


def test_http_is_spoken_with_this_machine_without_asking(configured):
    for host in ("127.0.0.1", "localhost", "[::1]"):
        assert configured(f'[[sinks]]\nkind = "webhook"\nname = "a"\nurl = "http://{host}:8000/x"').sinks


def test_the_example_in_the_docs_is_a_valid_file(configured):
    example = EXAMPLE.read_text().split("```toml\n")[1].split("```")[0]
    assert {sink.kind for sink in configured(example).sinks} == {"webhook", "mail", "file"}


def at(*moment: int, zone: str = "Europe/Berlin", fold: int = 0) -> datetime:
    return datetime(*moment, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        (at(2026, 3, 2, 21, 59, 59), None),
        (at(2026, 3, 2, 22, 0), at(2026, 3, 3, 6, 30)),
        (at(2026, 3, 3, 0, 0), at(2026, 3, 3, 6, 30)),
        (at(2026, 3, 3, 6, 29, 59), at(2026, 3, 3, 6, 30)),
        (at(2026, 3, 3, 6, 30), None),
        (at(2026, 3, 28, 23, 0), at(2026, 3, 29, 6, 30)),  # the night that lacks an hour
        (at(2026, 10, 24, 23, 0), at(2026, 10, 25, 6, 30)),  # the night that has one more
    ],
)
def test_quiet_hours_run_over_midnight_by_the_clock_on_the_wall(moment, until):
    assert BERLIN.until(moment) == until


def test_the_night_without_an_hour_is_an_hour_shorter():
    assert BERLIN.until(at(2026, 3, 28, 22, 0)) - at(2026, 3, 28, 22, 0) == timedelta(hours=7.5)
    assert BERLIN.until(at(2026, 10, 24, 22, 0)) - at(2026, 10, 24, 22, 0) == timedelta(hours=9.5)


def test_quiet_hours_that_end_in_the_hour_that_is_skipped_end_when_the_clock_has_jumped():
    quiet = QuietHours(start=time(22), end=time(2, 30), zone="Europe/Berlin")
    assert quiet.until(at(2026, 3, 29, 1, 59)) == at(2026, 3, 29, 3, 30)
    assert quiet.until(at(2026, 3, 29, 3, 0)) is None


def test_quiet_hours_that_end_in_the_hour_that_comes_twice_end_both_times_after_the_present():
    quiet = QuietHours(start=time(22), end=time(2, 30), zone="Europe/Berlin")
    first, second = at(2026, 10, 25, 2, 10), at(2026, 10, 25, 2, 10, fold=1)
    assert quiet.until(first) == at(2026, 10, 25, 2, 30)
    assert quiet.until(second) == at(2026, 10, 25, 2, 30, fold=1)


@given(
    moment=st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC)),
    start=st.times(),
    end=st.times(),
    zone=st.sampled_from(["Europe/Berlin", "Asia/Shanghai", "America/St_Johns", "UTC"]),
)
def test_quiet_hours_always_end_within_a_day_and_never_in_the_past(moment, start, end, zone):
    if start == end:
        return
    until = QuietHours(start=start, end=end, zone=zone).until(moment)
    assert until is None or moment < until <= moment + timedelta(hours=25)
