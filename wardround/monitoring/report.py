"""The page for people: our decision and its reasons on top, Evidently's comparison of the columns below.

Evidently draws a bounded sample and decides nothing; the decision rests on all rows. The page is one file that opens
offline, and the browser is told to fetch nothing.
"""

import contextlib
import hashlib
import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wardround.domain import Batch, Decision, ModelVersion, Sensitivity
from wardround.errors import AlreadyExists, NotFound
from wardround.monitoring.page import above, alone, pictured, top
from wardround.monitoring.saliency import MeanSaliency, saliency_alt, saliency_picture, stored_saliency
from wardround.problems.answering import classes
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings
    from wardround.store import Store

MAX_ROWS = 20_000
_MAX_JOINED = 1_000_000
_LAST_BITS = 1e-12  # of a number; a sampling rate worked out of times differs by as much from row to row


def drift_report(
    use_case: UseCase,
    reference: "pd.DataFrame",
    current: "pd.DataFrame",
    decision: Decision,
    seed: int,
    max_rows: int = MAX_ROWS,
    *,
    small_cell: int = 10,
    totals: tuple[int, int] | None = None,
    where: MeanSaliency | None = None,
) -> bytes:
    """Return the page as one HTML file that opens offline.

    Args:
        use_case: whose columns are compared.
        reference: canonical rows the champion learned from; may hold a float column ``prediction``.
        current: canonical rows of the batch, the same columns.
        decision: what was decided for this batch; stands on top.
        seed: of the sample of at most *max_rows* rows a side.
        max_rows: rows a side that are drawn.
        small_cell: no value of fewer patients than this is on the page (`wardround.monitoring.disclosure`).
        totals: rows the frames were sampled from, when the caller did so.
        where: in its content the champion's answers come from, if that is known.
    """
    from wardround.monitoring.disclosure import protect

    reference_total, current_total = totals or (len(reference), len(current))
    sampled = [_named_outcomes(use_case, _sampled(frame, max_rows, seed)) for frame in (reference, current)]
    numeric, categorical = _columns(use_case, *sampled)
    if all(frame["patient_id"].nunique() >= small_cell for frame in sampled):
        shown_reference, shown_current, left_out = protect(sampled[0], sampled[1], numeric, categorical, small_cell)
        names = list(shown_reference.columns)
    else:
        names, left_out = [], (*numeric, *categorical)
    header = top(
        decision,
        _comparison_note(
            (len(sampled[0]), reference_total),
            (len(sampled[1]), current_total),
            seed,
            left_out,
            small_cell,
            bool(names),
        ),
        _looked(where),
    )
    if not names:
        return alone(header).encode()
    drifted = set(decision.drifted)
    names.sort(key=lambda name: name not in drifted)
    numbers = [name for name in names if name in numeric]
    return above(_evidently(use_case, shown_reference[names], shown_current[names], numbers), header).encode()


def write_report(use_case: UseCase, decision: Decision, *, store: "Store", settings: "Settings") -> str:
    """Write the page of *decision* beside it and return its key; a page that is there already stays.

    Reads at most `MAX_ROWS` rows a side into memory, drawn by chance while all rows stream past.

    Raises:
        NotFound: the batch, or the champion's version, is gone.
        Corrupted: their stored rows are not those that were written.
    """
    from wardround import batches, registry

    key = decision.key.removesuffix("decision.json") + "report.html"
    if store.exists(key):
        return key
    seed = int(hashlib.sha256(decision.key.encode()).hexdigest()[:8], 16)
    batch = batches.load(store, use_case.name, decision.batch)
    current, current_total = _streamed_sample(store, use_case, [batch], seed)
    trained_on, where = [], None
    if decision.champion is not None:
        version = registry.load(store, use_case.name, decision.champion)
        trained_on = [batches.load(store, use_case.name, identifier) for identifier in version.batches]
        where = stored_saliency(store, version)
    reference, reference_total = _streamed_sample(store, use_case, trained_on, seed)
    if decision.champion is not None and max(reference_total, current_total) <= _MAX_JOINED:
        reference, current = _with_predictions(store, use_case, batch, version, reference, current)
    page = drift_report(
        use_case, reference, current, decision, seed,
        small_cell=settings.small_cell, totals=(reference_total, current_total), where=where,
    )  # fmt: skip
    with contextlib.suppress(AlreadyExists):  # Evidently puts random names into its pages: another writer was faster
        store.put(key, page, sensitivity=Sensitivity.AGGREGATE)
    return key


def _looked(where: MeanSaliency | None) -> str:
    if where is None:
        return ""
    return pictured(
        "Where the champion's answers come from", saliency_picture(where), saliency_alt(where),
        "It is a mean over patients it learned from, not over this batch, and shows what the answers rest on, not why.",
    )  # fmt: skip


