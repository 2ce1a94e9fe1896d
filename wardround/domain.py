"""The nouns of the ward round: frozen values, each able to become JSON and come back.

Nothing here holds a value of a patient row: counts, figures, hashes, names and sentences only.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")
PERSON_NAME = r"[a-z0-9][a-z0-9._-]{1,38}"
"""How the people on duty are named in records, use cases and the ledger (a regular expression)."""


class Sensitivity(StrEnum):
    """What an object can show of a patient, or of how people come in; decides under which prefix it may be stored."""

    ROW_LEVEL = "row level"
    AGGREGATE = "aggregate"
    CREDENTIAL = "credential"


class Action(StrEnum):
    """What a round decides to do."""

    NONE = "none"
    INSUFFICIENT_DATA = "insufficient data"
    QUARANTINE = "quarantine"
    RETRAIN = "retrain"
    RETRAIN_WITH_HUMAN = "retrain with a human"


class Cause(StrEnum):
    """Why a round decided so. ``NONE`` only beside the actions ``none`` and ``insufficient data``."""

    NONE = "none"
    DATA_FAULT = "data fault"
    COVARIATE_SHIFT = "covariate shift"
    PRIOR_SHIFT = "prior shift"
    CONCEPT_DRIFT = "concept drift"
    PERFORMANCE_LOSS = "performance loss"


class Severity(StrEnum):
    """What a failed expectation does: ``critical`` quarantines or refuses, the others are shown."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A two-sided confidence interval; *level* is its coverage, for example 0.95."""

    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured metric on *rows* rows of *patients* patients; ``value`` is None when it was not measurable."""

    metric: str
    value: float | None
    interval: Interval | None = None
    rows: int = 0
    patients: int = 0
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class SubgroupFigures:
    """The figures of one subgroup, for example column ``sex``, level ``Female``; suppressed when it is small."""

    column: str
    level: str
    rows: int | None
    figures: tuple[Figure, ...] = ()
    suppressed: bool = False


@dataclass(frozen=True, kw_only=True)
class ExpectationOutcome:
    """What one expectation found in a batch: counts only, never values."""

    expectation: str
    column: str | None
    severity: Severity
    passed: bool
    failed_rows: int
    sentence: str
    row_level: bool


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One accepted or refused delivery of rows, named by the hash of its canonical content.

    ``rows_in == rows_accepted + rows_quarantined`` holds for every batch. The two sha256 are those of the row
    objects (empty: there is none); *attempt* sets their keys apart from what a killed run with other rules left.
    """

    use_case: str
    id: str
    label: str
    source: str
    rows_in: int
    rows_accepted: int
    rows_quarantined: int
    rows_labelled: int
    refused: bool
    outcomes: tuple[ExpectationOutcome, ...]
    faults: tuple[str, ...]
    ingested_at: datetime
    parent: str | None = None
    data_sha256: str = ""
    quarantine_sha256: str = ""
    attempt: str = ""

    @property
    def data_key(self) -> str:
        """Where the accepted rows are (Parquet, row level)."""
        return f"batches/{self.use_case}/{self.id}/data{self.attempt}.parquet"

    @property
    def manifest_key(self) -> str:
        """Where this value is stored."""
        return manifest_key(self.use_case, self.id)

    @property
    def quarantine_key(self) -> str:
        """Where the quarantined rows are (Parquet, row level)."""
        return f"quarantine/{self.use_case}/{self.id}/rows{self.attempt}.parquet"


