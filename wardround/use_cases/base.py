"""The `UseCase`: one clinical question, frozen, with everything the flows need to answer it.

A use case is plain data. Nothing in the flows, gates or decisions may ask for a use case's name.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from wardround.domain import to_json
from wardround.use_cases._codes import Code as Code

Scalar = str | float | int | bool

ROLE_COLUMNS = ("record_id", "patient_id", "time", "site", "target")
"""Names of the role columns in every canonical frame; a feature may not take one."""

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "classification": ("logistic", "linear_svm", "rbf_svm", "random_forest", "boosting", "neighbours"),
    "regression": (
        "linear", "ridge", "lasso", "elastic_net",
        "linear_svm", "rbf_svm", "random_forest", "boosting", "neighbours",
    ),
}  # fmt: skip
"""Problem -> the families of `wardround.models`, named here so that checking imports no scikit-learn."""

METRICS: Mapping[str, tuple[str, ...]] = {
    "classification": (
        "auroc", "auprc", "brier", "log_loss", "calibration_slope", "calibration_intercept", "ece",
        "sensitivity", "specificity", "net_benefit", "accuracy",
    ),
    "regression": ("mse", "rmse", "mae", "r2", "coverage"),
}  # fmt: skip
"""Problem -> the metrics of `wardround.problems`."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where rows come from.

    *kind*: ``csv`` (also .gz), ``parquet``, ``excel``, ``sql``, ``s3`` (a prefix), ``package`` (a table that comes with
    a package, ``sklearn:diabetes`` or ``wardround:heart_disease``) or ``log`` (what the prediction API answered).
    *location*: path, SQLAlchemy URL, ``s3://bucket/prefix/``, package name or ``online``; relative paths are looked for
    under ``WARDROUND_DATA``. *options*: ``encoding``, ``delimiter``, ``decimal``, ``sheet``, ``table``, ``query``.
    """

    kind: Literal["csv", "parquet", "excel", "sql", "s3", "package", "log"]
    location: str
    options: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One input of the model.

    *name* is the canonical name, *column* the source's (default: the same). *plausible* is the closed range outside
    which a value cannot be a real measurement (unit: *unit*). *allowed* are a category's levels. *missing_codes* are
    source values that mean missing. *other_units* maps a unit the source might slip into to the factor from it to
    *unit* (``{"mmol/L": 38.67}``): a batch off by that factor is named so. *max_missing* is the share of missing
    values that is usual practice, *missing_reason* why (needed above 0.05). *measured_at* names the source column
    with the time of measurement, *after_index* marks what is only known after the prediction is due: both are used by
    the leak guard. *sensitivity*: ``clinical`` or ``quasi-identifier``. *code* is where a FHIR record holds it, if any.
    """

    name: str
    kind: Literal["numeric", "category", "boolean"]
    description: str = ""
    column: str | None = None
    unit: str | None = None
    plausible: tuple[float, float] | None = None
    allowed: tuple[str, ...] | None = None
    missing_codes: tuple[Scalar, ...] = ()
    other_units: Mapping[str, float] = field(default_factory=dict)
    max_missing: float = 0.05
    missing_reason: str = ""
    measured_at: str | None = None
    after_index: bool = False
    sensitivity: Literal["clinical", "quasi-identifier"] = "clinical"
    code: Code | None = None

    @property
    def source_column(self) -> str:
        """The column's name in the source."""
        return self.column or self.name


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is predicted, from the source column *column*.

    Classification needs exactly one of *positive_above* (value > x), *positive* (these values) or *negative* (all
    other values are positive). Every value a classification target may take is in *allowed* when it is given: another
    one is a new class. Regression takes the number, in *unit*, inside *plausible*.
    """

    column: str
    description: str = ""
    unit: str | None = None
    positive_above: float | None = None
    positive: tuple[Scalar, ...] | None = None
    negative: tuple[Scalar, ...] | None = None
    allowed: tuple[Scalar, ...] | None = None
    plausible: tuple[float, float] | None = None
    missing_codes: tuple[Scalar, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Split:
    """How rows are kept apart for evaluation.

    ``k-fold`` and ``grouped`` (by patient) give out-of-fold predictions for every row; ``temporal`` trains
    on the past of each of *folds* successive blocks of time; ``by site`` holds out each site in turn;
    ``last rows`` holds out the last *last* rows. A patient is never on both sides, whatever the kind.
    """

    kind: Literal["k-fold", "grouped", "temporal", "by site", "last rows"]
    folds: int = 5
    last: int | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One family to try.

    *search* goes over *grid* (parameter -> values) by inner cross-validation, trying *iterations* points
    where it is ``randomized``; ``none`` uses *parameters* as they are. *calibrate* fits the probabilities
    on held-out folds.
    """

    family: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    search: Literal["none", "grid", "randomized", "halving"] = "none"
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    iterations: int = 20
    calibrate: bool = False


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The pessimistic end of *metric*'s interval must reach *limit* (for losses: stay under it)."""

    metric: str
    limit: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Challenger against champion on the same rows, paired, resampled by patient.

    ``superior``: the whole interval of the improvement in *metric* is above 0. ``non-inferior``: it is
    above ``-margin``. *population*: ``current`` (the rows that called for retraining) or ``reference`` (the
    rows the champion was judged on). *by*: subgroup columns; the worst subgroup counts.
    """

    metric: str
    kind: Literal["superior", "non-inferior"]
    reason: str
    margin: float = 0.0
    population: Literal["current", "reference"] = "current"
    by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Limit:
    """An upper limit on the artifact: ``size`` (bytes), ``latency`` (ms, one row, median) or ``features``."""

    what: Literal["size", "latency", "features"]
    limit: float
    reason: str


Criterion = Floor | Comparison | Limit


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """What the monitor may cost in false alarms and what it must not call material.

    *material_effect*: the smallest distribution shift worth acting on (Kolmogorov-Smirnov distance or total
    variation, 0 to 1). *material_missing*: rise in the missing share above a feature's *max_missing* worth a ticket.
    *material_loss*: worsening of the mean loss per row worth acting on (unit of the problem's loss).
    *important_share*: share of the model's importance that drifted columns must carry to call for retraining.
    *volume*: acceptable (low, high) ratio of a batch's rows to the expected *rows_per_round*, if that is stated.
    *freshness*: greatest age of the newest row. Each needs its reason in *reasons*, keyed by field name.
    """

    false_alarms_per_year: float = 1.0
    rounds_per_year: float = 52.0
    min_rows: int = 50
    material_effect: float = 0.1
    material_missing: float = 0.05
    material_loss: float = 0.02
    important_share: float = 0.1
    rows_per_round: int | None = None
    volume: tuple[float, float] = (0.2, 5.0)
    freshness: timedelta | None = None
    max_quarantined_share: float = 0.1
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """When a retraining may start and who may promote what came of it.

    *promotion*: ``gate`` lets a passed verdict promote by itself, ``person`` waits for an approval, too. *may_promote*
    names the persons whose approvals count (``*``: any approver). A failed verdict takes two overrides either way.
    """

    cool_down: timedelta = timedelta(days=7)
    min_new_labels: int = 50
    promotion: Literal["gate", "person"] = "gate"
    may_promote: tuple[str, ...] = ("*",)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When the round is made: a cron line in a named time zone."""

    cron: str = "0 6 * * 1"
    time_zone: str = "UTC"


@dataclass(frozen=True, kw_only=True)
class UseCase:
    """One clinical question and everything needed to answer it, again and again.

    *record_id*, *patient_id*, *time*, *site* are source columns (``patient_id`` None: each record is its own
    patient). *time_zone* is that of naive times in the source; *keep_time* how fine a time may leave ingest.
    *identifiers* are direct identifiers, dropped before anything is written; *ignored* are known columns that are not
    used. *subgroups* are features (numbers: by thirds) or ``site``. *expectations* is the module with ``suite()``
    (None: derived from the features). *threshold* is the probability above which one would act: at 0.3 a missed case
    weighs as much as 7/3 needless alarms. *too_good* is the AUROC (R2 in regression) above which training stops and
    asks whether the answer is among the features.
    """

    name: str
    question: str
    problem: Literal["classification", "regression"]
    source: Source
    record_id: str
    target: Target
    features: tuple[Feature, ...]
    candidates: tuple[Candidate, ...]
    gates: tuple[Criterion, ...]
    patient_id: str | None = None
    time: str | None = None
    time_format: str | None = None
    time_zone: str = "UTC"
    keep_time: Literal["second", "day", "month", "year"] = "day"
    site: str | None = None
    identifiers: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    subgroups: tuple[str, ...] = ()
    expectations: str | None = None
    split: Split = field(default_factory=lambda: Split(kind="grouped"))
    primary_metric: str = ""
    threshold: float = 0.5
    too_good: float = 0.995
    seed: int = 20260101
    monitoring: Monitoring = field(default_factory=Monitoring)
    retraining: Retraining = field(default_factory=Retraining)
    schedule: Schedule = field(default_factory=Schedule)
    attribution: str = ""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """All features, in declared order."""
        return tuple(feature.name for feature in self.features)

    @property
    def numeric(self) -> tuple[str, ...]:
        """The numeric features, in declared order."""
        return tuple(feature.name for feature in self.features if feature.kind == "numeric")

    @property
    def categorical(self) -> tuple[str, ...]:
        """The category and boolean features (strings in the canonical frame), in declared order."""
        return tuple(feature.name for feature in self.features if feature.kind != "numeric")

    def feature(self, name: str) -> Feature:
        """Return the feature called *name* (KeyError: there is none)."""
        return {feature.name: feature for feature in self.features}[name]

    def content_hash(self) -> str:
        """Return the sha256 of everything this use case says."""
        return hashlib.sha256(to_json(self)).hexdigest()


def faults(use_case: Any) -> tuple[str, ...]:
    """Return every fault of *use_case*, each beginning with its field; empty for a sound one."""
    from wardround.use_cases._checks import cross_faults
    from wardround.use_cases._types import type_faults

    if not isinstance(use_case, UseCase):
        return (f"USE_CASE: it must be a UseCase, not {type(use_case).__name__}",)
    wrong_types = type_faults(use_case)
    return (*wrong_types, *cross_faults(use_case, lenient=bool(wrong_types)))
