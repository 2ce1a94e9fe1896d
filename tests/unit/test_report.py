"""The page for people, made by Evidently itself (its import takes seconds, so few tests do)."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from expectations import suite_for
from wardround import ingest, registry
from wardround.domain import Action, Batch, Cause, Decision, ModelVersion, Reading
from wardround.monitoring.report import drift_report, write_report
from wardround.settings import Settings
from wardround.store import Store
from wardround.use_cases import load

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
USE_CASE = load("heart_disease")
DECISION = Decision(
    use_case="heart_disease",
    batch="ab" * 32,
    label="hungary",
    champion="0123456789abcdef",
    action=Action.RETRAIN,
    cause=Cause.COVARIATE_SHIFT,
    reasons=("cholesterol drifted <script>alert(1)</script>",),
    what_would_change_it=("less drift: none",),
    readings=(
        Reading(kind="input drift", column="cholesterol", effect=0.4, limit=0.1, alarm=True, sentence="0.4 apart"),
        Reading(kind="volume", column=None, effect=None, limit=None, alarm=False, sentence="294 rows"),
    ),
    decided_at=NOON,
    as_of=NOON,
)


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory: pytest.TempPathFactory):
    from wardround.sources import read
    from wardround.sources.canonical import canonical

    settings = Settings(home=tmp_path_factory.mktemp("home"))
    frame = canonical(USE_CASE, read(USE_CASE, USE_CASE.source, settings), settings, place="heart_disease")
    return {site: rows.reset_index(drop=True) for site, rows in frame.groupby("site")}


@pytest.fixture(scope="module")
def page(hospitals) -> str:
    return drift_report(USE_CASE, hospitals["Cleveland"], hospitals["Hungary"], DECISION, seed=7, max_rows=250).decode()


def test_the_decision_stands_on_top_of_the_page(page: str) -> None:
    body = page.partition("<body>")[2]
    assert body.index("Train again (covariate shift)") < body.index("What would have changed") < body.index("<script")


def test_the_page_says_that_it_shows_a_sample_drawn_by_chance(page: str) -> None:
    assert "250 of 303 reference rows and 250 of 294 current rows, drawn by chance (seed 7)" in page


def test_the_page_fetches_nothing(page: str) -> None:
    assert "default-src 'none'" in page
    assert "connect-src 'none'" in page
    assert page.index("Content-Security-Policy") < page.index("<script")
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=", page[: page.index("<script")]) == []
    assert re.findall(r"<script[^>]+src=|<link[^>]+href=", page) == []
    assert "cdn.plot.ly" not in page


def test_no_pseudonym_of_a_patient_is_on_the_page(page: str, hospitals) -> None:
    named = {
        *hospitals["Hungary"]["patient_id"],
        *hospitals["Hungary"]["record_id"],
        *hospitals["Cleveland"]["record_id"],
    }
    assert not [name for name in named if name in page]


def test_every_bar_on_the_page_stands_for_enough_patients_or_none(page: str) -> None:
    bars = re.findall(r'"y": ?\[([0-9, ]+)\], ?"type": ?"bar"', page)
    counts = {int(count) for bar in bars for count in bar.split(",")}
    assert len(bars) >= 20
    assert min(counts - {0}) >= 10


def test_rows_are_not_drawn_one_after_another(page: str) -> None:
    assert "Index binned" not in page
    assert "DATA DRIFT" not in page


def test_a_column_that_too_few_patients_have_is_left_out_and_named(page: str) -> None:
    assert "Left out because too few patients have them: vessels_coloured" in page
    assert "vessels_coloured: distance" not in page


def test_drifted_columns_come_first_with_their_unit(page: str) -> None:
    assert page.index("cholesterol (mg/dL): distance") < page.index("age (years): distance")


def test_a_reason_cannot_smuggle_markup_into_the_page(page: str) -> None:
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_batch_of_a_handful_of_patients_is_decided_upon_but_not_drawn(hospitals) -> None:
    few = drift_report(USE_CASE, hospitals["Cleveland"], hospitals["Hungary"].head(4), DECISION, seed=7).decode()
    assert "fewer than 10 patients" in few
    assert "Train again" in few
    assert "<script" not in few


def ingested(store: Store, settings: Settings, folder: Path, hospital: str) -> Batch:
    import pandas as pd

    from wardround.sources import source_from

    table = pd.read_csv(Path(registry.__file__).parents[1] / "data" / "heart_disease.csv.gz")
    path = folder / f"{hospital.lower()}.csv"
    table[table["dataset"] == hospital].to_csv(path, index=False)
    done = ingest.ingest(
        USE_CASE, source_from(str(path)), suite_for(USE_CASE), label=hospital.lower(), store=store, settings=settings,
        now=NOON,
    )  # fmt: skip
    return done.batch


def test_the_report_of_a_round_is_written_once_beside_its_decision(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    learned, arrived = (ingested(store, settings, tmp_path, name) for name in ("Cleveland", "Hungary"))
    version = registry.register(
        store,
        ModelVersion(
            use_case="heart_disease", version="", problem="classification", family="logistic", parameters={},
            features=USE_CASE.feature_names, batches=(learned.id,), label_sets=(), rows=303, patients=303,
            data_hash="d", use_case_hash="e", seed=1, code_version="0", packages={}, files={}, cause="first",
            parent=None, created_at=NOON,
        ),
        {"card.md": b"# a card\n"},
    )  # fmt: skip
    decision = replace(DECISION, batch=arrived.id, champion=version.version)
    key = write_report(USE_CASE, decision, store=store, settings=settings)
    assert key == decision.key.replace("decision.json", "report.html")
    first = store.get(key)
    assert b"all 303 reference rows" in first
    assert write_report(USE_CASE, decision, store=store, settings=settings) == key
    assert store.get(key) == first


def test_a_report_without_a_champion_has_nothing_to_compare_with(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    arrived = ingested(store, settings, tmp_path, "Hungary")
    decision = replace(DECISION, batch=arrived.id, champion=None)
    page = store.get(write_report(USE_CASE, decision, store=store, settings=settings))
    assert b"train a first one" in page


def test_numbers_that_differ_in_their_last_bits_only_are_drawn_as_one() -> None:
    import numpy as np
    import pandas as pd

    from wardround.monitoring.report import _drawable, _evidently

    noise = 140.0 + np.tile([0.0, 2.8e-14], 100)
    frame = pd.DataFrame({"rate": noise, "age": np.linspace(20, 80, 200)})
    with pytest.raises(ValueError, match="bins"):
        np.histogram_bin_edges(noise, bins=14)
    assert "<body" in _evidently(USE_CASE, frame, frame, ["rate", "age"])
    drawn, _ = _drawable(frame, frame, ["rate", "age"])
    assert drawn["rate"].nunique() == 1
    assert drawn["age"].equals(frame["age"])
