"""Training and scoring against the real store: registered, reproducible, scored once, and nothing half done."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import SecretStr

from wardround import batches, ledger, registry, training
from wardround.domain import Evaluation, from_json
from wardround.errors import Corrupted, NoChampion, NotTrainable, UseCaseInvalid
from wardround.ingest import ingest
from wardround.monitoring.profile import Profile
from wardround.scoring import load_learner, predictions, score
from wardround.sources import source_from
from wardround.use_cases import load
from wardround.use_cases.base import Candidate, Feature, Source, Split, Target
from wardround.validation import derived_suite

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 4, 1, 12, tzinfo=UTC)


def small(use_case, **changes):
    """The use case with a quick candidate, so that a test takes a second."""
    return replace(use_case, candidates=(Candidate(family="logistic", parameters={"C": 0.1}),), **changes)


@pytest.fixture(scope="module")
def table():
    from wardround.sources.package import read_package

    use_case = load("heart_disease")
    return read_package(use_case, use_case.source)


@pytest.fixture
def world(store, settings):
    return {"store": store, "settings": settings, "now": NOW}


@pytest.fixture
def cleveland(table, tmp_path, world):
    """A batch of the first hospital's odd rows."""
    path = tmp_path / "cleveland.csv"
    table[table["dataset"] == "Cleveland"].iloc[::2].to_csv(path, index=False)
    use_case = load("heart_disease")
    return ingest(use_case, source_from(str(path)), derived_suite(use_case), label="cleveland", **world).batch


def train(use_case, batch, store, settings, **changes):
    given = {"seed": 7, "cause": "first model", "parent": None, "now": NOW} | changes
    return training.train(use_case, [batch.id], store=store, settings=settings, **given)


def test_a_version_has_all_it_takes_to_be_judged_watched_and_made_again(cleveland, store, settings):
    use_case, told = small(load("heart_disease")), []
    never = Candidate(family="neighbours", parameters={"n_neighbors": 9_000})
    use_case = replace(use_case, candidates=(never, *use_case.candidates))
    version = train(use_case, cleveland, store, settings, progress=lambda sentence, share=None: told.append(sentence))
    assert set(version.files) == {
        "model.skops", "learner.json", "evaluation.json", "profile.json", "training.json", "card.md"
    }  # fmt: skip
    assert registry.load(store, "heart_disease", version.version) == version
    assert version.rows == cleveland.rows_accepted
    assert version.batches == (cleveland.id,)
    assert version.label_sets == ()
    evaluation = from_json(Evaluation, registry.read_file(store, version, "evaluation.json"))
    assert evaluation.figure("auroc").value > 0.8
    assert {name for name, _ in evaluation.importance} == set(version.features)
    assert from_json(Profile, registry.read_file(store, version, "profile.json")).rows == version.rows
    card = registry.read_file(store, version, "card.md").decode()
    assert "Intended use" in card
    assert "## Limits" in card
    assert any("logistic" in line for line in told)
    reason = "neighbours asks 9000 neighbours of"
    ((family, why),) = json.loads(registry.read_file(store, version, "training.json"))["failed"]
    assert family == "neighbours"
    assert why.startswith(reason)
    assert f"**Cannot be trained here:** neighbours: {reason}" in card
    assert "1 of 2 candidates cannot be trained here" in evaluation.method
    assert any(f"neighbours cannot be trained: {reason}" in line for line in told)
    rows = batches.rows(store, cleveland)
    shown = b"".join(
        body for name, body in registry.read_files(store, version).items() if name != "model.skops"
    ).decode()
    assert not [name for role in ("record_id", "patient_id") for name in rows[role] if name in shown]
    assert [entry.subject for entry in ledger.entries(store, kind="model")] == [version.version]
    assert ledger.verify(store).intact


def test_the_ledger_vouches_for_every_file_of_a_version_before_it_is_promoted(cleveland, store, settings):
    version = train(small(load("heart_disease")), cleveland, store, settings)
    (entry,) = ledger.entries(store, kind="model")
    files = {version.file_key(name) for name in version.files}
    assert set(entry.hashes) == {f"{version.prefix}manifest.json", training.out_of_fold_key(version), *files}
    assert ledger.verify(store).intact


@pytest.mark.parametrize("family", ["neighbours", "rbf_svm"])
def test_a_family_that_remembers_rows_is_stored_at_row_level(cleveland, store, settings, family):
    only = replace(load("heart_disease"), candidates=(Candidate(family=family),))
    version = train(only, cleveland, store, settings)
    assert version.row_level == ("model.skops",)
    assert not store.exists(version.prefix + "model.skops")


def test_training_again_from_the_manifest_gives_the_same_version_and_predictions(cleveland, store, settings):
    use_case = small(load("heart_disease"))
    version = train(use_case, cleveland, store, settings)
    again = training.retrain_from(use_case, version, store=store, settings=settings, now=LATER)
    assert again == version
    other = train(use_case, cleveland, store, settings, seed=8)
    assert other.version != version.version
    rows = batches.rows(store, cleveland)
    one = load_learner(store, version).predict(rows).value
    assert np.array_equal(one, load_learner(store, again).predict(rows).value)
    with pytest.raises(UseCaseInvalid, match="has changed"):
        training.retrain_from(replace(use_case, threshold=0.4), version, store=store, settings=settings, now=LATER)


