"""Online and in the batch flow a row gets the same prediction, to the last bit, whatever the family."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from wardround.arrivals import described_batch, store_batch
from wardround.models import FAMILIES
from wardround.predicted import prediction_of
from wardround.problems import problem_of
from wardround.problems.answering import Row, shape_of
from wardround.scoring import predictions, score
from wardround.settings import Settings
from wardround.use_cases.base import Target
from wardround.use_cases.heart_disease import USE_CASE
from wardround.validation import Validated

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
REGRESSION = replace(USE_CASE, name="frailty", problem="regression", target=Target(column="num", unit="points"))
KINDS = replace(USE_CASE, name="kinds", problem="multiclass", target=Target(column="num", allowed=("none", "some")))
GROUPS = replace(USE_CASE, name="groups", problem="clustering", target=Target(column=""))
UNUSUAL = replace(USE_CASE, name="unusual", problem="anomaly", target=Target(column=""))
CASES = {case.problem: case for case in (USE_CASE, REGRESSION, KINDS, GROUPS, UNUSUAL)}
SMALLER = {
    "random_forest": {"n_estimators": 20}, "boosting": {"max_iter": 20}, "dense": {"epochs": 2},
    "autoencoder_features": {"epochs": 2}, "autoencoder": {"epochs": 2},
}  # fmt: skip
ROWS = 1000


def thousand(known):
    """A thousand rows with numbers that have all their digits."""
    generator = np.random.default_rng(1)
    rows = known.iloc[np.arange(ROWS) % len(known)].reset_index(drop=True)
    rows["record_id"] = rows["patient_id"] = [f"{i:024x}" for i in range(ROWS)]
    for feature in USE_CASE.features:
        if feature.kind == "numeric":
            rows[feature.name] = (rows[feature.name] + generator.normal(0, 1, ROWS)).clip(*feature.plausible)
    return rows


@pytest.fixture(scope="module")
def exam(s3_server, school, ward_of, tmp_path_factory):
    """(wards by problem, the thousand rows as a batch of each, a server that answers for both)."""
    store = replace(s3_server, prefix=f"{s3_server.prefix}bits/")
    settings = Settings(home=tmp_path_factory.mktemp("bits"), pseudonym_key="a fixed key, for tests, nothing else")
    rows = thousand(school.rows)
    wards = {problem: ward_of(store, settings, case) for problem, case in CASES.items()}
    batches = {}
    for problem, case in CASES.items():
        none = pd.DataFrame(columns=[*rows.columns, "reasons", "unreadable"])
        validated = Validated(accepted=rows, quarantined=none, outcomes=(), faults=())
        batch = described_batch(case, validated, name="a" * 64, label="exam", source="test", now=NOW)
        batches[problem], _ = store_batch(case, batch, validated, store=store)
    with wards["classification"].served(*CASES.values(), api_rate=10**9) as served:
        yield wards, batches, rows, served


def sizes():
    """Sizes of requests that add up to a thousand, from one to the largest allowed pieces."""
    picked, random_sizes = [1, 1, 2, 3, 5, 7, 250], random.Random(5)
    while sum(picked) < ROWS:
        picked.append(min(random_sizes.choice([1, 4, 33, 64, 101]), ROWS - sum(picked)))
    return picked


@pytest.mark.parametrize(
    ("problem", "family"),
    [(problem, name) for (problem, name), family in FAMILIES.items() if problem in CASES and not family.contents],
)
def test_a_thousand_rows_are_predicted_online_as_in_the_batch_flow(exam, problem, family):
    wards, batches, rows, served = exam
    ward, case = wards[problem], CASES[problem]
    version = ward.model(family, **SMALLER.get(family, {}))
    ward.promote(version)
    score(case, batches[problem], store=ward.store, settings=ward.settings, now=NOW)
    offline = predictions(ward.store, case, batches[problem], version)
    served.predictors.refresh()
    key = ward.key(case.name)
    # the batch's rows in another order, in requests of many sizes, several at a time
    order = np.random.default_rng(2).permutation(ROWS)
    sent = ward.sent(rows.iloc[order].to_dict("records"))
    pieces, start = [], 0
    for size in sizes():
        pieces.append(sent[start : start + size])
        start += size
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda piece: served.ask({"records": piece}, key=key, case=case.name), pieces))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["model"]["version"] for answer in answers} == {version.version}
    online = [one for answer in answers for one in answer.json()["predictions"]]
    assert [one["record_id"] for one in online] == rows["record_id"].iloc[order].tolist()
    told = prediction_of(problem_of(case), offline)
    parts = [()] * ROWS if told.parts is None else [tuple(row) for row in told.parts.tolist()]
    bounds = [[None] * ROWS if bound is None else bound.tolist() for bound in (told.low, told.high)]
    outputs = [None] * ROWS if told.output is None else told.output
    for one, place in zip(online, order.tolist(), strict=True):
        row = Row(
            value=float(told.value[place]), low=bounds[0][place], high=bounds[1][place], parts=parts[place],
            output=outputs[place],
        )  # fmt: skip
        assert {name: one[name] for name in shape_of(case).fields(case)} == shape_of(case).told(case, row)
    assert len(set(offline["value"])) > 10
