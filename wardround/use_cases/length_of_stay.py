"""Length of stay of Medicare inpatients, hospital by hospital (Arizona, 1991, one diagnostic group).

The table cannot be shipped: put it at ``tables/medpar.csv.gz`` under ``WARDROUND_DATA``. Stays are skewed (median 8
days, longest 116), so the gates look at the absolute error, which no single long stay can decide; squared figures are
reported beside it. Only what is known on admission may be used: whether the patient died in hospital is not.
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
    name="length_of_stay",
    question="How many days will this patient stay in hospital?",
    problem="regression",
    source=Source(kind="csv", location="tables/medpar.csv.gz"),
    record_id="rownames",
    site="provnum",
    target=Target(column="los", description="length of stay", unit="days", plausible=(1, 365)),
    features=(
        Feature(name="hmo", kind="boolean", description="member of a health maintenance organisation"),
        Feature(
            name="white", kind="boolean", description="identifies as white; kept so that fairness can be read",
            sensitivity="quasi-identifier",
        ),
        Feature(
            name="age80", kind="boolean", description="eighty years or older", sensitivity="quasi-identifier",
        ),
        Feature(
            name="admission", kind="category", column="type", allowed=("1", "2", "3"),
            description="1 elective, 2 urgent, 3 emergency",
        ),
    ),
    # type1 to type3 repeat type; died is known only when the stay is over
    ignored=("type1", "type2", "type3", "died"),
    subgroups=("white", "age80", "hmo"),
    expectations="expectations.length_of_stay",
    split=Split(kind="by site"),
    candidates=(
        Candidate(family="linear"),
        Candidate(family="ridge", parameters={"alpha": 10.0}),
    ),
    primary_metric="mae",
    gates=(
        Floor(
            metric="mae", limit=7.0,
            reason="the week's bed plan is drawn up in weeks; an error of a week is no plan",
        ),
        Floor(
            metric="coverage", limit=0.80,
            reason="the stated interval must hold for at least four stays in five, or beds are double-booked",
        ),
        Comparison(
            metric="mae", kind="superior", population="current",
            reason="a change of model must pay for itself on the stays that called for it",
        ),
        Comparison(
            metric="mae", kind="non-inferior", population="reference", margin=0.25,
            reason="a quarter of a day is lost in the hour of discharge",
        ),
        Comparison(
            metric="mae", kind="non-inferior", population="current", margin=1.0, by=("white", "age80"),
            reason="no group's beds may be planned a day worse; the smaller groups allow no smaller margin",
        ),
        Limit(what="size", limit=5_000_000, reason="a linear model of four inputs has no need of more"),
    ),
    monitoring=Monitoring(
        material_loss=0.5,
        reasons={"material_loss": "the loss is in days here; half a day of mean error moves the bed plan"},
    ),
    retraining=Retraining(cool_down=timedelta(days=30), min_new_labels=100, promotion="gate"),
    schedule=Schedule(cron="0 6 * * 1", time_zone="America/Phoenix"),
    attribution="MedPAR sample of Medicare inpatients, Arizona 1991 (Hilbe, Negative Binomial Regression); public.",
)  # fmt: skip
