"""Pseudonyms, suppression, the column policy, and a canary that must be heard nowhere."""

import io
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from wardround.domain import Figure, SubgroupFigures
from wardround.errors import InputFault, PrivacyBroken, SettingsInvalid
from wardround.privacy import (
    beside,
    coarsen,
    delivery_in_words,
    enforce,
    leaving,
    policy_faults,
    pseudonym,
    pseudonyms,
    rounded_in_words,
    suppress_counts,
    suppress_subgroups,
    suppressed,
    whole,
)
from wardround.settings import Settings
from wardround.sources import read, schema, source_from
from wardround.sources.canonical import canonical, canonical_labels
from wardround.use_cases.base import Feature, Source, Target, UseCase

KEY = b"k" * 32
CANARY = "Zyxomma-4711-0815"
USE_CASE = UseCase(
    name="ward",
    question="?",
    problem="classification",
    source=Source(kind="csv", location="ward.csv"),
    record_id="id",
    patient_id="mrn",
    time="seen",
    time_zone="Europe/Zurich",
    site="house",
    target=Target(column="died", positive=(1,), allowed=(0, 1)),
    features=(
        Feature(name="age", kind="numeric"),
        Feature(name="sex", kind="category"),
        Feature(name="smoker", kind="boolean"),
    ),
    candidates=(),
    gates=(),
    identifiers=("surname", "mrn"),
    ignored=("note",),
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), pseudonym_key="z" * 32)  # type: ignore[arg-type]


def ward(rows: int = 6) -> pd.DataFrame:
    count = range(1, rows + 1)
    return pd.DataFrame(
        {
            "id": [f"R{row}" for row in count], "mrn": [f"P{row // 2}" for row in count],
            "seen": [f"2025-03-{row:02d} 14:0{row}" for row in count], "house": ["north"] * rows,
            "died": ["0"] * rows, "age": [str(50 + row) for row in count], "sex": ["F"] * rows,
            "smoker": ["t"] * rows, "surname": ["Muster"] * rows, "note": ["-"] * rows,
        }
    )  # fmt: skip


def test_a_pseudonym_is_stable_and_hangs_on_key_use_case_and_role():
    one = pseudonym(KEY, "ward", "patient", "4711")
    assert one == pseudonyms(KEY, "ward", "patient", ["x", "4711"])[1]
    others = {
        pseudonym(b"l" * 32, "ward", "patient", "4711"), pseudonym(KEY, "wards", "patient", "4711"),
        pseudonym(KEY, "ward", "record", "4711"), pseudonym(KEY, "ward", "patient", "4712"),
    }  # fmt: skip
    assert len(others | {one}) == 5
    assert all(len(name) == 24 and int(name, 16) >= 0 for name in others)


@given(counts=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 60), min_size=1), limit=st.integers(1, 20))
def test_no_hidden_count_follows_from_the_total(counts, limit):
    shown = suppress_counts(counts, limit)
    hidden = [level for level in counts if shown[level] is None]
    assert all(count is None or count == 0 or count >= limit for count in shown.values())
    assert all(shown[level] in (None, counts[level]) for level in counts)
    if hidden and any(shown.values()):
        assert len(hidden) >= 2
        assert sum(counts[level] for level in hidden) >= limit
    assert {level: suppressed(count, limit) for level, count in shown.items()} == shown


@given(large=st.integers(0, 5000), small=st.integers(1, 9))
def test_what_is_told_of_a_delivery_is_the_same_whatever_its_small_part_is(large, small):
    for parts, like in (((large, small), (large, 1)), ((small, large), (1, large))):
        assert delivery_in_words(*parts, 10) == delivery_in_words(*like, 10)
        assert not large or whole(parts, 10) is None


@given(total=st.integers(10, 400), share=st.floats(0, 1), tell=st.sampled_from(["a rule", "a part"]))
def test_no_small_rest_follows_from_a_total_and_what_is_told_beside_it(total, share, tell):
    def told(count):
        return rounded_in_words(count, 10) if tell == "a rule" else beside(count, total, 10)

    count = round(total * share)
    rests = {total - other for other in range(total + 1) if told(other) == told(count)}
    assert rests - set(range(1, 10)) or not 0 < total - count < 10 or rests == {*range(1, 10)}


