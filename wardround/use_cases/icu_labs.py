"""Anaemia on the second and third day of intensive care, foreseen from the laboratory up to then (eICU demo).

The tables cannot be shipped: put them at ``eicu_demo/`` under ``WARDROUND_DATA``. The sample has 174 stays of 100
patients. Nine of them died, too few to learn death from; haemoglobin is measured again in most stays, falls below
9 g/dL in about three of ten, and is something to act on: blood is crossmatched, blood drawn less often, a bleeding
looked for. Stays that ended within a day, and those where haemoglobin was not measured again, say nothing of the
question and are not learned from.
"""

from datetime import timedelta

from wardround.contents import features
from wardround.use_cases.base import (
    Candidate,
    Comparison,
    Content,
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

DAY = 1440  # minutes

_AGAIN = "not every patient has every assay on the first day"
_SOMETIMES = "asked for only where liver, nutrition or bleeding is in doubt"

LABS = Content(
    name="labs", kind="series",
    description="laboratory values from half a day before admission to the unit to a day after",
    channels=(
        "haemoglobin", "platelets", "white_cells", "urea", "creatinine", "sodium", "potassium", "bicarbonate",
        "calcium", "glucose", "albumin",
    ),
    options={
        "irregular": True,
        "item.haemoglobin": "Hgb", "unit.haemoglobin": "g/dL",
        "item.platelets": "platelets x 1000", "unit.platelets": "K/mcL",
        "item.white_cells": "WBC x 1000", "unit.white_cells": "K/mcL",
        "item.urea": "BUN", "unit.urea": "mg/dL",
        "unit.creatinine": "mg/dL", "unit.sodium": "mmol/L", "unit.potassium": "mmol/L", "unit.bicarbonate": "mmol/L",
        "unit.calcium": "mg/dL", "unit.glucose": "mg/dL", "unit.albumin": "g/dL",
    },
)  # fmt: skip


def _last(
    name: str, unit: str, plausible: tuple[float, float], *, max_missing: float = 0.2, reason: str = _AGAIN,
    what: str = "last", other_units: dict[str, float] | None = None,
) -> Feature:  # fmt: skip
    return Feature(
        name=f"{name}_{what}", kind="numeric", column=f"{name} {what}", unit=unit, plausible=plausible,
        description=f"{what} {name.replace('_', ' ')} until a day after admission", max_missing=max_missing,
        missing_reason=reason, other_units=other_units or {},
    )  # fmt: skip


USE_CASE = UseCase(
    name="icu_labs",
    question="Will this patient's haemoglobin fall below 9 g/dL on the second or third day in the unit?",
    problem="classification",
    source=Source(
        kind="events", location="eicu_demo/lab.csv.gz",
        options={
            "stays": "patient.csv.gz", "stay": "patientunitstayid", "time": "labresultoffset",
            "known": "labresultrevisedoffset", "item": "labname", "value": "labresult", "unit": "labmeasurenamesystem",
            "window_from": -DAY // 2, "window_until": DAY, "ended": "unitdischargeoffset",
            "outcome_item": "Hgb", "outcome_below": 9.0, "outcome_until": 3 * DAY,
        },
    ),
    record_id="patientunitstayid",
    patient_id="uniquepid",
    target=Target(
        column="haemoglobin falls", description="haemoglobin below 9 g/dL from 24 to 72 hours after admission",
        positive=("yes",), allowed=("yes", "no"),
    ),
    contents=(LABS,),
    features=(
        Feature(
            name="age", kind="numeric", description="age at admission", unit="years", plausible=(15, 89),
            missing_codes=("> 89",), sensitivity="quasi-identifier",
            max_missing=0.1, missing_reason="ages above 89 are withheld by the source, as HIPAA asks",
        ),
        Feature(
            name="sex", kind="category", column="gender", description="sex", allowed=("Female", "Male"),
            sensitivity="quasi-identifier",
        ),
        _last("haemoglobin", "g/dL", (3, 22), other_units={"g/L": 0.1, "mmol/L": 1.611}),
        _last("haemoglobin", "g/dL", (3, 22), what="lowest", other_units={"g/L": 0.1, "mmol/L": 1.611}),
        _last("platelets", "K/mcL", (1, 1500)),
        _last("white_cells", "K/mcL", (0.05, 300)),
        _last("urea", "mg/dL", (1, 250), other_units={"mmol/L": 2.8}),
        _last("creatinine", "mg/dL", (0.1, 25), other_units={"umol/L": 0.01131}),
        _last("sodium", "mmol/L", (100, 190)),
        _last("potassium", "mmol/L", (1.5, 10)),
        _last("bicarbonate", "mmol/L", (3, 60)),
        _last("calcium", "mg/dL", (3, 18), other_units={"mmol/L": 4.008}),
        _last("albumin", "g/dL", (0.5, 7), max_missing=1.0, reason=_SOMETIMES, other_units={"g/L": 0.1}),
        *features(
            LABS, measures=("samples", "duration", "missing"),
            plausible={"samples": (1, 400), "duration": (0, 1.5 * DAY * 60)},
        ),
        *features(
            LABS, measures=("longest_gap",), plausible={"longest_gap": (0, 1.5 * DAY * 60)},
            max_missing=0.3, missing_reason="of a single blood sample there is no gap to measure",
        ),
    ),
    identifiers=("patienthealthsystemstayid",),
    ignored=(
        "ethnicity", "hospitalid", "wardid", "apacheadmissiondx", "admissionheight", "hospitaladmittime24",
        "hospitaladmitoffset", "hospitaladmitsource", "hospitaldischargeyear", "hospitaldischargetime24",
        "hospitaldischargeoffset", "hospitaldischargelocation", "hospitaldischargestatus", "unittype",
        "unitadmittime24", "unitadmitsource", "unitvisitnumber", "unitstaytype", "admissionweight", "dischargeweight",
        "unitdischargetime24", "unitdischargeoffset", "unitdischargelocation", "unitdischargestatus",
    ),
    subgroups=("sex",),
    expectations="expectations.icu_labs",
    split=Split(kind="grouped", folds=5),
    candidates=(
        Candidate(family="logistic", search="grid", grid={"C": (0.03, 0.1, 0.3)}),
        Candidate(
            family="boosting",
            parameters={"max_iter": 40, "learning_rate": 0.08, "max_leaf_nodes": 4, "min_samples_leaf": 8},
        ),
        Candidate(family="recurrent"),
    ),
    primary_metric="brier",
    threshold=0.3,
    gates=(
        Floor(
            metric="auroc", limit=0.5,
            reason="with some twenty cases the interval is a third wide: that the ranking is better than chance beyond "
            "doubt is the most that can be shown, and it takes a figure near 0.75",
        ),
        Floor(
            metric="net_benefit", limit=0.0,
            reason="crossmatching for those the model names must do more good than crossmatching for nobody",
        ),
        Comparison(
            metric="brier", kind="superior", population="current",
            reason="a change of model must pay for itself on the stays that called for it",
        ),
        Comparison(
            metric="auroc", kind="non-inferior", population="reference", margin=0.1,
            reason="the stays the champion was made for still come; with some thirty cases a smaller loss than 0.1 "
            "cannot be told from chance",
        ),
        Limit(what="size", limit=20_000_000, reason="it must travel over a hospital network in seconds"),
        Limit(what="latency", limit=250, reason="an answer is awaited while the patient's chart is open"),
    ),
    monitoring=Monitoring(
        false_alarms_per_year=1.0,
        rounds_per_year=12.0,
        min_rows=25,
        material_effect=0.25,
        reasons={
            "min_rows": "a month brings about thirty stays that last longer than a day; with fewer even a large shift "
            "cannot be told from chance",
            "material_effect": "thirty rows cannot show less than a quarter of the distribution moving",
        },
    ),
    retraining=Retraining(cool_down=timedelta(days=28), min_new_labels=20, promotion="gate"),
    schedule=Schedule(cron="0 6 1 * *", time_zone="America/New_York"),
    attribution="eICU Collaborative Research Database Demo (Johnson, Pollard, Badawi, Raffa 2021), PhysioNet, ODbL.",
)  # fmt: skip
