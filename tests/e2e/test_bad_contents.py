"""Broken pictures, signals and texts among sound ones: each waits in quarantine with its reason, no other is lost."""

import json
from dataclasses import replace

import numpy as np
import pytest

from expectations import suite_for
from wardround import batches, quarantine
from wardround.arrivals import reasons_key
from wardround.contents.arrays import packed, unpacked
from wardround.contents.image import PNG
from wardround.domain import utc_now
from wardround.ingest import ingest
from wardround.monitoring import logbook
from wardround.sources import read, source_from
from wardround.use_cases import load
from wardround.validation import derived_suite
from wardround.validation.suites import expectation

ROWS = 400
CANARY = "Canary Wintergreen"


def picture(cell):
    return unpacked(cell)


def burst(cell):
    series = unpacked(cell).copy()
    series[20:80, 1:] = np.nan
    return packed(series)


def still(cell):
    series = unpacked(cell).copy()
    series[:, 1:] = 0.0
    return packed(series)


CASES = {
    "chest_xray": {
        "picture: neither an array nor a PNG picture, or damaged": lambda cell: cell[:-40],
        "picture: a PNG picture that is damaged or too large": lambda cell: PNG + CANARY.encode(),
        "picture: 16-bit where 8-bit is expected": lambda cell: packed(picture(cell).astype(np.uint16) * 200),
        "picture: colour where grey is expected": lambda cell: packed(np.repeat(picture(cell)[..., None], 3, axis=2)),
        "picture: not 28 x 28 pixels": lambda cell: packed(picture(cell)[:20]),
        "picture: missing": lambda cell: None,
        "picture: empty, every pixel has the same value": lambda cell: packed(np.zeros((28, 28), np.uint8)),
    },
    "ecg_beats": {
        "beat: missing": lambda cell: None,
        "beat: of zero length": lambda cell: packed(unpacked(cell)[:0]),
        "beat: a larger share of a channel is missing than may be": burst,
        "beat: a channel never changes, as when a lead is off": still,
        "beat: time does not ascend": lambda cell: packed(unpacked(cell)[::-1]),
        "beat: no npy array of numbers, or damaged": lambda cell: cell[:50] + CANARY.encode(),
    },
    "clinical_entities_zh": {
        "record: empty text": lambda cell: " \n",
        "record: broken encoding": lambda cell: cell.encode("gb18030").decode("latin-1"),
        "record: longer than 1,000,000 characters": lambda cell: f"{CANARY}。" * 700_000,
        "record: another language than declared": lambda cell: f"{CANARY} was seen in the ward and is well. " * 8,
        "record: mixed languages": lambda cell: cell[:20] + f" {CANARY} was seen on the ward today and is well. " * 2,
        "record: missing": lambda cell: None,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_broken_content_waits_with_its_reason_and_no_sound_row_is_lost(name, store, settings, shared_data, tmp_path):
    settings = settings.model_copy(update={"data": shared_data})
    use_case = load(name)
    content = use_case.contents[0]
    rows = read(use_case, use_case.source, settings).head(ROWS)
    rows.attrs = {}
    cells = list(rows[content.source_column])
    for place, change in enumerate(CASES[name].values()):
        cells[3 * place] = change(cells[3 * place])
    planted = rows.assign(**{content.source_column: np.array([*cells, None], dtype=object)[:-1]})
    planted = planted.drop(columns=use_case.target.column)  # a truth that no longer fits its content is a fault, too
    path = tmp_path / "delivery.parquet"
    planted.to_parquet(path, index=False)
    said: list[object] = []
    batch = ingest(
        replace(use_case, monitoring=replace(use_case.monitoring, max_quarantined_share=0.2)),
        source_from(str(path)), suite_for(use_case), label="broken", store=store, settings=settings, now=utc_now(),
        progress=lambda *step: said.append(step),
    ).batch  # fmt: skip
    assert not batch.refused, batch.faults
    assert batch.rows_in == len(rows) == batch.rows_accepted + batch.rows_quarantined
    found = json.loads(store.get(reasons_key(batch)))["reasons"]
    assert {reason: found.get(reason) for reason in CASES[name]} == dict.fromkeys(CASES[name], 1), found
    told = quarantine.show(store, use_case, batch, small_cell=10)
    assert {told[reason] for reason in CASES[name]} == {"<10"}
    quiet = [key for key in store.keys("") if not key.startswith(("batches/", "quarantine/")) or key.endswith(".json")]
    assert quiet
    assert not any(CANARY.encode() in store.get(key) for key in quiet)
    said += [told, logbook.delivery_story(batch, new=True, small_cell=10, closer=""),
             logbook.delivery_headline(batch, new=True)]  # fmt: skip
    assert "broken" in str(said)
    assert CANARY not in str(said)


def test_a_held_back_picture_is_released_whole_and_an_unreadable_one_only_comes_with_a_mended_delivery(
    store, settings, shared_data, tmp_path
):
    settings = settings.model_copy(update={"data": shared_data})
    use_case = load("chest_xray")
    use_case = replace(use_case, monitoring=replace(use_case.monitoring, max_quarantined_share=0.9))
    own = use_case.contents[0].source_column
    rows = read(use_case, use_case.source, settings).head(60)
    rows.attrs = {}
    path = tmp_path / "delivery.parquet"

    def ingested(table, suite, label):
        table.to_parquet(path, index=False)
        return ingest(
            use_case, source_from(str(path)), suite, label=label, store=store, settings=settings, now=utc_now()
        ).batch  # fmt: skip

    cells = list(rows[own])
    damaged = rows.assign(**{own: [cells[0][:-40], *cells[1:]]})
    strict = expectation(
        "expect_column_values_to_be_between", "picture: too bright", column="picture_mean", max_value=0.55
    )
    first = ingested(damaged, derived_suite(use_case, (strict,)), "january")
    assert 1 < first.rows_quarantined < 60 == first.rows_accepted + first.rows_quarantined
    asked = {"settings": settings, "now": utc_now(), "reason": "the limit was wrong"}
    released = quarantine.release(store, use_case, first, derived_suite(use_case), **asked)
    kept = [*batches.rows(store, first)["picture"], *batches.rows(store, released)["picture"]]
    assert sorted(kept) == sorted(cells[1:])
    there = quarantine.account(store, first)
    assert (there.balanced, there.remaining, there.released) == (True, 1, first.rows_quarantined - 1)
    mended = ingested(rows.head(1), derived_suite(use_case), "mended")
    assert batches.rows(store, mended)["picture"].tolist() == cells[:1]
    assert quarantine.drop(store, use_case, first, **asked) == 1
    there = quarantine.account(store, first)
    assert (there.balanced, there.remaining, there.dropped) == (True, 0, 1)
