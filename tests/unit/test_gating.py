"""The gate against a real store, with real models of real patients: hospital after hospital."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from expectations import suite_for
from wardround import batches, gating, ingest, ledger, registry, scoring
from wardround.contents.arrays import packed
from wardround.domain import Sensitivity, Verdict, from_json
from wardround.errors import Corrupted, NotFound, PromotionRefused
from wardround.training import train
from wardround.use_cases import load
from wardround.use_cases.base import Candidate, Comparison, Content, Floor, Source, Split, Target, UseCase
from wardround.validation import derived_suite

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CASE = replace(load("heart_disease"), candidates=(Candidate(family="logistic", parameters={"C": 0.1}),))
"""One quick candidate; everything else as shipped."""


@pytest.fixture
def hospital(store, settings, tmp_path):
    """Return a function that brings one hospital's rows in as a batch."""
    from wardround.sources import read, source_from

    table = read(CASE, CASE.source, settings)

    def arrive(name, label):
        path = tmp_path / f"{label}.csv"
        pd.DataFrame(table[table["dataset"] == name]).to_csv(path, index=False)
        found = ingest.ingest(
            CASE, source_from(str(path)), suite_for(CASE), label=label, store=store, settings=settings, now=NOW
        )
        return found.batch.id

    return arrive


@pytest.fixture
def learn(store, settings):
    def learned(*names, case=CASE, seed=1):
        return train(
            case, names, store=store, settings=settings, seed=seed, cause="a test", parent=None, now=NOW
        ).version

    return learned


@pytest.fixture
def judged(store, settings):
    def verdict(version, case=CASE):
        return gating.gate(case, version, store=store, settings=settings, now=NOW)

    return verdict


def promote(store, verdict):
    return registry.promote(
        store, CASE.name, verdict.challenger, verdict=verdict, actor="a", reason="r", expected=verdict.champion, now=NOW
    )


def test_a_moved_population_is_judged_by_fresh_champion_and_out_of_fold_challenger(
    store, settings, hospital, learn, judged
):
    cleveland = hospital("Cleveland", "cleveland")
    first = judged(learn(cleveland))
    assert first.passed, first.reasons
    assert first.champion is None
    promote(store, first)

    hungary = hospital("Hungary", "hungary")
    challenger = learn(cleveland, hungary)
    found = judged(challenger)
    assert found.champion == first.challenger
    assert "the champion by fresh predictions" in found.comparison
    assert [c.criterion for c in found.criteria] == [c.criterion for c in first.criteria]
    size = batches.load(store, CASE.name, hungary).rows_accepted
    brier = next(c for c in found.criteria if c.kind == "superior")
    assert brier.population == "current"
    assert f"{size} current rows" in brier.sentence

    learner = scoring.load_learner(store, registry.load(store, CASE.name, first.challenger))
    rows = batches.rows(store, batches.load(store, CASE.name, hungary))
    champion_loss = ((learner.predict(rows).value - rows["target"]) ** 2).mean()
    from wardround.training import out_of_fold

    held = out_of_fold(store, registry.load(store, CASE.name, challenger)).set_index("record_id").loc[rows["record_id"]]
    challenger_loss = ((held["value"] - held["target"]) ** 2).mean()
    assert brier.figure == pytest.approx(champion_loss - challenger_loss, abs=1e-9)


def test_the_verdict_is_stored_once_shows_no_row_and_is_not_borrowed(store, settings, hospital, learn, judged):
    batch = hospital("Cleveland", "cleveland")
    version = learn(batch)
    one = judged(version)
    assert judged(version) == one  # the latency, measured anew, would differ
    key = f"models/{CASE.name}/{version}/verdicts/none.json"
    assert from_json(Verdict, store.get(key)) == one
    entries = list(ledger.entries(store, use_case=CASE.name, kind="verdict"))
    assert len(entries) == 1
    assert key in entries[0].hashes
    assert ledger.verify(store).intact
    harder = replace(CASE, gates=(*CASE.gates, Floor(metric="auroc", limit=0.99, reason="r")))
    with pytest.raises(PromotionRefused, match="other criteria"):
        judged(version, case=harder)
    text = store.get(key).decode()
    rows = batches.rows(store, batches.load(store, CASE.name, batch))
    assert not any(name in text for column in ("record_id", "patient_id") for name in rows[column])
    promote(store, one)
    with pytest.raises(PromotionRefused, match="champion already"):
        judged(version)