def _with_predictions(
    store: "Store",
    use_case: UseCase,
    batch: Batch,
    version: ModelVersion,
    reference: "pd.DataFrame",
    current: "pd.DataFrame",
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    from wardround import scoring
    from wardround.training.running import out_of_fold, out_of_fold_key

    try:
        fresh = scoring.predictions(store, use_case, batch, version)
    except NotFound:
        return reference, current
    if not store.exists(out_of_fold_key(version)):
        return reference, current
    known = out_of_fold(store, version)
    return tuple(  # type: ignore[return-value]
        frame.assign(
            prediction=frame["record_id"].map(told.drop_duplicates("record_id").set_index("record_id")["value"])
        )
        for frame, told in ((reference, known), (current, fresh))
    )


def _streamed_sample(
    store: "Store", use_case: UseCase, parts: Sequence[Batch], seed: int
) -> "tuple[pd.DataFrame, int]":
    import numpy as np
    import pandas as pd

    from wardround import batches

    chance = np.random.default_rng(seed)
    kept: pd.DataFrame | None = None
    total = 0
    for part in parts:
        for chunk in batches.frames(store, part, contents=False):
            total += len(chunk)
            drawn = chunk.assign(_chance=chance.random(len(chunk)))
            kept = drawn if kept is None else pd.concat([kept, drawn], ignore_index=True)
            kept = kept.nsmallest(MAX_ROWS, "_chance")
    if kept is None:
        columns = ["record_id", "patient_id", *use_case.feature_names, "target"]
        return pd.DataFrame({name: pd.Series(dtype=float) for name in columns}), 0
    return kept.drop(columns="_chance").reset_index(drop=True), total


def _sampled(frame: "pd.DataFrame", max_rows: int, seed: int) -> "pd.DataFrame":
    if len(frame) <= max_rows:
        return frame.reset_index(drop=True)
    return frame.sample(max_rows, random_state=seed).reset_index(drop=True)


def _named_outcomes(use_case: UseCase, frame: "pd.DataFrame") -> "pd.DataFrame":
    names = classes(use_case)
    if not names or "target" not in frame:
        return frame
    return frame.assign(target=frame["target"].map(dict(enumerate(names))).astype(object))


def _columns(use_case: UseCase, reference: "pd.DataFrame", current: "pd.DataFrame") -> tuple[list[str], list[str]]:
    numeric = list(use_case.numeric)
    categorical = list(use_case.categorical)
    if all("prediction" in frame for frame in (reference, current)):
        numeric.append("prediction")
    if all("target" in frame and frame["target"].notna().any() for frame in (reference, current)):
        (categorical if classes(use_case) else numeric).append("target")
    return numeric, categorical


def _drawable(
    current: "pd.DataFrame", reference: "pd.DataFrame", numeric: Sequence[str]
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Return both frames with numbers that differ in their last bits only made one: no histogram has bins for them."""
    import numpy as np

    same = {}
    for name in numeric:
        values = np.concatenate([frame[name].to_numpy(dtype=float, na_value=np.nan) for frame in (current, reference)])
        values = values[np.isfinite(values)]
        if len(values) and 0 < np.ptp(values) <= _LAST_BITS * np.abs(values).max():
            same[name] = float(values[0])
    frames = []
    for frame in (current, reference):
        one = {name: frame[name].where(frame[name].isna(), value) for name, value in same.items()}
        frames.append(frame.assign(**one))
    return frames[0], frames[1]


def _evidently(use_case: UseCase, reference: "pd.DataFrame", current: "pd.DataFrame", numeric: Sequence[str]) -> str:
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own dependencies deprecate each other
        from evidently import DataDefinition, Dataset, Report  # type: ignore[import-untyped]
        from evidently.metrics import ValueDrift  # type: ignore[import-untyped]

        names = list(reference.columns)
        categorical = [name for name in names if name not in numeric]
        definition = DataDefinition(numerical_columns=list(numeric), categorical_columns=categorical)
        drawable = _drawable(current, reference, numeric)
        datasets = [Dataset.from_pandas(frame, data_definition=definition) for frame in drawable]
        metrics = [ValueDrift(column=n, method="wasserstein" if n in numeric else "jensenshannon") for n in names]
        snapshot = Report(metrics, include_tests=False).run(*datasets)
        drift = {
            metric["config"]["column"]: float(metric["value"])
            for metric in snapshot.dict()["metrics"]
            if metric["config"]["type"].endswith("ValueDrift")
        }
        if list(drift) != names:
            raise RuntimeError(f"Evidently skipped {sorted(set(names) - set(drift))} without a word")
        drawn = [tab for widget in snapshot._widgets for tab in widget.tabs or () if tab.title == "DATA DISTRIBUTION"]
        if len(drawn) != len(names):
            raise RuntimeError("Evidently's widgets have another form than the pinned release's")
        # its other tab draws single rows in their order, the same in every column: that is a table of patients
        snapshot._widgets = [_titled(use_case, tab.widget, n, drift[n]) for tab, n in zip(drawn, names, strict=True)]
        return str(snapshot.get_html_str(as_iframe=False))


def _titled(use_case: UseCase, widget: Any, name: str, distance: float) -> Any:
    unit = use_case.feature(name).unit if name in use_case.feature_names else None
    widget.size = 1
    widget.title = f"{name}{f' ({unit})' if unit else ''}: distance {distance:.2f}"
    return widget


def _comparison_note(
    reference: tuple[int, int],
    current: tuple[int, int],
    seed: int,
    left_out: Sequence[str],
    small_cell: int,
    drawn: bool,
) -> str:
    if not drawn:
        return f"No column can be drawn: on one side there are fewer than {small_cell} patients."
    sides = " and ".join(
        f"{'all' if shown == total else f'{shown:,} of'} {total:,} {name} rows"
        for (shown, total), name in ((reference, "reference"), (current, "current"))
    )
    sampled = reference[0] < reference[1] or current[0] < current[1]
    sentences = [
        f"Below, Evidently compares {sides}" + (f", drawn by chance (seed {seed})." if sampled else "."),
        "It decides nothing: the decision above rests on all rows and on limits that keep the false-alarm budget, "
        "so the two may differ on single columns. Its distance is the Wasserstein distance in standard deviations for "
        "numbers and the Jensen-Shannon distance for groups; Evidently itself would speak of drift from 0.1. "
        "Columns that drifted by our own readings come first.",
        f"Nothing here shows fewer than {small_cell} patients: numbers are means of neighbouring patients, "
        "and rare levels are pooled.",
    ]
    if left_out:
        sentences.append(f"Left out because too few patients have them: {', '.join(left_out)}.")
    return " ".join(sentences)
