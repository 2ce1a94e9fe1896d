"""A champion of two real hospitals: each one's batch is compared with its own patients."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from wardround.domain import Action, Decision, from_json, to_json
from wardround.monitoring import sites as sites_module
from wardround.monitoring.arming import Arming, arm
from wardround.monitoring.profile import COARSE_BINS, Profile, build_profile
from wardround.monitoring.sites import reference_for, with_sites
from wardround.monitoring.summary import BatchSummary

HERE = "patients at this site"


class _Values:
    def __init__(self, value):
        self.value = value


@pytest.fixture(scope="module")
def network(clinic):
    """The clinic with a champion of half of Cleveland and all of Hungary."""
    reference = pd.concat([clinic.reference, clinic.elsewhere], ignore_index=True)
    names = list(clinic.use_case.feature_names)
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), list(clinic.use_case.numeric)),
        (OneHotEncoder(handle_unknown="ignore"), list(clinic.use_case.categorical)),
    )
    model = make_pipeline(columns, LogisticRegression(C=0.1))
    target = reference["target"].to_numpy()
    out_of_fold = cross_val_predict(model, reference[names], target, cv=5, method="predict_proba")[:, 1]
    model.fit(reference[names], target)
    pool = build_profile(clinic.use_case, reference, _Values(out_of_fold), target, clinic.profile.importance, 1)
    profile = with_sites(pool, clinic.use_case, reference, _Values(out_of_fold), target)
    return replace(
        clinic, reference=reference, out_of_fold=out_of_fold, profile=profile,
        predict=lambda frame: model.predict_proba(frame[names])[:, 1],
    )  # fmt: skip


@pytest.fixture(scope="module")
def pooled(network):
    return replace(network, profile=replace(network.profile, sites=()))


def _visit(network, frame) -> Decision:
    found = set(frame["site"].dropna()) | ({None} if frame["site"].isna().any() else set())
    return replace(network, profile=reference_for(network.profile, found)).decide(frame)


def test_a_clean_batch_of_one_of_the_champions_hospitals_is_no_drift(network):
    decision = _visit(network, network.arriving)
    assert decision.action is Action.NONE
    assert not decision.drifted
    assert sum(HERE in reading.sentence for reading in decision.readings) > 13


def test_without_the_profiles_of_the_sites_the_same_batch_would_retrain(pooled):
    decision = _visit(pooled, pooled.arriving)
    assert decision.action is Action.RETRAIN
    assert "age" in decision.drifted or "resting_ecg" in decision.drifted
    assert not any(HERE in reading.sentence for reading in decision.readings)


def test_a_fault_and_a_shift_at_one_of_the_champions_hospitals_are_still_seen(network):
    rows = network.arriving
    mmol = _visit(network, rows.assign(cholesterol=rows["cholesterol"] / 38.67))
    assert mmol.action is Action.QUARANTINE
    assert _visit(network, rows[rows["chest_pain"] == "asymptomatic"]).action is Action.RETRAIN
    flipped = _visit(network, rows.assign(target=1.0 - rows["target"]))
    assert flipped.action is Action.RETRAIN_WITH_HUMAN


@pytest.mark.parametrize("where", ["unknown", "none stated", "two sites"])
def test_a_batch_that_is_not_of_one_known_site_is_compared_with_the_pool(network, pooled, where):
    rows = network.arriving
    change = {
        "unknown": rows["site"].map(lambda _: "Basel"),
        "none stated": rows["site"].where(np.arange(len(rows)) > 0),
        "two sites": rows["site"].where(np.arange(len(rows)) > 0, "Hungary"),
    }
    rows = rows.assign(site=change[where])
    assert _visit(network, rows) == _visit(pooled, rows)


def test_a_site_is_known_by_the_levels_that_the_model_has_met_and_by_what_the_model_relies_on(network):
    own = reference_for(network.profile, {"Cleveland"})
    assert own.site == "Cleveland"
    assert own.importance == network.profile.importance
    assert [c.known for c in own.category] == [c.known for c in network.profile.category]
    assert own.rows == 150


def test_small_sites_have_no_profile_and_no_cell_of_a_site_is_small(network):
    case, target = network.use_case, network.reference["target"].to_numpy()
    some = network.reference["site"].where(np.arange(len(target)) >= 40, "Small")
    frame = network.reference.assign(site=some)
    pool = replace(network.profile, sites=())
    profile = with_sites(pool, case, frame, _Values(network.out_of_fold), target)
    assert {site.site for site in profile.sites} == {"Cleveland", "Hungary"}
    for site in profile.sites:
        for column in (*site.numeric, site.prediction):
            assert all(count == 0 or count >= 10 for count in column.counts)
        for level in site.category:
            assert all(count >= 10 for count in level.counts)
            assert level.other == 0 or level.other >= 10
    values = _Values(network.out_of_fold)
    for patients, found in ((9, 0), (40, 2)):
        crowded = network.reference.assign(patient_id=[f"p{i % patients}" for i in range(len(frame))])
        assert len(with_sites(pool, case, crowded, values, target).sites) == found


def test_nobody_is_found_by_taking_the_sites_from_the_whole(network):
    case, target = network.use_case, network.reference["target"].to_numpy()
    values, pool = _Values(network.out_of_fold), replace(network.profile, sites=())
    three = network.reference["site"].where(np.arange(len(target)) >= 3, "Three patients")
    left = with_sites(pool, case, network.reference.assign(site=three), values, target).sites
    assert [site.site for site in left] == ["Hungary"]
    for site in network.profile.sites:
        counts = [
            c for column in (*site.columns, site.prediction, site.outcome) for c in (*column.counts, column.missing)
        ]
        assert not any(count % 5 for count in (*counts, site.rows, site.patients))


def test_without_sites_a_profile_is_what_it_was(clinic, network):
    target = clinic.reference["target"].to_numpy()
    values = _Values(clinic.out_of_fold)
    assert with_sites(clinic.profile, clinic.use_case, clinic.reference, values, target) is clinic.profile
    nowhere = replace(network.use_case, site=None)
    frame, values = network.reference, _Values(network.out_of_fold)
    assert with_sites(clinic.profile, nowhere, frame, values, frame["target"].to_numpy()) is clinic.profile


def test_the_size_is_bounded_however_many_sites_there_are(network, monkeypatch):
    many = pd.concat([network.reference] * 20, ignore_index=True)
    many["patient_id"] = [f"p{i}" for i in range(len(many))]
    many["site"] = [f"s{i % 80:02}" for i in range(len(many))]
    values, target = _Values(np.tile(network.out_of_fold, 20)), many["target"].to_numpy()
    pool = replace(network.profile, sites=())
    profile = with_sites(pool, network.use_case, many, values, target)
    assert len(profile.sites) == sites_module.MAX_SITES
    assert from_json(Profile, to_json(profile)) == profile
    assert len(to_json(profile.sites[0])) < 20_000
    assert all(len(column.edges) < COARSE_BINS for site in profile.sites for column in site.numeric)


def test_a_stored_profile_without_sites_is_still_readable(pooled):
    import json

    old = json.loads(to_json(pooled.profile))
    del old["sites"], old["site"]
    assert from_json(Profile, json.dumps(old).encode()) == pooled.profile


def test_a_sites_summary_is_made_against_its_own_reference(network):
    own = reference_for(network.profile, {"Hungary"})
    rows = network.reference[network.reference["site"] == "Hungary"]
    summary = BatchSummary(own)
    summary.update(rows, network.predict(rows))
    for column in (c for c in own.numeric if c.edges):
        assert np.abs(summary.bins[column.name] - column.counts).max() <= 2


def test_arming_replays_single_sites_as_well_as_the_mixture(network, monkeypatch):
    from wardround.monitoring import arming

    seen: list[frozenset[str]] = []
    true = arming._round

    def watched(use_case, profile, rows, *rest):
        seen.append(frozenset(rows["site"]))
        return true(use_case, profile, rows, *rest)

    monkeypatch.setattr(arming, "_round", watched)
    target = network.reference["target"].to_numpy()
    found = arm(network.use_case, network.profile, network.reference, network.out_of_fold, target, seed=3, rounds=40)
    assert found.armed
    assert found.sites == 2
    assert "half of them at one of 2 sites" in found.sentence
    assert from_json(Arming, to_json(found)) == found
    counted = {kind: seen.count(kind) for kind in set(seen)}
    assert counted == {
        frozenset({"Cleveland", "Hungary"}): 20, frozenset({"Cleveland"}): 10, frozenset({"Hungary"}): 10,
    }  # fmt: skip
