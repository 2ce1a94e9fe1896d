"""The question of `thyroid` where the laboratory's comment is there for one request in twenty (Garvan Institute).

The table cannot be shipped: put it at ``thyroid/thyroidDF.csv.gz`` under ``WARDROUND_DATA``. It has a comment for every
request; the demo withholds those whose record number has a SHA-256 that 20 does not divide, as if an endocrinologist
had read one in twenty. So what the withheld comments would have said of the models can be told afterwards.

A family that also learns from the rest stands beside each family that learns from the read requests alone. On these
data it does worse, mostly in its probabilities: the surest answers that it takes over make it too sure of itself. The
gate and the choice between candidates are there for that; see docs/how-to/groups-anomalies-few-labels.md.
"""

from dataclasses import replace
from datetime import timedelta

from wardround.use_cases.base import Candidate, Comparison, Floor, Limit, Monitoring, Retraining, Schedule, Split
from wardround.use_cases.thyroid import USE_CASE as THYROID

_FEW = {"max_iter": 40, "learning_rate": 0.1, "max_leaf_nodes": 4, "min_samples_leaf": 5}

USE_CASE = replace(
    THYROID,
    name="few_labels",
    question="Which laboratory requests show a thyroid disorder, where one comment in twenty has been written so far?",
    split=Split(kind="grouped", folds=5),
    subgroups=("sex",),
    candidates=(
        Candidate(family="logistic", parameters={"C": 0.3}),
        Candidate(family="self_training", parameters={"C": 0.3, "confidence": 0.95}),
        Candidate(family="boosting", parameters=_FEW),
        Candidate(family="self_training", parameters={"base": "boosting", "confidence": 0.95, **_FEW}),
    ),
    primary_metric="brier",
    gates=(
        Floor(
            metric="auroc", limit=0.75,
            reason="two hundred comments leave an interval of five hundredths; below 0.75 more of them should be "
            "written before a model is asked",
        ),
        Floor(
            metric="net_benefit", limit=0.0,
            reason="reading first what the model flags must do more good than reading nothing",
        ),
        Comparison(
            metric="brier", kind="superior", population="current",
            reason="a change of model must pay for itself on the requests that called for it",
        ),
        Comparison(
            metric="auroc", kind="non-inferior", population="reference", margin=0.05,
            reason="with some hundred comments a smaller loss than 0.05 cannot be told from chance",
        ),
        Limit(what="size", limit=20_000_000, reason="it must travel over a hospital network in seconds"),
        Limit(what="latency", limit=250, reason="the request is sorted while it is on the screen"),
    ),
    monitoring=Monitoring(
        min_rows=100, false_alarms_per_year=0.25, rounds_per_year=4, reasons=THYROID.monitoring.reasons
    ),
    retraining=Retraining(cool_down=timedelta(days=60), min_new_labels=50, promotion="gate"),
    schedule=Schedule(cron="0 7 2 1,4,7,10 *", time_zone="Australia/Sydney"),
)  # fmt: skip
