"""Thyroid disease from a laboratory request, quarter by quarter (Garvan Institute, Sydney, 1984-87).

The table cannot be shipped: put it at ``thyroid/thyroidDF.csv.gz`` under ``WARDROUND_DATA``. Its record number begins
with the date of the request. The TSH assay was changed in 1985, and T3 was requested ever more rarely, so the
stream has real drift in it.
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

_ON_REQUEST = "each assay is done only when the referring doctor asks for it"


def _note(name: str, description: str, column: str | None = None) -> Feature:
    return Feature(name=name, column=column, kind="boolean", description=description)


USE_CASE = UseCase(
    name="thyroid",
    question="Does this laboratory request show a thyroid disorder that the referring doctor must be told of?",
    problem="classification",
    source=Source(kind="csv", location="thyroid/thyroidDF.csv.gz"),
    record_id="patient_id",
    time="patient_id",
    time_format="%y%m%d",
    time_zone="Australia/Sydney",
    keep_time="day",
    target=Target(
        column="target",
        description="the laboratory's comment: '-' is none, every letter or pair of letters a finding",
        negative=("-",),
    ),
    features=(
        Feature(
            name="age", kind="numeric", description="age at the request", unit="years", plausible=(0, 120),
            sensitivity="quasi-identifier",
        ),
        Feature(
            name="sex", kind="category", description="sex", allowed=("F", "M"), sensitivity="quasi-identifier",
            max_missing=0.10, missing_reason="the box is left empty on some request forms",
        ),
        _note("on_thyroxine", "takes thyroxine"),
        _note("query_on_thyroxine", "may be taking thyroxine"),
        _note("on_antithyroid_meds", "takes antithyroid medication"),
        _note("sick", "acutely ill"),
        _note("pregnant", "pregnant"),
        _note("thyroid_surgery", "had thyroid surgery"),
        _note("i131_treatment", "had radio-iodine treatment", "I131_treatment"),
        _note("query_hypothyroid", "the doctor suspects an underactive thyroid"),
        _note("query_hyperthyroid", "the doctor suspects an overactive thyroid"),
        _note("lithium", "takes lithium"),
        _note("goitre", "has a goitre"),
        _note("tumor", "has a tumour"),
        _note("hypopituitary", "has an underactive pituitary gland"),
        _note("psych", "in psychiatric care"),
        Feature(
            name="tsh", kind="numeric", column="TSH", unit="mU/L", description="thyroid stimulating hormone",
            plausible=(0.001, 600), max_missing=0.20, missing_reason=_ON_REQUEST,
        ),
        Feature(
            name="t3", kind="numeric", column="T3", unit="nmol/L", description="triiodothyronine",
            plausible=(0.01, 25), other_units={"ng/dL": 0.01536},
            max_missing=1.0, missing_reason="asked for only where the other assays leave a doubt",
        ),
        Feature(
            name="tt4", kind="numeric", column="TT4", unit="nmol/L", description="total thyroxine",
            plausible=(1, 700), other_units={"ug/dL": 12.87}, max_missing=0.20, missing_reason=_ON_REQUEST,
        ),
        Feature(
            name="t4u", kind="numeric", column="T4U", unit="ratio", description="thyroxine uptake",
            plausible=(0.1, 3), max_missing=0.20, missing_reason=_ON_REQUEST,
        ),
        Feature(
            name="fti", kind="numeric", column="FTI", unit="index", description="free thyroxine index",
            plausible=(1, 1000), max_missing=0.20, missing_reason="computed from two assays, each on request",
        ),
        Feature(
            name="referral_source", kind="category", description="who sent the request",
            allowed=("SVHC", "SVHD", "SVI", "STMW", "WEST", "other"), sensitivity="quasi-identifier",
        ),
    ),
    # the *_measured columns only repeat which assays are empty; TBG was measured in four of a hundred requests
    ignored=(
        "TSH_measured", "T3_measured", "TT4_measured", "T4U_measured", "FTI_measured", "TBG_measured", "TBG",
    ),
    subgroups=("sex", "pregnant", "on_thyroxine"),
    expectations="expectations.thyroid",
    split=Split(kind="temporal", folds=4),
    candidates=(
        Candidate(family="logistic", search="grid", grid={"C": (0.1, 1.0)}),
        Candidate(
            family="boosting",
            parameters={"max_iter": 120, "learning_rate": 0.08, "max_leaf_nodes": 15, "min_samples_leaf": 20},
        ),
    ),
    primary_metric="brier",
    threshold=0.2,
    gates=(
        Floor(
            metric="auroc", limit=0.85,
            reason="reading the assays against their normal ranges alone does about as well",
        ),
        Floor(
            metric="net_benefit", limit=0.0,
            reason="commenting on what the model flags must do more good than commenting on nothing",
        ),
        Comparison(
            metric="brier", kind="superior", population="current",
            reason="a change of model must pay for itself on the requests that called for it",
        ),
        Comparison(
            metric="auroc", kind="non-inferior", population="reference", margin=0.01,
            reason="thousands of past requests are at hand, so a loss of one hundredth would show",
        ),
        Comparison(
            metric="brier", kind="non-inferior", population="current", margin=0.02, by=("sex", "pregnant"),
            reason="neither sex may pay for the other's gain, nor may pregnant women, whose hormones differ",
        ),
        Limit(what="size", limit=20_000_000, reason="it must travel over a hospital network in seconds"),
        Limit(what="latency", limit=250, reason="the comment is written while the request is on the screen"),
    ),
    monitoring=Monitoring(
        false_alarms_per_year=0.25,
        rounds_per_year=4,
        min_rows=100,
        reasons={
            "false_alarms_per_year": "four rounds a year: one needless alarm in four years is one in sixteen rounds",
            "min_rows": "a quarter has many hundred requests; fewer than a hundred is no quarter yet",
        },
    ),
    retraining=Retraining(cool_down=timedelta(days=60), min_new_labels=300, promotion="gate"),
    schedule=Schedule(cron="0 6 2 1,4,7,10 *", time_zone="Australia/Sydney"),
    attribution="Garvan Institute thyroid disease records, 1984-87 (Quinlan), UCI repository, CC BY 4.0.",
)  # fmt: skip