def test_a_few_left_out_rows_are_not_counted_out_in_the_manifests_files(table, tmp_path, world):
    rows = table[table["dataset"] == "Cleveland"].iloc[::2].copy()
    rows.loc[rows.index[:3], "num"] = None
    path = tmp_path / "three-unknown.csv"
    rows.to_csv(path, index=False)
    use_case = small(load("heart_disease"))
    batch = ingest(use_case, source_from(str(path)), derived_suite(use_case), label="three", **world).batch
    version = train(use_case, batch, world["store"], world["settings"])
    told = json.loads(registry.read_file(world["store"], version, "training.json"))
    assert (told["unlabelled"], told["again"]) == (None, 0)
    assert b"fewer than 10 row(s) without an outcome" in registry.read_file(world["store"], version, "card.md")


def test_the_key_of_the_pseudonyms_changes_names_and_no_figure(table, tmp_path, world):
    path = tmp_path / "cleveland.csv"
    table[table["dataset"] == "Cleveland"].head(150).to_csv(path, index=False)
    use_case, found = small(load("heart_disease")), []
    for key in ("one key of an installation of ours", "the key of another one, elsewhere"):
        store = replace(world["store"], prefix=f"{world['store'].prefix}{key[:3]}/")
        settings = world["settings"].model_copy(update={"pseudonym_key": SecretStr(key)})
        here = {"store": store, "settings": settings, "now": NOW}
        batch = ingest(use_case, source_from(str(path)), derived_suite(use_case), label="half", **here).batch
        found.append(training.out_of_fold(store, train(use_case, batch, store, settings)))
    one, other = found
    assert set(one["patient_id"]).isdisjoint(other["patient_id"])
    assert np.array_equal(one["value"], other["value"])


def test_out_of_fold_predictions_are_kept_for_every_row_and_verified(cleveland, store, settings):
    version = train(small(load("heart_disease")), cleveland, store, settings)
    kept = training.out_of_fold(store, version)
    assert list(kept.columns) == ["record_id", "patient_id", "target", "value", "low", "high"]
    assert len(kept) == version.rows
    assert kept["value"].between(0, 1).all()
    rows = batches.rows(store, cleveland)
    assert kept["record_id"].tolist() == rows["record_id"].tolist()
    fresh = load_learner(store, version).predict(rows).value
    assert ((kept["value"] - kept["target"]) ** 2).mean() > ((fresh - rows["target"]) ** 2).mean()


def test_outcomes_that_came_late_are_learned_from_and_named_in_the_manifest(table, tmp_path, world):
    from wardround.labels import add_labels

    use_case, store, settings = small(load("heart_disease")), world["store"], world["settings"]
    cleveland = table[table["dataset"] == "Cleveland"].iloc[::2].copy()
    told = cleveland[["id", "num"]].iloc[50:].to_csv(tmp_path / "late.csv", index=False) or tmp_path / "late.csv"
    cleveland["num"] = cleveland["num"].astype("Float64")
    cleveland.iloc[50:, cleveland.columns.get_loc("num")] = None
    cleveland.to_csv(tmp_path / "rows.csv", index=False)
    batch = ingest(
        use_case, source_from(str(tmp_path / "rows.csv")), derived_suite(use_case), label="rows", **world
    ).batch
    before = train(use_case, batch, store, settings)
    assert before.rows == 50
    late = add_labels(use_case, source_from(str(told)), **world)
    after = train(use_case, batch, store, settings)
    assert after.label_sets == (late.id,)
    assert after.rows == batch.rows_accepted
    assert training.retrain_from(use_case, before, store=store, settings=settings, now=LATER) == before


def test_a_batch_is_scored_once_per_model_and_read_back(cleveland, store, settings):
    use_case = small(load("heart_disease"))
    version = train(use_case, cleveland, store, settings)
    first = score(use_case, cleveland, store=store, settings=settings, now=NOW, version=version.version)
    again = score(use_case, cleveland, store=store, settings=settings, now=LATER, version=version)
    assert (first.new, again.new) == (True, False)
    assert first.key == again.key
    kept = predictions(store, use_case, cleveland, version)
    assert list(kept.columns) == ["record_id", "value", "low", "high", "version", "input", "time"]
    assert len(kept) == first.rows == cleveland.rows_accepted
    assert set(kept["version"]) == {version.version}
    assert set(kept["input"]) == {cleveland.id}
    rows = batches.rows(store, cleveland)
    assert np.array_equal(kept["value"], load_learner(store, version).predict(rows).value)


