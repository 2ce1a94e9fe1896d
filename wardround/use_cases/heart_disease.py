"""Coronary disease before catheterisation, hospital by hospital (UCI Heart Disease, 1988).

The table comes with the package. Its four hospitals examined different patients with different tests, so a
model that learned at one meets real drift at the next.
"""

from datetime import timedelta

from wardround.use_cases._codes import LOINC
from wardround.use_cases.base import (
    Candidate,
    Code,
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

_NOT_EVERYWHERE = "not every hospital has this test, and those that do reserve it for some of their patients"

USE_CASE = UseCase(
    name="heart_disease",
    question="Does this patient, sent for coronary angiography, have a vessel narrowed by more than half?",
    problem="classification",
    source=Source(kind="package", location="wardround:heart_disease"),
    record_id="id",
    site="dataset",
    target=Target(
        column="num",
        description="grade of disease at angiography, 0 to 4; above 0 a vessel is narrowed by more than half",
        positive_above=0,
        allowed=(0, 1, 2, 3, 4),
    ),
    features=(
        Feature(
            name="age", kind="numeric", description="age at the examination", unit="years",
            plausible=(18, 110), sensitivity="quasi-identifier", code=Code(system="Patient", code="birthDate"),
        ),
        Feature(
            name="sex", kind="category", description="sex", allowed=("Female", "Male"),
            sensitivity="quasi-identifier",
            code=Code(system="Patient", code="gender", levels={"female": "Female", "male": "Male"}),
        ),
        Feature(
            name="chest_pain", kind="category", column="cp", description="kind of chest pain",
            allowed=("typical angina", "atypical angina", "non-anginal", "asymptomatic"),
        ),
        Feature(
            name="resting_blood_pressure", kind="numeric", column="trestbps", unit="mm Hg",
            description="systolic blood pressure at rest, on admission",
            plausible=(60, 260), missing_codes=(0,), other_units={"kPa": 7.50062},
            code=Code(system=LOINC, code="8480-6", display="Systolic blood pressure", panel="85354-9"),
        ),
        Feature(
            name="cholesterol", kind="numeric", column="chol", unit="mg/dL", description="serum cholesterol",
            plausible=(50, 700), missing_codes=(0,), other_units={"mmol/L": 38.67},
            max_missing=0.10, missing_reason="the sample is not always back by the time of the examination",
            code=Code(
                system=LOINC, code="2093-3", display="Cholesterol [Mass/volume] in Serum or Plasma",
                synonyms=("14647-2",),
            ),
        ),
        Feature(
            name="fasting_sugar_high", kind="boolean", column="fbs",
            description="fasting blood sugar above 120 mg/dL",
            max_missing=0.10, missing_reason="the patient did not always come fasting",
            code=Code(
                system=LOINC, code="1558-6", display="Fasting glucose [Mass/volume] in Serum or Plasma",
                synonyms=("14771-0",), above=120, unit="mg/dL", other_units={"mmol/L": 18.016},
            ),
        ),
        Feature(
            name="resting_ecg", kind="category", column="restecg", description="resting electrocardiogram",
            allowed=("normal", "st-t abnormality", "lv hypertrophy"),
        ),
        # no code says "highest in the exercise test"; the plain heart rate 8867-4 is another measurement
        Feature(
            name="max_heart_rate", kind="numeric", column="thalch", unit="1/min",
            description="highest heart rate reached in the exercise test", plausible=(50, 230),
        ),
        Feature(name="exercise_angina", kind="boolean", column="exang", description="angina under exercise"),
        Feature(
            name="st_depression", kind="numeric", column="oldpeak", unit="mm",
            description="ST depression under exercise relative to rest; negative is elevation",
            plausible=(-4, 8),
        ),
        Feature(
            name="st_slope", kind="category", column="slope",
            description="slope of the ST segment at peak exercise",
            allowed=("upsloping", "flat", "downsloping"), max_missing=1.0,
            missing_reason="read only where the exercise tracing was kept, which not every hospital does",
        ),
        Feature(
            name="vessels_coloured", kind="numeric", column="ca", unit="vessels",
            description="major vessels coloured by fluoroscopy", plausible=(0, 4),
            max_missing=1.0, missing_reason=_NOT_EVERYWHERE,
        ),
        Feature(
            name="thallium_scan", kind="category", column="thal", description="thallium stress scan",
            allowed=("normal", "fixed defect", "reversable defect"),
            max_missing=1.0, missing_reason=_NOT_EVERYWHERE,
        ),
    ),
    subgroups=("sex", "age", "site"),
    expectations="expectations.heart_disease",
    split=Split(kind="grouped", folds=5),
    candidates=(
        Candidate(family="logistic", search="grid", grid={"C": (0.03, 0.1, 0.3, 1.0)}),
        Candidate(family="random_forest", parameters={"n_estimators": 200, "min_samples_leaf": 5}),
        Candidate(
            family="boosting",
            parameters={"max_iter": 60, "learning_rate": 0.08, "max_leaf_nodes": 8, "min_samples_leaf": 10},
        ),
    ),
    primary_metric="brier",
    threshold=0.3,
    gates=(
        Floor(
            metric="auroc", limit=0.70,
            reason="below 0.70 the ranking adds too little to the history and the resting ECG to be of use",
        ),
        Floor(
            metric="brier", limit=0.25,
            reason="0.25 is what it costs to answer fifty per cent for everyone",
        ),
        Floor(
            metric="net_benefit", limit=0.0,
            reason="acting on the model at the chosen threshold must do more good than examining nobody",
        ),
        Comparison(
            metric="brier", kind="superior", population="current",
            reason="a change of model must pay for itself on the patients that called for it",
        ),
        Comparison(
            metric="auroc", kind="non-inferior", population="current", margin=0.05,
            reason="better probabilities must not come from a clearly worse ranking; with some hundred "
            "patients a smaller loss than 0.05 cannot be told from chance",
        ),
        Comparison(
            metric="auroc", kind="non-inferior", population="reference", margin=0.05,
            reason="the patients the champion was made for are still seen; with some hundred patients a "
            "smaller loss than 0.05 cannot be told from chance",
        ),
        Comparison(
            metric="brier", kind="non-inferior", population="current", margin=0.05, by=("sex",),
            reason="neither women nor men may pay for the other's gain; a quarter of the patients are women, "
            "which bounds how small a margin can be shown",
        ),
        Limit(
            what="size", limit=20_000_000, reason="it must travel over a hospital network in seconds"
        ),
        Limit(what="latency", limit=250, reason="an answer is awaited while the patient is in the room"),
        Limit(what="features", limit=13, reason="the thirteen examinations agreed on, and no other"),
    ),
    monitoring=Monitoring(false_alarms_per_year=1.0, rounds_per_year=52.0, min_rows=50),
    retraining=Retraining(cool_down=timedelta(days=7), min_new_labels=50, promotion="gate"),
    schedule=Schedule(cron="0 6 * * 1", time_zone="America/New_York"),
    attribution="UCI Heart Disease: Janosi, Steinbrunn, Pfisterer, Detrano (1988), CC BY 4.0; see "
    "wardround/data/ATTRIBUTION.md for the one correction made.",
)  # fmt: skip
