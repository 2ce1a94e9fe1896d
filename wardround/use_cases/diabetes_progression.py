"""Progression of diabetes one year after baseline (Efron, Hastie, Johnstone and Tibshirani 2004).

The 442 patients come with scikit-learn; the values are read as they were measured, not as it scales them.
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

USE_CASE = UseCase(
    name="diabetes_progression",
    question="How far will this patient's diabetes have progressed in one year?",
    problem="regression",
    source=Source(kind="package", location="sklearn:diabetes", options={"scaled": False}),
    record_id="record",
    target=Target(
        column="target", description="progression one year after baseline", unit="points", plausible=(0, 400),
    ),
    features=(
        Feature(
            name="age", kind="numeric", description="age", unit="years", plausible=(18, 110),
            sensitivity="quasi-identifier",
        ),
        Feature(
            name="sex", kind="category", description="sex, coded 1 and 2", allowed=("1", "2"),
            sensitivity="quasi-identifier",
        ),
        Feature(
            name="bmi", kind="numeric", description="body mass index", unit="kg/m2", plausible=(10, 80),
        ),
        Feature(
            name="bp", kind="numeric", description="mean blood pressure", unit="mm Hg", plausible=(30, 200),
            other_units={"kPa": 7.50062},
        ),
        Feature(
            name="total_cholesterol", kind="numeric", column="s1", unit="mg/dL", description="total cholesterol",
            plausible=(50, 700), other_units={"mmol/L": 38.67},
        ),
        Feature(
            name="ldl", kind="numeric", column="s2", unit="mg/dL", description="low-density lipoprotein cholesterol",
            plausible=(5, 600), other_units={"mmol/L": 38.67},
        ),
        Feature(
            name="hdl", kind="numeric", column="s3", unit="mg/dL", description="high-density lipoprotein cholesterol",
            plausible=(5, 200), other_units={"mmol/L": 38.67},
        ),
        Feature(
            name="cholesterol_ratio", kind="numeric", column="s4", unit="ratio",
            description="total over high-density cholesterol", plausible=(1, 20),
        ),
        Feature(
            name="log_triglycerides", kind="numeric", column="s5", unit="log mg/dL",
            description="logarithm of the triglycerides", plausible=(2, 9),
        ),
        Feature(
            name="glucose", kind="numeric", column="s6", unit="mg/dL", description="blood sugar",
            plausible=(20, 700), other_units={"mmol/L": 18.016},
        ),
    ),
    subgroups=("sex",),
    expectations="expectations.diabetes_progression",
    split=Split(kind="grouped", folds=10),
    candidates=(
        Candidate(family="linear"),
        Candidate(family="ridge", search="grid", grid={"alpha": (0.1, 1.0, 10.0, 100.0)}),
        Candidate(family="lasso", search="grid", grid={"alpha": (0.1, 0.3, 1.0, 3.0)}),
    ),
    primary_metric="rmse",
    gates=(
        Floor(metric="r2", limit=0.30, reason="body mass index alone explains about a third"),
        Floor(
            metric="coverage", limit=0.80,
            reason="the stated interval must hold for at least four patients in five, or it misleads",
        ),
        Comparison(
            metric="mse", kind="superior", population="current",
            reason="a change of model must pay for itself on the patients that called for it",
        ),
        Comparison(
            metric="mae", kind="non-inferior", population="reference", margin=3.0,
            reason="three points are a tenth of what separates one quarter of the patients from the next",
        ),
        Comparison(
            metric="mae", kind="non-inferior", population="current", margin=6.0, by=("sex",),
            reason="neither sex may pay for the other's gain; half the patients allow no smaller margin",
        ),
        Limit(what="features", limit=10, reason="the ten baseline measurements, and no other"),
    ),
    monitoring=Monitoring(
        material_loss=5.0,
        reasons={"material_loss": "the loss is in points of progression here; five are a tenth of today's error"},
    ),
    retraining=Retraining(cool_down=timedelta(days=30), min_new_labels=50, promotion="gate"),
    schedule=Schedule(cron="0 6 * * 1", time_zone="America/New_York"),
    attribution="Efron, Hastie, Johnstone, Tibshirani: Least Angle Regression, Annals of Statistics 32 (2004); "
    "distributed with scikit-learn.",
)  # fmt: skip
