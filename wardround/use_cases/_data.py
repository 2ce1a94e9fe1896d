"""What a use case says of its data: where rows come from, their features, their contents and their outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from wardround.use_cases._codes import Code

Scalar = str | float | int | bool


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where rows come from.

    *kind*: ``csv`` (also .gz), ``parquet``, ``excel``, ``sql``, ``s3`` (a prefix), ``package`` (a table that comes with
    a package, ``sklearn:diabetes`` or ``wardround:heart_disease``), ``log`` (what the prediction API answered),
    ``dicom`` (a folder), ``images`` (a folder of PNG, TIFF, NIfTI or NRRD, or an NPZ file), ``waveforms`` (WFDB records
    or DICOM waveforms), ``delimited series`` (a row of numbers per record), ``events`` (a long table: patient, time,
    item, value), ``fhir`` (bundles), ``reports`` (a folder or archive of text files or XML reports) or ``tagged`` (text
    with a tag per character). *location*: path, SQLAlchemy URL, ``s3://bucket/prefix/``, package name or ``online``;
    relative paths are looked for under ``WARDROUND_DATA``. *options* are those of the kind's reader in
    `wardround.sources`, for example ``encoding``, ``delimiter``, ``decimal``, ``sheet``, ``table``, ``query``.
    """

    kind: Literal[
        "csv", "parquet", "excel", "sql", "s3", "package", "log",
        "dicom", "images", "waveforms", "delimited series", "events", "fhir", "reports", "tagged",
    ]  # fmt: skip
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
    the leak guard. *sensitivity*: ``clinical`` or ``quasi-identifier``. *code* is where a FHIR record holds it, if
    any. *of* names the content that it is a *measure* of (`MEASURES`): such a feature has no column in the source.
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
    of: str | None = None
    measure: str | None = None

    @property
    def source_column(self) -> str:
        """The column's name in the source: that of the content, where the feature is measured of one."""
        return self.column or self.name


@dataclass(frozen=True, kw_only=True)
class Content:
    """An input that is no cell but a picture, a signal or a text; it lies in the batch as a column of its own.

    Models may learn from it; expectations, drift monitoring and the pages see only what is measured of it at ingest:
    the features with ``of=name``. *channels* names the channels of a picture (``grey``; ``red``, ``green``, ``blue``)
    or of a series (its leads or items), in order. *shape* is the one size (height, width) pictures must have, if any.
    *language* (``en``, ``zh``) is that of a text. A text is de-identified at ingest, unless *deidentified* says why the
    source's already is. *options* belong to the kind, for example ``photometric`` or ``rate`` (see
    `wardround.contents`).
    """

    name: str
    kind: Literal["image", "series", "text"]
    description: str = ""
    column: str | None = None
    channels: tuple[str, ...] = ()
    shape: tuple[int, int] | None = None
    language: Literal["en", "zh"] | None = None
    deidentified: str = ""
    options: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def source_column(self) -> str:
        """The column's name in the source."""
        return self.column or self.name


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is predicted, from the source column *column* (empty: nothing, in clustering and anomaly detection).

    Classification needs exactly one of *positive_above* (value > x), *positive* (these values) or *negative* (all
    other values are positive). Every value a classification target may take is in *allowed* when it is given: another
    one is a new class. Regression takes the number, in *unit*, inside *plausible*. Multiclass and multilabel problems
    take the names in *allowed*, in this order. Several labels of a row are joined by ``|``; that none holds is said by
    an empty text or one of *negative*, while a missing cell says that nobody looked. The truth of the other problems is
    no number: see `wardround.problems` for its form.
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
