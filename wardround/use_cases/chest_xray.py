"""Pneumonia in children's chest pictures (PneumoniaMNIST, a class-balanced copy in 28 x 28 pixels).

The pictures cannot be shipped: put the archive at ``pneumoniamnist/pneumoniamnist.npz`` under ``WARDROUND_DATA``. They
are learned from in its parts train and val; the part test is held out. Figures say how well these two groups of
children at one hospital are told apart in thumbnails, nothing of diagnosis.
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

PICTURE = Content(
    name="picture", kind="image", channels=("grey",), shape=(28, 28),
    description="frontal chest picture, air dark, 8 bits", options={"depth": 8},
)  # fmt: skip

USE_CASE = UseCase(
    name="chest_xray",
    question="Does this child's chest picture look like pneumonia, so that it should be read first?",
    problem="classification",
    source=Source(
        kind="images", location="pneumoniamnist/pneumoniamnist.npz", options={"split": "train+val"}
    ),
    record_id="picture_id",
    target=Target(
        column="pneumonia", description="1: pneumonia, bacterial or viral, as two physicians read it; 0: normal",
        positive=(1,), allowed=(0, 1),
    ),
    contents=(PICTURE,),
    # height and width are left out: every picture has the one size, so that they would say nothing
    features=features(
        PICTURE,
        measures=(
            "darkest", "median", "brightest", "mean", "contrast", "sharpness", "noise", "saturation", "midline",
            *(f"embedding_{number}" for number in range(1, 9)),
        ),
        plausible={"contrast": (0.02, 0.4), "saturation": (0.0, 0.5)},
    ),
    expectations="expectations.chest_xray",
    split=Split(kind="k-fold", folds=3),
    candidates=(
        Candidate(family="logistic", search="grid", grid={"C": (0.1, 1.0, 10.0)}),
        Candidate(
            family="boosting",
            parameters={"max_iter": 100, "learning_rate": 0.08, "max_leaf_nodes": 8, "min_samples_leaf": 20},
        ),
        Candidate(family="cnn"),
    ),
    primary_metric="brier",
    threshold=0.3,
    too_good=0.999,  # networks reach 0.99 on these thumbnails in every publication, with nothing leaking
    gates=(
        Floor(
            metric="auroc", limit=0.94,
            reason="what is measured of a picture without looking at a lung (brightness, contrast, a fixed projection) "
            "ranks at 0.93; a model that reads pictures has to add to that",
        ),
        Floor(
            metric="brier", limit=0.12,
            reason="half of the pictures show pneumonia, so that the same answer for all costs 0.25; less than half of "
            "that is asked",
        ),
        Floor(
            metric="net_benefit", limit=0.0,
            reason="reading first what the model flags must do more good than reading in the order of arrival",
        ),
        Comparison(
            metric="brier", kind="superior", population="current",
            reason="a change of model must pay for itself on the pictures that called for it",
        ),
        Comparison(
            metric="auroc", kind="non-inferior", population="reference", margin=0.02,
            reason="pictures of the former exposure still come; with some thousand of them a loss of 0.02 would show",
        ),
        Limit(what="size", limit=20_000_000, reason="it must travel over a hospital network in seconds"),
        Limit(what="latency", limit=500, reason="the worklist is sorted while the picture is being stored"),
    ),
    monitoring=Monitoring(
        false_alarms_per_year=1.0,
        rounds_per_year=52.0,
        min_rows=100,
        material_effect=0.15,
        reasons={
            "min_rows": "the distribution of seventeen measures in fewer than a hundred pictures is mostly chance",
            "material_effect": "the case mix of a week (age, season) moves brightness by about a tenth; another "
            "exposure moves it by a quarter and more",
        },
    ),
    retraining=Retraining(cool_down=timedelta(days=7), min_new_labels=100, promotion="gate"),
    schedule=Schedule(cron="0 6 * * 1", time_zone="Asia/Shanghai"),
    attribution="PneumoniaMNIST (MedMNIST v2: Yang et al. 2023), CC BY 4.0, from Kermany et al. (2018), Guangzhou "
    "Women and Children's Medical Center.",
)  # fmt: skip
