import numpy as np
import pandas as pd
import pytest

from wardround.monitoring import sketch
from wardround.monitoring.profile import build_profile
from wardround.monitoring.sketch import ClusteredMean, Identifiers, Magnitudes
from wardround.monitoring.summary import BatchSummary


def _figures(summary):
    return {
        "rows": summary.rows, "scored": summary.scored, "missing": summary.missing, "unseen": summary.unseen,
        "bins": {k: v.tolist() for k, v in summary.bins.items()},
        "levels": {k: v.tolist() for k, v in summary.levels.items()},
        "prediction": summary.prediction.tolist(), "outcome": summary.outcome.tolist(),
        "positive": summary.positive.tolist(), "patients": summary.patients.distinct,
    }  # fmt: skip


@pytest.mark.parametrize("cut", [1, 40, 150])
def test_a_batch_streamed_in_pieces_or_merged_is_the_same_batch(clinic, cut):
    frame = clinic.elsewhere
    value = clinic.predict(frame)
    whole = clinic.summary(frame)
    pieces, left, right = (BatchSummary(clinic.profile) for _ in range(3))
    for start in range(0, len(frame), cut):
        pieces.update(frame.iloc[start : start + cut], value[start : start + cut])
    left.update(frame.iloc[:cut], value[:cut])
    right.update(frame.iloc[cut:], value[cut:])
    left.merge(right)
    for other in (pieces, left):
        assert _figures(other) == _figures(whole)
        assert other.loss.mean == pytest.approx(whole.loss.mean)
        assert other.loss.error == pytest.approx(whole.loss.error)
        assert other.embedded == pytest.approx(whole.embedded, rel=1e-4, abs=1e-3)


def test_every_row_is_in_one_bin_or_missing(clinic):
    summary = clinic.summary(clinic.elsewhere)
    for name, counts in (*summary.bins.items(), *summary.levels.items()):
        assert counts.sum() + summary.missing[name] == len(clinic.elsewhere), name


def test_bins_hold_what_their_edges_say(clinic):
    summary = clinic.summary(clinic.elsewhere)
    column = next(c for c in clinic.profile.numeric if c.name == "age")
    values = clinic.elsewhere["age"].dropna()
    expected = pd.cut(values, [-np.inf, *column.edges, np.inf]).value_counts(sort=False).tolist()
    assert summary.bins["age"].tolist() == expected


def test_losses_are_those_of_the_rows_with_an_outcome(clinic):
    frame = clinic.elsewhere.copy()
    frame.loc[::2, "target"] = np.nan
    value = clinic.predict(frame)
    summary = clinic.summary(frame)
    known = frame["target"].notna().to_numpy()
    assert summary.loss.total == known.sum()
    assert summary.loss.mean == pytest.approx(((value - frame["target"]) ** 2)[known].mean())


def test_identifiers_are_exact_when_few_and_near_when_many():
    random = np.random.default_rng(3)
    few, many = Identifiers(), Identifiers()
    hashes = random.integers(0, 2**64, 1_000, dtype=np.uint64)
    few.update(hashes)
    few.update(hashes[:100])
    assert few.distinct == 1_000
    assert few.repeated_share == pytest.approx(100 / 1_100)
    people = random.integers(0, 2**64, 100_000, dtype=np.uint64)
    for part in np.array_split(np.repeat(people, 2), 7):
        many.update(part)
    assert many.distinct == pytest.approx(100_000, rel=0.06)
    assert many.design_effect == pytest.approx(2.0)
    assert len(many.hashes) <= sketch.KEPT


def test_merged_identifiers_count_each_patient_fully():
    random = np.random.default_rng(4)
    people = random.integers(0, 2**64, 20_000, dtype=np.uint64)
    left, right = Identifiers(), Identifiers()
    left.update(people)
    right.update(people[:10_000])
    left.merge(right)
    sampled = np.isin(left.hashes, people[:10_000])
    assert (left.counts[sampled] == 2).all()
    assert (left.counts[~sampled] == 1).all()


def test_the_clustered_error_is_that_of_patients_not_of_rows():
    random = np.random.default_rng(5)
    patients = random.integers(0, 2**64, 400, dtype=np.uint64)
    own = random.normal(size=400)
    single, repeated = ClusteredMean(), ClusteredMean()
    single.update(own, patients)
    repeated.update(np.repeat(own, 5), np.repeat(patients, 5))
    assert single.error == pytest.approx(own.std() / 20, rel=0.1)
    assert repeated.error == pytest.approx(single.error, rel=0.01)


def test_the_median_of_magnitudes_is_near():
    values = np.random.default_rng(6).lognormal(3, 0.4, 5_000)
    sizes = Magnitudes()
    sizes.update(values)
    assert sizes.median == pytest.approx(np.median(values), rel=0.05)


def test_a_patient_with_many_rows_counts_once(clinic):
    again = pd.concat([clinic.arriving] * 4, ignore_index=True)
    again["record_id"] = [f"r{i}" for i in range(len(again))]
    assert clinic.summary(again).independent_rows == pytest.approx(len(clinic.arriving))
    profile = build_profile(
        clinic.use_case, again, type("P", (), {"value": clinic.predict(again)})(), again["target"].to_numpy(), {}, 1
    )
    assert profile.patients == len(clinic.arriving)
    assert profile.design_effect == pytest.approx(4.0)
    assert all(count == 0 or count >= 40 for column in profile.numeric for count in column.counts)
