"""Which kind of heart beat is this? Single beats of one patient in heart failure (ECG5000).

The text cannot be shipped: put it at ``ecg5000/ECG5000_TRAIN.txt`` under ``WARDROUND_DATA``. All 500 beats are of one
recording (BIDMC chf07), cut out, stretched to 140 samples and standardised before they were published: figures say
how well the kinds of beats of that patient are told apart, nothing of another patient.
"""

from datetime import timedelta

from wardround.contents import features
from wardround.use_cases.base import (
    Candidate,
    Comparison,
    Content,
    Floor,
    Limit,
    Monitoring,
    Retraining,
    Schedule,
    Source,
    Split,
    Target,
    UseCase,
)

RATE = 140.0
"""Samples a second. The beats were stretched to one length, so a beat is called a second."""

BEAT = Content(
    name="beat", kind="series", channels=("lead",),
    description="one beat of the electrocardiogram, mean 0 and standard deviation 1",
    options={"max_missing": 0.1, "longest_missing": 0.1},
)  # fmt: skip

USE_CASE = UseCase(
    name="ecg_beats",
    question="Which kind of heart beat is this?",
    problem="multiclass",
    source=Source(
        kind="delimited series", location="ecg5000/ECG5000_TRAIN.txt",
        options={
            "rate": RATE, "label.1": "normal", "label.2": "r on t", "label.3": "ventricular",
            "label.4": "supraventricular", "label.5": "unclassified",
        },
    ),
    record_id="beat_id",
    target=Target(
        column="kind",
        description="kind of beat: normal, ventricular on the T wave before (r on t), ventricular, supraventricular",
        allowed=("normal", "r on t", "ventricular", "supraventricular", "unclassified"),
    ),
    contents=(BEAT,),
    # mean and spread are left out: the beats are standardised, so that they would say nothing
    features=features(
        BEAT,
        measures=(
            "samples", "duration", "rate", "missing", "flat", "low", "high", "low_band", "high_band", "centroid",
            *(f"embedding_{number}" for number in range(1, 9)),
        ),
        plausible={
            "samples": (120, 160), "duration": (0.85, 1.15), "rate": (130, 150), "flat": (0, 0.3),
            "low": (-4.5, 0.5), "high": (-0.5, 4.5),
        },
    ),
    expectations="expectations.ecg_beats",
    split=Split(kind="k-fold", folds=5),
    candidates=(
        Candidate(family="logistic", search="grid", grid={"C": (0.1, 1.0, 10.0)}),
        Candidate(family="random_forest", parameters={"n_estimators": 200, "min_samples_leaf": 2}),
        Candidate(
            family="boosting",
            parameters={"max_iter": 60, "learning_rate": 0.1, "max_leaf_nodes": 8, "min_samples_leaf": 5},
        ),
        Candidate(family="cnn"),
        Candidate(family="recurrent"),
    ),
    primary_metric="brier",
    gates=(
        Floor(
            metric="accuracy", limit=0.85,
            reason="two kinds make up 94 of 100 beats; sorting more than one beat in seven wrongly would cost a reader "
            "more time than it saves. 300 beats leave an interval of 3 to 4 hundredths around 0.94",
        ),
        Floor(
            metric="brier", limit=0.25,
            reason="the shares of the kinds, told for every beat alike, cost 0.53; less than half of that is asked",
        ),
        Comparison(
            metric="brier", kind="superior", population="current",
            reason="a change of model must pay for itself on the beats that called for it",
        ),
        Comparison(
            metric="accuracy", kind="non-inferior", population="reference", margin=0.05,
            reason="the beats the champion was made for still come; with some hundred beats a smaller loss than 0.05 "
            "cannot be told from chance",
        ),
        Limit(what="size", limit=20_000_000, reason="it must travel over a hospital network in seconds"),
        Limit(what="latency", limit=250, reason="a monitor shows a beat before the next but one has come"),
    ),
    monitoring=Monitoring(
        false_alarms_per_year=1.0,
        rounds_per_year=52.0,
        min_rows=50,
        max_quarantined_share=0.2,
        reasons={
            "max_quarantined_share": "an electrode that comes loose for some beats is the ward's daily bread; above a "
            "fifth of the beats the tracing is not worth sorting",
        },
    ),
    retraining=Retraining(cool_down=timedelta(days=7), min_new_labels=100, promotion="gate"),
    schedule=Schedule(cron="0 6 * * 1", time_zone="UTC"),
    attribution="ECG5000: UCR Time Series Archive (Chen, Hao), from the BIDMC Congestive Heart Failure Database, "
    "PhysioNet (Goldberger et al. 2000).",
)  # fmt: skip
