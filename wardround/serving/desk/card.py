"""The card of a model as the desk shows it: what it is for, what it learned from, how good it is, where it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from wardround import ledger, registry
from wardround.domain import Evaluation, Figure, ModelVersion, SubgroupFigures, Verdict, from_json
from wardround.errors import Corrupted
from wardround.evaluation.calibration import CalibrationPoint, calibration_points
from wardround.monitoring.arming import Arming, stored_arming
from wardround.monitoring.wording import number
from wardround.problems import PROBLEMS
from wardround.serving.desk import charts
from wardround.serving.desk.charts import Told
from wardround.serving.desk.courses import Chart
from wardround.serving.desk.texts import Words
from wardround.store import Store
from wardround.training.description import Record
from wardround.use_cases.base import UseCase

_CURVES = 64


@dataclass(frozen=True, kw_only=True)
class Group:
    """One subgroup: its rows and the figure and interval of each metric, drawn on one scale; suppressed says so."""

    name: str
    rows: int | None
    suppressed: bool
    figures: tuple[tuple[Figure | None, Markup], ...]


@dataclass(frozen=True, kw_only=True)
class Card:
    """Everything stored about one version. *trainer* is who the ledger says trained it (None: it does not say)."""

    version: ModelVersion
    evaluation: Evaluation
    record: Record
    verdicts: tuple[Verdict, ...]
    arming: Arming | None
    trainer: str | None
    before: ModelVersion | None
    differences: tuple[registry.Difference, ...]

    @property
    def suppressed(self) -> int:
        """How many subgroups are too small to be judged."""
        return sum(group.suppressed for group in self.evaluation.subgroups)

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """The metrics that could not be measured on these rows."""
        return tuple(figure.metric for figure in self.evaluation.figures if figure.value is None)

    @property
    def importance(self) -> tuple[tuple[str, float, Markup], ...]:
        """(feature, rise of the loss when shuffled, bar), the largest first."""
        largest = max((rise for _, rise in self.evaluation.importance), default=0.0)
        return tuple(
            (name, rise, charts.bar(rise / largest if largest > 0 else 0.0))
            for name, rise in self.evaluation.importance
        )


def card(store: Store, use_case: UseCase, version: str) -> Card:
    """Gather the card of *version* (its first digits are enough).

    Raises:
        NotFound: there is no such version.
        Corrupted: one of its files is not what was written.
    """
    found = registry.load(store, use_case.name, version)
    before = _before(store, found)
    trained = ledger.find(store, f"model:{use_case.name}:{found.version}")
    return Card(
        version=found,
        evaluation=from_json(Evaluation, registry.read_file(store, found, "evaluation.json")),
        record=from_json(Record, registry.read_file(store, found, "training.json")),
        verdicts=tuple(from_json(Verdict, store.get(key)) for key in store.keys(f"{found.prefix}verdicts/")),
        arming=stored_arming(store, use_case.name, found.version),
        trainer=trained.actor if trained else None,
        before=before,
        differences=registry.differences(store, before, found) if before else (),
    )


def groups(evaluation: Evaluation) -> tuple[tuple[str, ...], tuple[Group, ...]]:
    """Return the metrics of the subgroups and each subgroup's figures, drawn on a scale all groups share."""
    metrics = tuple(dict.fromkeys(figure.metric for group in evaluation.subgroups for figure in group.figures))
    scales = {metric: _scale(evaluation.subgroups, metric) for metric in metrics}
    found = []
    for group in evaluation.subgroups:
        figures = {figure.metric: figure for figure in group.figures}
        drawn = tuple((figures.get(metric), _span(figures.get(metric), scales[metric])) for metric in metrics)
        found.append(
            Group(name=f"{group.column} = {group.level}", rows=group.rows, suppressed=group.suppressed, figures=drawn)
        )
    return metrics, tuple(found)


def calibration(t: Words, store: Store, version: ModelVersion, small_cell: int) -> Chart | None:
    """Draw whether the predictions hold, on rows the model did not learn from; None where too few patients can tell, or
    the answers are no numbers to be held against an outcome."""
    if not PROBLEMS[version.problem].scalar:
        return None
    points = _curve(store, version.use_case, version.version, small_cell)
    if not points:
        return None
    off = sum(not point.low <= point.predicted <= point.high for point in points)
    told = Told(
        name="calibration", title=t(f"chart.calibration.{version.problem}"),
        text=t("chart.calibration.text", n=len(points), off=off),
    )  # fmt: skip
    drawn = charts.calibration(
        told, [(p.predicted, p.observed, p.low, p.high) for p in points],
        across=t("chart.predicted"), up=t("chart.observed"),
    )  # fmt: skip
    rows = tuple(
        (number(p.predicted), t("content.with_band", value=number(p.observed), low=number(p.low), high=number(p.high)),
         f"{p.rows:,}")
        for p in points
    )  # fmt: skip
    head = (t("chart.predicted"), t("chart.observed"), t("column.rows"))
    return Chart(title=told.title, drawn=drawn, head=head, rows=rows)


@lru_cache(_CURVES)
def _curve(store: Store, use_case: str, version: str, small_cell: int) -> tuple[CalibrationPoint, ...]:
    """Read the out-of-fold predictions (row level) and keep only the points."""
    from wardround.training import out_of_fold

    try:
        rows = out_of_fold(store, registry.load(store, use_case, version))
    except Corrupted:  # the predictions may be deleted long before the model is
        return ()
    return calibration_points(rows["target"], rows["value"], patients=rows["patient_id"], small_cell=small_cell)


def _before(store: Store, version: ModelVersion) -> ModelVersion | None:
    """The version it follows: its parent, else the champion whose place it took."""
    pointer = registry.champion(store, version.use_case)
    moves = pointer.history if pointer else ()
    took = next((move["previous"] for move in moves if move["version"] == version.version), None)
    name = version.parent or took
    return registry.load(store, version.use_case, name) if name else None


def _scale(subgroups: Sequence[SubgroupFigures], metric: str) -> tuple[float, float]:
    ends = [
        end
        for group in subgroups
        for figure in group.figures
        if figure.metric == metric and figure.interval is not None
        for end in (figure.interval.low, figure.interval.high)
    ]
    return min(ends, default=0.0), max(ends, default=1.0)


def _span(figure: Figure | None, scale: tuple[float, float]) -> Markup:
    if figure is None or figure.value is None or figure.interval is None:
        return Markup()
    return charts.span(figure.value, figure.interval.low, figure.interval.high, scale)