def test_a_single_small_level_takes_the_next_smallest_with_it():
    assert suppress_counts({"F": 200, "M": 100, "X": 3}, 10) == {"F": 200, "M": None, "X": None}
    assert suppress_counts({"F": 200, "M": 100, "X": 0}, 10) == {"F": 200, "M": 100, "X": 0}
    assert suppress_counts({"F": 9}, 10) == {"F": None}


def test_subgroups_lose_rows_and_figures_where_they_rest_on_few_patients():
    figures = (Figure(metric="auroc", value=0.8, rows=30, patients=30),)
    groups = [
        SubgroupFigures(column=column, level=level, rows=30, figures=figures)
        for column, level in (("sex", "F"), ("sex", "M"), ("sex", "X"), ("site", "A"), ("site", "B"))
    ]
    patients = {("sex", "F"): 200, ("sex", "M"): 100, ("sex", "X"): 3, ("site", "A"): 150, ("site", "B"): 153}
    kept = suppress_subgroups(groups, patients, 10)
    assert [group.suppressed for group in kept] == [False, True, True, False, False]
    assert all(group.rows is None and group.figures == () for group in kept if group.suppressed)
    assert suppress_subgroups(kept, patients, 10) == kept
    assert all(group.suppressed for group in suppress_subgroups(groups, {}, 10))


@settings_of(max_examples=40, deadline=None)
@given(
    moments=st.lists(st.datetimes(pd.Timestamp(1901, 1, 1), pd.Timestamp(2100, 1, 1)), min_size=1, max_size=9),
    keep=st.sampled_from(["second", "day", "month", "year"]),
    zone=st.sampled_from(["UTC", "America/Sao_Paulo", "Europe/Amsterdam", "Asia/Kathmandu", "Pacific/Apia"]),
)  # fmt: skip
def test_a_time_cut_down_twice_is_cut_down_once(moments, keep, zone):
    times = pd.Series(pd.DatetimeIndex(moments, tz="UTC").as_unit("us"))
    once = coarsen(times, keep, zone)
    pd.testing.assert_series_equal(coarsen(once, keep, zone), once)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"identifiers": ("age",)}, "features: 'age' reads 'age', a direct identifier"),
        ({"features": (Feature(name="number", column="mrn", kind="category"),)}, "'mrn', which names a record"),
        ({"features": (Feature(name="day", column="seen", kind="category"),)}, "finer than keep_time"),
        ({"site": "surname"}, "site: 'surname' is an identifier"),
        ({"target": Target(column="id", positive=(1,))}, "target: 'id' is an identifier"),
    ],
)
def test_a_use_case_that_would_let_an_identifier_out_is_refused(change, says, settings):
    case = replace(USE_CASE, **change)
    assert any(says in fault for fault in policy_faults(case))
    with pytest.raises(InputFault, match="Mend the use case"):
        canonical(case, ward(), settings, place="ward.csv")


def test_the_policy_holds_for_what_canonical_gives(settings):
    frame = canonical(USE_CASE, ward(), settings, place="ward.csv")
    enforce(USE_CASE, frame)
    assert tuple(frame) == leaving(USE_CASE)
    assert policy_faults(USE_CASE) == ()


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda frame: frame.assign(surname=CANARY), r"1 column\(s\) that may not leave"),
        (lambda frame: frame.assign(patient_id=CANARY), r"6 name\(s\) in patient_id that are no pseudonyms"),
        (lambda frame: frame.drop(columns="record_id"), "record_id is missing"),
        (lambda frame: frame.assign(time=frame["time"] + pd.Timedelta("1h")), r"6 time\(s\) finer than the day"),
    ],
)
def test_a_frame_that_breaks_the_policy_does_not_leave(break_it, says, settings):
    frame = break_it(canonical(USE_CASE, ward(), settings, place="ward.csv"))
    with pytest.raises(PrivacyBroken, match=says) as broken:
        enforce(USE_CASE, frame)
    assert CANARY not in str(broken.value)


