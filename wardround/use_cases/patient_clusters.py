"""Groups of patients by the cell nuclei of a breast lump's aspirate, found without a diagnosis (Wisconsin, 1993).

The 569 aspirates come with scikit-learn. Size, texture and indentations of the nuclei are measured on a digital picture
(Street, Wolberg and Mangasarian 1993), each as the mean and as the worst (the mean of the three largest) of an
aspirate; perimeter and area only repeat the radius, the rest blurs the groups. The table also has a diagnosis: it is
never shown to a learner, so that afterwards it can tell whether the groups mean anything. They do (one in twenty of
the larger group is malignant, nineteen in twenty of the smaller), yet they are the ends of a continuum more than
islands: see docs/how-to/groups-anomalies-few-labels.md for what the same figures are where there are no groups.
"""

from datetime import timedelta

from wardround.use_cases.base import (
    Candidate,
    Comparison,
    Feature,
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

_USED = ("radius", "texture", "concave points")
_UNUSED = ("perimeter", "area", "smoothness", "compactness", "concavity", "symmetry", "fractal dimension")

USE_CASE = UseCase(
    name="patient_clusters",
    question="Which patients with a breast lump have cell nuclei alike, and is there more than one such group?",
    problem="clustering",
    source=Source(kind="package", location="sklearn:breast_cancer"),
    record_id="record",
    target=Target(column=""),
    features=(
        Feature(
            name="radius", kind="numeric", column="mean radius", unit="pixels at 63x", plausible=(3, 60),
            other_units={"pixels at 40x": 1.575}, description="distance from the centre of a nucleus to its outline",
        ),
        Feature(
            name="worst_radius", kind="numeric", column="worst radius", unit="pixels at 63x", plausible=(3, 90),
            other_units={"pixels at 40x": 1.575}, description="the same, of the three largest nuclei",
        ),
        Feature(
            name="texture", kind="numeric", column="mean texture", plausible=(2, 80),
            description="standard deviation of the grey values in a nucleus",
        ),
        Feature(
            name="worst_texture", kind="numeric", column="worst texture", plausible=(2, 100),
            description="the same, of the three with the most",
        ),
        Feature(
            name="concave_points", kind="numeric", column="mean concave points", plausible=(0, 0.5),
            description="how many indentations the outline of a nucleus has, on the scale of the source",
        ),
        Feature(
            name="worst_concave_points", kind="numeric", column="worst concave points", plausible=(0, 0.8),
            description="the same, of the three with the most",
        ),
    ),
    ignored=(
        *(f"{which} {what}" for which in ("mean", "worst") for what in _UNUSED),
        *(f"{what} error" for what in (*_USED, *_UNUSED)),
        "target",
    ),
    expectations="expectations.patient_clusters",
    split=Split(kind="grouped", folds=5),
    candidates=(
        Candidate(family="kmeans", parameters={"n_clusters": 2}),
        Candidate(family="kmeans", parameters={"n_clusters": 3}),
        Candidate(family="gaussian_mixture", parameters={"n_clusters": 2}),
    ),
    primary_metric="stability",
    gates=(
        Floor(
            metric="stability", limit=0.75,
            reason="groups that lose more than a quarter of their members when patients are drawn anew are a pattern "
            "at best and no groups (Hennig 2007)",
        ),
        Floor(
            metric="silhouette", limit=0.53,
            reason="patients without any groups, but with these distributions and correlations, reach 0.525 on average "
            "when they are cut in two (stability does not tell them apart: 0.92); Kaufman and Rousseeuw ask for 0.5",
        ),
        Floor(
            metric="smallest_share", limit=0.1,
            reason="a group of less than a tenth of the patients is an odd few, which an anomaly score is made for",
        ),
        Comparison(
            metric="silhouette", kind="superior", population="current",
            reason="new groups must be further apart for the patients that called for them than the old ones are; "
            "the distance alone falls with every further group and with every column that has become wider",
        ),
        Comparison(
            metric="stability", kind="non-inferior", population="current", margin=0.1,
            reason="groups further apart must not come from cutting up the old ones: with some hundred patients a "
            "smaller loss than a tenth cannot be told from chance",
        ),
        Limit(what="size", limit=2_000_000, reason="centres are a page of numbers; more would be something else"),
        Limit(what="latency", limit=250, reason="the group is shown while the aspirate is still on the screen"),
    ),
    monitoring=Monitoring(
        min_rows=50, material_loss=0.1,
        reasons={"material_loss": "a tenth of a squared standard deviation: patients a third further out than usual"},
    ),
    retraining=Retraining(cool_down=timedelta(days=28), min_new_labels=0, promotion="gate"),
    schedule=Schedule(cron="0 6 * * 1", time_zone="America/Chicago"),
    attribution="Breast Cancer Wisconsin (Diagnostic): Wolberg, Street and Mangasarian, UCI repository, CC BY 4.0.",
)  # fmt: skip