def test_the_same_rows_again_are_no_reason_to_change_the_model(store, settings, hospital, learn, judged):
    cleveland = hospital("Cleveland", "cleveland")
    promote(store, judged(learn(cleveland)))
    found = judged(learn(cleveland, seed=2))
    assert not found.passed
    assert "stand in" in found.comparison
    with pytest.raises(PromotionRefused):
        promote(store, found)


def test_no_gate_is_a_refusal_and_no_version_is_not_found(store, settings, hospital, learn, judged):
    version = learn(hospital("Cleveland", "cleveland"))
    found = judged(version, case=replace(CASE, gates=()))
    assert not found.passed
    assert "ungated" in found.reasons[0]
    with pytest.raises(NotFound):
        judged("0" * 16)


def test_a_damaged_verdict_is_named_and_not_believed(store, hospital, learn, judged):
    version = learn(hospital("Cleveland", "cleveland"))
    key = f"models/{CASE.name}/{version}/verdicts/none.json"
    store.put(key, b'{"passed": true}', sensitivity=Sensitivity.AGGREGATE)
    with pytest.raises(Corrupted, match="it is not a verdict"):
        judged(version)


OUTLINES = UseCase(
    name="outlines", question="Where is it?", problem="segmentation", source=Source(kind="parquet", location="-"),
    record_id="record", patient_id="patient", target=Target(column="outcome"), features=(),
    contents=(Content(name="picture", kind="image", channels=("grey",)),), split=Split(kind="grouped", folds=3),
    candidates=(Candidate(family="thresholding", parameters={"apart": 1}),), primary_metric="dice", too_good=1.0,
    gates=(Floor(metric="dice", limit=0.5, reason="r"),
           Comparison(metric="dice", kind="non-inferior", population="reference", margin=0.1, reason="r")),
)  # fmt: skip


@pytest.fixture
def outlined(store, settings, tmp_path):
    """Return a function that brings pictures of a bright square in, some outlined at another place of the same size."""

    def arrive(label, numbers, elsewhere=()):
        random, rows = np.random.default_rng(7), []
        for number in numbers:
            picture = random.integers(0, 60, (20, 20), dtype=np.uint8)
            mask, other = np.zeros((2, 20, 20), dtype=np.uint16)
            mask[4:12, 5 : 9 + number % 5], other[12:20, 5 : 9 + number % 5] = 1, 1
            picture[mask > 0] += 150
            rows.append((f"r{number}", f"p{number}", packed(picture), packed(other if number in elsewhere else mask)))
        path = tmp_path / f"{label}.parquet"
        pd.DataFrame(rows, columns=["record", "patient", "picture", "outcome"]).to_parquet(path)
        given = {"label": label, "store": store, "settings": settings, "now": NOW}
        return ingest.ingest(
            OUTLINES, Source(kind="parquet", location=str(path)), derived_suite(OUTLINES), **given
        ).batch.id

    return arrive


def test_rows_whose_truth_came_anew_are_counted_and_no_model_is_judged_by_the_old_one(
    store, settings, outlined, learn, judged, monkeypatch
):
    first = outlined("first", range(40))
    verdict = judged(learn(first, case=OUTLINES), case=OUTLINES)
    assert verdict.passed, verdict.reasons
    registry.promote(
        store, OUTLINES.name, verdict.challenger, verdict=verdict, actor="a", reason="r", expected=None, now=NOW
    )
    again = outlined("again", range(28, 60), elsewhere=range(28, 40))
    challenger = learn(first, again, case=OUTLINES)
    found = judged(challenger, case=OUTLINES)
    floor, comparison = found.criteria
    assert "Left out were 12 rows that a model was judged on in its training by another truth" in found.comparison
    assert "28 reference rows of 28 patients" in comparison.sentence
    assert "20 current rows of 20 patients" in floor.sentence
    assert comparison.passed, comparison.sentence
    assert abs(comparison.figure) < 0.05, "on the 12, champion and challenger would be a whole dice apart"

    kept = gating.out_of_fold

    def without_hash(store, version):
        found = kept(store, version)
        return found.drop(columns="truth_sha256") if version.version == verdict.challenger else found

    monkeypatch.setattr(gating, "out_of_fold", without_hash)
    two = (registry.load(store, OUTLINES.name, version) for version in (challenger, verdict.challenger))
    older = gating._judged(OUTLINES, *two, store=store, small_cell=settings.small_cell)
    assert "Left out were 40 rows" in older.comparison
    assert "or by one that it kept no hash of" in older.comparison
    assert not older.passed
    assert "no reference rows were scored by both models" in older.reasons[0]
