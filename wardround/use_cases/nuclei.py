"""Nuclei in fluorescence microscopy: which pixels are nuclei, and how many are there?

The picture cannot be shipped: put ``img2d.tif`` and ``mask2d.tif`` into ``nuclei`` under ``WARDROUND_DATA``. There is
one picture of 125 nuclei, cut into 64 crops: figures say how well unseen crops of the same slide are segmented, nothing
of another slide, stain or microscope. A nucleus that is cut by a border is in two crops.
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

CROP = Content(
    name="crop", kind="image", channels=("grey",), shape=(64, 64),
    description="crop of a fluorescence picture, nuclei bright on dark", options={"depth": 8},
)  # fmt: skip

USE_CASE = UseCase(
    name="nuclei",
    question="Which pixels of this crop are nuclei, and how many nuclei are there?",
    problem="segmentation",
    source=Source(
        kind="images", location="nuclei",
        options={"image": "img2d.tif", "mask": "mask2d.tif", "grid": 8, "depth": 8},
    ),
    record_id="crop_id",
    target=Target(column="mask", description="number of the nucleus that each pixel belongs to, 0 for none"),
    contents=(CROP,),
    # height and width are left out: every crop has the one size; the midline is one of chests
    features=features(
        CROP,
        measures=(
            "darkest", "median", "brightest", "mean", "contrast", "sharpness", "noise", "saturation",
            *(f"embedding_{number}" for number in range(1, 9)),
        ),
    ),
    expectations="expectations.nuclei",
    split=Split(kind="k-fold", folds=4),
    candidates=(
        Candidate(
            family="thresholding", parameters={"window": 101}, search="grid",
            grid={"threshold": ("otsu", "local"), "smoothing": (1.0, 2.0)},
        ),
        Candidate(family="unet"),
    ),
    primary_metric="dice_loss",
    too_good=0.99,
    gates=(
        Floor(
            metric="dice", limit=0.70,
            reason="below 0.70 every second nucleus has to be drawn again by hand, which is no less work than drawing "
            "all; with some 30 crops the interval is about 0.08 wide",
        ),
        Floor(
            metric="count_error", limit=2.0,
            reason="a crop holds three nuclei or pieces of them; being off by two is as good as not having counted",
        ),
        Comparison(
            metric="dice_loss", kind="superior", population="current",
            reason="a change of model must pay for itself on the crops that called for it",
        ),
        Comparison(
            metric="dice", kind="non-inferior", population="reference", margin=0.05,
            reason="crops of the former exposure still come; among some 30 of them a smaller loss than 0.05 cannot be "
            "told from chance",
        ),
        Limit(what="size", limit=20_000_000, reason="it must travel over a hospital network in seconds"),
        Limit(what="latency", limit=1000, reason="somebody at the microscope waits for the outlines"),
    ),
    monitoring=Monitoring(
        false_alarms_per_year=1.0,
        rounds_per_year=52.0,
        min_rows=20,
        material_effect=0.3,
        material_loss=0.1,
        max_quarantined_share=0.2,
        reasons={
            "min_rows": "one slide gives 64 crops, and half of them are looked at in a round",
            "material_effect": "crops of one slide differ that much among themselves, by how many nuclei they hold",
            "material_loss": "crops with a sliver of a nucleus can lose all their Dice by a few pixels",
            "max_quarantined_share": "empty corners of a slide are expected; above a fifth the slide is not worth it",
        },
    ),
    retraining=Retraining(cool_down=timedelta(days=7), min_new_labels=10, promotion="gate"),
    schedule=Schedule(cron="0 6 * * 1", time_zone="UTC"),
    attribution="img2d and mask2d: example picture of the StarDist project (Schmidt, Weigert et al.; BSD-3-Clause), "
    "from the 2018 Data Science Bowl (Caicedo et al. 2019).",
)  # fmt: skip
