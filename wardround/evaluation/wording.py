"""The sentences of a verdict: criteria, rows and the comparison in words, without a count that is too small."""

import math
from collections.abc import Sequence

from wardround.evaluation.comparison import Judged, ScoredRows
from wardround.evaluation.intervals import REPLICATES
from wardround.privacy import suppressed
from wardround.use_cases.base import Comparison, Criterion, Floor

_METRIC_NAMES = {
    "auroc": "AUROC", "auprc": "AUPRC", "brier": "Brier score", "log_loss": "log loss",
    "calibration_slope": "calibration slope", "calibration_intercept": "calibration intercept",
    "ece": "expected calibration error", "net_benefit": "net benefit", "mse": "MSE", "rmse": "RMSE", "mae": "MAE",
    "r2": "R²", "coverage": "interval coverage", "macro_auroc": "AUROC over classes", "macro_f1": "F1 over classes",
    "top_ece": "calibration error of the likeliest class", "micro_f1": "F1 over all labels",
    "micro_auroc": "AUROC over all labels", "exact_match": "all labels right", "dice_loss": "overlap lost (1 - Dice)",
    "dice": "Dice overlap", "iou": "intersection over union", "surface_distance": "distance of the edges",
    "instance_f1": "F1 of instances", "count_error": "error of the count",
    "f1_loss": "places missed or invented (1 - F1)", "f1": "F1", "rouge_l_loss": "words not shared (1 - ROUGE-L)",
    "rouge_1": "ROUGE-1", "rouge_2": "ROUGE-2", "rouge_l": "ROUGE-L",
    "rouge_l_over_lead": "ROUGE-L gained over the first sentence",
    "rouge_l_over_textrank": "ROUGE-L gained over the central sentence", "faithful": "quoted word for word",
    "compression": "share kept", "distance": "distance from the own centre", "explained": "variation explained",
    "smallest_share": "share of the smallest group", "reconstruction": "reconstruction error",
    "flagged": "share flagged",
}  # fmt: skip
_WHICH = {
    "current": "current rows (the champion never learned from them)",
    "reference": "reference rows (the champion learned from them)",
}


def metric_name(metric: str) -> str:
    """Return the name clinicians know *metric* by."""
    return _METRIC_NAMES.get(metric, metric.replace("_", " "))


def number(value: float) -> str:
    """Return a figure with four significant digits or decimals, ``unknown`` for what is no number."""
    if not math.isfinite(value):
        return "unknown"
    if value == 0:
        return "0"
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    if abs(value) < 0.00005:
        return near_zero(value)
    return f"{value:.4g}" if abs(value) >= 1 else f"{value:.4f}".rstrip("0").rstrip(".")


def near_zero(value: float) -> str:
    """Return a figure that four decimals would make 0 with its first digit, "-0.00004": its sign may decide."""
    places = -math.floor(math.log10(abs(value)))
    return f"{value:.{places}f}" if places < 10 else f"{value:.0e}"


def described(gate: Criterion) -> str:
    """Return the criterion in a few words, different for different criteria."""
    if isinstance(gate, Floor):
        return f"{metric_name(gate.metric)} limit {number(gate.limit)}"
    if isinstance(gate, Comparison):
        margin = "" if gate.kind == "superior" else f" by {gate.margin:g}"
        by = f" in every level of {', '.join(gate.by)}" if gate.by else ""
        return f"{metric_name(gate.metric)} {gate.kind}{margin} on {gate.population} rows{by}"
    return f"{gate.what} limit {number(gate.limit)}"


def patients_of(count: int) -> str:
    """Return a number of patients in words."""
    return f"{count:,} patient{'' if count == 1 else 's'}"


def rows_in_words(rows: ScoredRows, population: str) -> str:
    """Return how many rows of how many patients these are."""
    return f"{len(rows):,} {population} rows of {patients_of(rows.patients)}"


def comparison_paragraph(challenger: Judged, champion: Judged | None, notes: Sequence[str], small_cell: int) -> str:
    """Return how the challenger was judged and compared, on how many rows of which patients, as a paragraph."""
    sentences = []
    for population in ("current", "reference"):
        rows = challenger.scored.get(population)
        if rows is None or not len(rows):
            continue
        patients = rows.patients
        count = suppressed(patients, small_cell)
        size = f"fewer than {small_cell} patients" if count is None else f"{len(rows):,} rows of {patients_of(count)}"
        if champion is None:
            sentences.append(f"The challenger was judged on {size} by {rows.how}.")
        elif population in champion.scored:
            sentences.append(
                f"On the {_WHICH[population]}: {size}, the challenger by {rows.how}, "
                f"the champion by {champion.scored[population].how}."
            )
    if champion is None:
        sentences.append("There is no champion yet, so nothing was compared and the floors alone decide.")
    else:
        if "current" not in challenger.scored:
            sentences.append(
                "The challenger learned from no rows that are new to the champion, so the champion's own rows stand in "
                "for the current population in every comparison and floor."
            )
        else:
            sentences.append(
                "The current rows are the population that called for a new model: there it must prove its "
                "worth. The reference rows are the patients the champion was made for, who may still come: there it "
                "must do no harm."
            )
        sentences.append(
            f"Both models were compared on the same records; patients were drawn {REPLICATES:,} times, all rows of a "
            "patient together. Every criterion must hold, so testing several makes a wrong pass rarer, not more "
            "frequent."
        )
    return " ".join((*sentences, *notes))
