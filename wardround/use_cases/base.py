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
from wardround.use_cases._data import Content as Content
from wardround.use_cases._data import Feature as Feature
from wardround.use_cases._data import Scalar as Scalar
from wardround.use_cases._data import Source as Source
from wardround.use_cases._data import Target as Target
from wardround.use_cases._names import ARRAYS as ARRAYS
from wardround.use_cases._names import CONTENTS_NEEDED as CONTENTS_NEEDED
from wardround.use_cases._names import FAMILIES as FAMILIES
from wardround.use_cases._names import MEASURES as MEASURES
from wardround.use_cases._names import METRICS as METRICS
from wardround.use_cases._names import ROLE_COLUMNS as ROLE_COLUMNS
from wardround.use_cases._names import TRUTHS as TRUTHS
from wardround.use_cases._names import UNSUPERVISED as UNSUPERVISED
from wardround.use_cases._names import WITHIN as WITHIN


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
    problem: Literal[
        "classification",
        "regression",
        "multiclass",
        "multilabel",
        "segmentation",
        "tagging",
        "summary",
        "clustering",
        "anomaly",
    ]
    source: Source
    record_id: str
    target: Target
    features: tuple[Feature, ...]
    candidates: tuple[Candidate, ...]
    gates: tuple[Criterion, ...]
    contents: tuple[Content, ...] = ()
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

    @property
    def input_names(self) -> tuple[str, ...]:
        """All that a model may learn from: the features, then the contents, in declared order."""
        return (*self.feature_names, *(content.name for content in self.contents))

    def content(self, name: str) -> Content:
        """Return the content called *name* (KeyError: there is none)."""
        return {content.name: content for content in self.contents}[name]

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