@pytest.mark.parametrize(
    ("name", "broken", "says"),
    [
        ("pseudonyms", lambda key, case, role, texts: list(texts), "that are no pseudonyms"),
        ("coarsen", lambda times, keep, zone: times, r"time\(s\) finer than the day"),
    ],
)
def test_should_a_step_fail_to_hide_nothing_leaves(name, broken, says, settings, monkeypatch):
    monkeypatch.setattr(f"wardround.sources.table.{name}", broken)
    with pytest.raises(PrivacyBroken, match=says):
        canonical(USE_CASE, ward(), settings, place="ward.csv")


def heard(frame: pd.DataFrame) -> bool:
    """Whether the canary is in a cell, a column name, the attributes, or the frame written to disk."""
    body = io.BytesIO()
    frame.to_parquet(body, compression="none", use_dictionary=False)
    texts = [frame.to_csv(), repr(frame.attrs), repr(list(frame)), body.getvalue().decode("latin-1")]
    return any(CANARY in text for text in texts)


@pytest.mark.parametrize("column", ["id", "mrn", "surname", "note", "age", "smoker", "died", "seen"])
@pytest.mark.parametrize("rows", [1, 6])
def test_a_canary_in_any_column_is_heard_nowhere(column, rows, settings, tmp_path):
    raw = ward()
    raw[column] = raw[column].astype(object)
    raw.loc[raw.index[:rows], column] = CANARY
    path = tmp_path / "ward.csv"
    raw.to_csv(path, index=False)
    try:
        table = read(USE_CASE, source_from(str(path)), settings)
        assert not heard(canonical(USE_CASE, table, settings, place="ward.csv"))
    except InputFault as fault:
        assert rows == 6
        assert CANARY not in f"{fault!r} {fault} {fault.__cause__} {fault.__context__}"  # noqa: PT017
    else:
        assert rows == 1 or column in ("id", "mrn", "surname", "note")


def test_a_level_is_kept_so_the_canary_can_be_heard_at_all(settings):
    assert heard(canonical(USE_CASE, ward().assign(sex=CANARY), settings, place="ward.csv"))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("id,", f"{CANARY},", 1),
        lambda text: text.split("\n", 1)[1].replace("Muster", CANARY),
        lambda text: text.replace("Muster", f'"{CANARY}', 1),
        lambda text: text.replace("Muster", f"{CANARY},{CANARY},"),
        lambda text: text.replace("Muster", f"{CANARY}\0"),
        lambda text: text.replace(",", "~").replace("Muster", CANARY),
    ],
)
def test_a_canary_in_a_broken_file_is_not_quoted(spoil, settings, tmp_path):
    path: Path = tmp_path / "ward.csv"
    path.write_text(spoil(ward().to_csv(index=False)))
    with pytest.raises(InputFault) as refused:
        canonical(USE_CASE, read(USE_CASE, source_from(str(path)), settings), settings, place="ward.csv")
    assert CANARY not in f"{refused.value!r} {refused.value}"


def test_without_the_guard_on_headers_the_canary_would_be_heard(settings, monkeypatch):
    first_row_as_header = ward().rename(columns={"note": CANARY})
    with pytest.raises(InputFault) as refused:
        canonical(USE_CASE, first_row_as_header, settings, place="ward.csv")
    assert CANARY not in str(refused.value)
    assert "1 unknown column(s): column 10" in str(refused.value)
    monkeypatch.setattr(schema, "_A_NAME", schema.re.compile(".*"))
    with pytest.raises(InputFault) as refused:
        canonical(USE_CASE, first_row_as_header, settings, place="ward.csv")
    assert CANARY in str(refused.value)


def test_late_outcomes_carry_no_canary(settings):
    raw = ward().assign(surname=CANARY, died=["0", "1", CANARY, "0", "0", "0"])
    assert not heard(canonical_labels(USE_CASE, raw, settings, place="late.csv"))


@pytest.mark.parametrize("left", [b"", b"a" * 31])
def test_a_damaged_key_file_is_refused_since_an_empty_key_hides_nobody(tmp_path, left):
    settings = Settings(home=tmp_path, pseudonym_key=None)
    assert len(settings.pseudonym_secret) == 64
    (tmp_path / "pseudonym.key").write_bytes(left)
    with pytest.raises(SettingsInvalid, match="damaged"):
        _ = Settings(home=tmp_path, pseudonym_key=None).pseudonym_secret