def manifest_key(use_case: str, batch: str) -> str:
    """Return the key of a batch's manifest."""
    return f"batches/{use_case}/{batch}/manifest.json"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How good one model version is, on rows it did not learn from.

    *population* says which rows ("reference", "current"), *method* how they were kept apart from
    training ("5-fold, grouped by patient"), *importance* is (feature, loss increase when permuted).
    """

    population: str
    method: str
    rows: int
    patients: int
    figures: tuple[Figure, ...]
    subgroups: tuple[SubgroupFigures, ...] = ()
    importance: tuple[tuple[str, float], ...] = ()
    threshold: float | None = None
    seed: int = 0

    def figure(self, metric: str) -> Figure | None:
        """Return the figure of *metric*, or None when it was not measured."""
        return next((figure for figure in self.figures if figure.metric == metric), None)


@dataclass(frozen=True, kw_only=True)
class CriterionResult:
    """One line of a verdict: the figure, its interval, the limit it was held against, and a sentence."""

    criterion: str
    kind: str
    metric: str
    population: str
    figure: float | None
    interval: Interval | None
    limit: float | None
    passed: bool
    sentence: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The outcome of every gate criterion. No criterion is a refusal, never a pass."""

    use_case: str
    challenger: str
    champion: str | None
    comparison: str
    criteria: tuple[CriterionResult, ...]

    @property
    def passed(self) -> bool:
        """Whether there was at least one criterion and every one held."""
        return bool(self.criteria) and all(criterion.passed for criterion in self.criteria)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences of the criteria that failed; empty exactly when the verdict is a pass."""
        if not self.criteria:
            return ("no gate criterion is configured, and an ungated model is never promoted",)
        return tuple(criterion.sentence for criterion in self.criteria if not criterion.passed)


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """The manifest of a trained model: everything needed to train it again and to know it is intact.

    *files* maps each file beside the manifest to its sha256; *version* is derived from all other
    content fields (see `content_version`), so training the same thing twice gives the same version. *row_level* are the
    files that remember rows of training patients, as a nearest-neighbour model must.
    """

    use_case: str
    version: str
    problem: str
    family: str
    parameters: Mapping[str, Any]
    features: tuple[str, ...]
    batches: tuple[str, ...]
    label_sets: tuple[str, ...]
    rows: int
    patients: int
    data_hash: str
    use_case_hash: str
    seed: int
    code_version: str
    packages: Mapping[str, str]
    files: Mapping[str, str]
    cause: str
    parent: str | None
    created_at: datetime
    row_level: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """The key prefix of its manifest, verdicts and aggregate files, with a slash at the end."""
        return f"models/{self.use_case}/{self.version}/"

    def file_key(self, name: str) -> str:
        """Return where the file *name* is: one that remembers rows of patients stands under a row-level prefix."""
        home = "models-row-level" if name in self.row_level else "models"
        return f"{home}/{self.use_case}/{self.version}/{name}"

    def content_version(self) -> str:
        """Return the version this content must have: 16 hex digits over all but version and creation time."""
        content = replace(self, version="", created_at=datetime.fromtimestamp(0, UTC))
        return hashlib.sha256(to_json(content)).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One thing a monitor measured in a batch.

    *kind* is one of ``READING_KINDS``; *effect* is an effect size on the scale named in *sentence*
    (missing share difference, Kolmogorov-Smirnov distance, total variation, loss difference), *limit* what
    it was held against, *p* the p-value where a test was made, *alarm* whether it crossed both.
    """

    kind: str
    column: str | None
    effect: float | None
    limit: float | None
    alarm: bool
    sentence: str
    p: float | None = None
    reference: float | None = None
    current: float | None = None
    interval: Interval | None = None


READING_KINDS = (
    "missing", "range", "new levels", "units", "volume", "freshness", "duplicates", "validation",
    "input drift", "prediction drift", "target drift", "multivariate drift",
    "estimated performance", "realised performance",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What one round decided for one batch, why, and what would have changed it."""

    use_case: str
    batch: str
    label: str
    champion: str | None
    action: Action
    cause: Cause
    reasons: tuple[str, ...]
    what_would_change_it: tuple[str, ...]
    readings: tuple[Reading, ...]
    decided_at: datetime
    as_of: datetime
    in_cool_down: bool = False

    @property
    def key(self) -> str:
        """Where this decision is stored; one per batch and champion, written before it is acted on."""
        return f"rounds/{self.use_case}/{self.batch}/{self.champion or 'none'}/decision.json"

    @property
    def ticket(self) -> str | None:
        """The name of the ticket that its cause is noted on, the same round after round; None: nothing to be done."""
        if self.action is Action.NONE:
            return None
        cause = f"{self.use_case}/{self.champion}/{self.action.value}/{self.cause.value}"
        return "ward-" + hashlib.sha256(cause.encode()).hexdigest()[:8]

    @property
    def drifted(self) -> tuple[str, ...]:
        """The columns whose input drift raised an alarm."""
        return tuple(r.column for r in self.readings if r.kind == "input drift" and r.alarm and r.column)


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """One act: who did what to which objects and why, chained to the entry before by *previous*.

    *act* identifies the act (the same act is recorded once however often it is retried).
    """

    number: int
    act: str
    kind: str
    use_case: str
    actor: str
    subject: str
    hashes: Mapping[str, str]
    reason: str
    at: datetime
    previous: str


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The pointer to the serving version; moved by compare-and-swap only."""

    use_case: str
    version: str
    sequence: int
    moved_at: datetime
    moved_by: str
    reason: str
    previous: str | None = None
    history: tuple[Mapping[str, Any], ...] = field(default=())


def _plain(value: Any) -> Any:
    """Make NaN and infinities None: JSON has no word for them, and a missing figure must not pass a gate."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def to_json(value: Any, *, indent: int | None = None) -> bytes:
    """Return the one JSON text of *value* (sorted keys, UTF-8), the same bytes for the same content."""
    from pydantic import TypeAdapter

    plain = _plain(TypeAdapter(type(value)).dump_python(value, mode="json"))
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=indent).encode()


def from_json(kind: type[T], text: bytes) -> T:
    """Read a value of *kind* back from `to_json`'s text.

    Raises:
        pydantic.ValidationError: the text is not a *kind*.
    """
    from pydantic import TypeAdapter

    return TypeAdapter(kind).validate_json(text)


def utc_now() -> datetime:
    """Return the present moment with its zone; the only clock in the library, called at the edges."""
    return datetime.now(UTC)