def test_a_run_killed_before_the_manifest_is_completed_by_the_next(cleveland, store, settings, monkeypatch):
    use_case = small(load("heart_disease"))
    version = train(use_case, cleveland, store, settings)
    put = type(store).put

    def killed(self, key, body, *, sensitivity):
        if key.startswith(f"predictions/{use_case.name}/{cleveland.id}"):
            raise KeyboardInterrupt
        return put(self, key, body, sensitivity=sensitivity)

    with monkeypatch.context() as patch:
        patch.setattr(type(store), "put", killed)
        with pytest.raises(KeyboardInterrupt):
            score(use_case, cleveland, store=store, settings=settings, now=NOW, version=version)
    done = score(use_case, cleveland, store=store, settings=settings, now=LATER, version=version)
    assert done.new
    assert len(predictions(store, use_case, cleveland, version)) == done.rows


def test_scoring_without_a_champion_says_so(cleveland, store, settings):
    with pytest.raises(NoChampion):
        score(load("heart_disease"), cleveland, store=store, settings=settings, now=NOW)


def test_a_model_altered_in_the_bucket_is_not_loaded_even_if_it_was_before(cleveland, store, settings):
    from wardround.store.client import call

    version = train(small(load("heart_disease")), cleveland, store, settings)
    load_learner(store, version)
    key = version.prefix + "model.skops"
    body = store.get(key)
    bad = body[:200] + bytes([body[200] ^ 1]) + body[201:]
    call(store._address, lambda c: c.put_object(Bucket=store.bucket, Key=store.prefix + key, Body=bad), key=key)
    with pytest.raises(Corrupted, match="hash"):
        load_learner(store, version)


def test_a_refused_batch_and_no_batch_train_nothing(cleveland, store, settings):
    use_case = small(load("heart_disease"))
    with pytest.raises(NotTrainable, match="no batch"):
        training.train(use_case, [], store=store, settings=settings, seed=1, cause="none", parent=None, now=NOW)
    refused = replace(cleveland, refused=True)
    from wardround.training import gathering

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering.batches, "load", lambda *_: refused)
        with pytest.raises(NotTrainable, match="cleveland: refused"):
            gathering.gather(use_case, ["cleveland"], store=store)


def test_a_record_delivered_again_counts_once(cleveland, table, tmp_path, world):
    from wardround.training.gathering import gather

    use_case = load("heart_disease")
    part = table[table["dataset"] == "Cleveland"].iloc[:60:2].copy()
    part["age"] = part["age"].astype(float) + 1
    part.to_csv(tmp_path / "again.csv", index=False)
    again = ingest(use_case, source_from(str(tmp_path / "again.csv")), derived_suite(use_case), label="again", **world)
    gathered = gather(use_case, ["cleveland", again.batch.id], store=world["store"])
    assert gathered.again == 30
    assert gathered.frame["record_id"].is_unique
    assert len(gathered.frame) == cleveland.rows_accepted


def test_scikit_learns_published_figures_come_out_of_train(world):
    """The user guide's linear regression on body mass index alone: MSE 2548.07, R2 0.47 on the last 20 rows."""
    base = load("diabetes_progression")
    use_case = replace(
        base,
        name="bmi_only",
        source=Source(kind="package", location="sklearn:diabetes"),
        target=Target(column="target"),
        features=(Feature(name="bmi", kind="numeric"),),
        ignored=("age", "sex", "bp", "s1", "s2", "s3", "s4", "s5", "s6"),
        subgroups=(), expectations=None, gates=base.gates[:1],
        candidates=(Candidate(family="linear"),),
        split=Split(kind="last rows", last=20),
    )  # fmt: skip
    batch = ingest(use_case, use_case.source, derived_suite(use_case), label="all", **world).batch
    version = train(use_case, batch, world["store"], world["settings"])
    evaluation = from_json(Evaluation, registry.read_file(world["store"], version, "evaluation.json"))
    assert evaluation.rows == 20
    assert f"{evaluation.figure('mse').value:.2f}" == "2548.07"
    assert f"{evaluation.figure('r2').value:.2f}" == "0.47"
    assert training.out_of_fold(world["store"], version)["value"].notna().sum() == 20


def test_breast_cancer_reaches_its_known_accuracy_and_auroc(world):
    from sklearn.datasets import load_breast_cancer

    use_case = replace(
        small(load("heart_disease")),
        name="breast_cancer",
        source=Source(kind="package", location="sklearn:breast_cancer"),
        record_id="record", site=None, subgroups=(), expectations=None,
        target=Target(column="target", positive=(0,), allowed=(0, 1)),
        features=tuple(
            Feature(name=name.replace(" ", "_"), column=name, kind="numeric")
            for name in load_breast_cancer().feature_names
        ),
        candidates=(Candidate(family="logistic"),),
        split=Split(kind="k-fold", folds=10), threshold=0.5, too_good=0.9999,
    )  # fmt: skip
    batch = ingest(use_case, use_case.source, derived_suite(use_case), label="all", **world).batch
    version = train(use_case, batch, world["store"], world["settings"], seed=use_case.seed)
    evaluation = from_json(Evaluation, registry.read_file(world["store"], version, "evaluation.json"))
    assert evaluation.figure("accuracy").value >= 0.970
    assert evaluation.figure("auroc").value >= 0.990
