"""The shipped questions about pictures: what the visits bring is accepted or held back as they say."""

import importlib
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from pydantic import SecretStr

from expectations import suite_for
from wardround.settings import Settings
from wardround.sources import read, source_from
from wardround.sources.canonical import canonical
from wardround.use_cases import load
from wardround.validation import derived_suite, validate


@pytest.fixture(scope="module")
def at_data(shared_data) -> Settings:
    return Settings(data=shared_data, pseudonym_key=SecretStr("a fixed key, for tests and nothing else"))


@pytest.fixture(scope="module", params=["chest_xray", "nuclei"])
def arrived(request, at_data, tmp_path_factory):
    """Each delivery of a visit as a canonical frame."""
    use_case = load(request.param)
    visit = importlib.import_module(f"wardround.cli.visits.{request.param}")
    found = visit.deliver(tmp_path_factory.mktemp("inbox"), at_data)
    return use_case, [
        (one, canonical(use_case, read(use_case, source_from(str(one.path)), at_data), at_data, place=one.label))
        for one in found
    ]


def validated(use_case, frame, suite=None):
    return validate(use_case, frame, suite or suite_for(use_case), now=datetime.now(UTC))


def test_negatives_are_named_and_all_held_back_and_all_else_is_accepted(arrived):
    use_case, deliveries = arrived
    assert [one.expected for one, _ in deliveries] == ["", "none", "quarantine", "retrain"]
    for one, frame in deliveries:
        result = validated(use_case, frame)
        assert result.refused == (one.expected == "quarantine"), one.label
        assert len(result.accepted) + len(result.quarantined) == len(frame)
        if result.refused:
            assert any("as in a negative (wrong photometric interpretation)" in fault for fault in result.faults)
        else:
            assert len(result.quarantined) <= 1


def test_without_its_own_suite_negatives_would_pass(arrived):
    use_case, deliveries = arrived
    negatives = next(frame for one, frame in deliveries if one.label == "negatives")
    assert not validated(use_case, negatives, derived_suite(use_case)).refused


def test_the_shift_is_plausible_and_material_and_the_clean_batch_is_neither(arrived):
    from scipy.stats import ks_2samp

    use_case, deliveries = arrived
    (_, learned), (_, clean), _, (_, shifted) = deliveries

    def moved(frame: pd.DataFrame) -> list[float]:
        return [ks_2samp(learned[name], frame[name]).statistic for name in use_case.feature_names]

    assert max(moved(shifted)) > 2 * use_case.monitoring.material_effect
    assert np.median(moved(clean)) < use_case.monitoring.material_effect
    assert shifted["target"].notna().all()
    assert clean["target"].isna().all()


@pytest.mark.slow
def test_measures_rank_chest_pictures_without_a_network(at_data):
    from wardround.models import learner
    from wardround.problems.classification import auroc
    from wardround.use_cases.base import Source

    use_case = load("chest_xray")

    def rows(split: str) -> pd.DataFrame:
        source = Source(kind="images", location=use_case.source.location, options={"split": split})
        return canonical(use_case, read(use_case, source, at_data), at_data, place=split)

    train, test = rows("train+val"), rows("test")
    made = learner("logistic", use_case, {"C": 1.0}).fit(train, train["target"].to_numpy(), seed=1)
    assert auroc(test["target"].to_numpy(), made.predict(test).value) > 0.91


@pytest.mark.slow
def test_a_network_ranks_held_out_chest_pictures_as_the_issue_asks(at_data):
    from wardround.models import learner
    from wardround.problems.classification import auroc
    from wardround.use_cases.base import Source

    use_case = load("chest_xray")
    train, test = (
        canonical(
            use_case,
            read(use_case, Source(kind="images", location=use_case.source.location, options={"split": split}), at_data),
            at_data, place=split,
        )
        for split in ("train+val", "test")
    )  # fmt: skip
    made = learner("cnn", use_case, {}).fit(train, train["target"].to_numpy(), seed=1)
    assert auroc(test["target"].to_numpy(), made.predict(test).value) >= 0.94
