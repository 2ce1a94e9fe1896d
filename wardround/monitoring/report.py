"""The page for people: our decision and its reasons on top, Evidently's comparison of the columns below.

Evidently draws a bounded sample and decides nothing; the decision rests on all rows. The page is one file that opens
offline, and the browser is told to fetch nothing.
"""

import contextlib
import hashlib
import html
import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wardround.domain import Batch, Decision, Sensitivity
from wardround.errors import AlreadyExists
from wardround.monitoring import story
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings
    from wardround.store import Store

MAX_ROWS = 20_000
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "font-src data:; img-src data: blob:; connect-src 'none'; form-action 'none'"
)
_STYLE = """
#wardround{font:16px/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;color:#1b1f24;max-width:1180px;
margin:0 auto;padding:28px 24px 8px}
#wardround h1{font-size:30px;margin:0 0 4px}#wardround h2{font-size:20px;margin:26px 0 8px}
#wardround .facts{color:#4a5560;margin:0 0 14px}#wardround li{margin:4px 0}
#wardround .box{border-left:6px solid #0072b2;background:#eef5fa;padding:10px 16px;margin:12px 0}
#wardround .alarm .box{border-color:#d55e00;background:#fdf1e9}
#wardround table{border-collapse:collapse;width:100%;font-size:14px}
#wardround th,#wardround td{text-align:left;vertical-align:top;padding:6px 10px 6px 0;border-bottom:1px solid #d8dee4}
#wardround tr.loud td{font-weight:600}#wardround summary{cursor:pointer;margin:12px 0}
#wardround .note{color:#4a5560;font-size:14px}
"""


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
    top = _top(
        decision,
        _comparison_note(
            (len(sampled[0]), reference_total),
            (len(sampled[1]), current_total),
            seed,
            left_out,
            small_cell,
            bool(names),
        ),
    )
    if not names:
        return _page(top).encode()
    drifted = set(decision.drifted)
    names.sort(key=lambda name: name not in drifted)
    numbers = [name for name in names if name in numeric]
    return _joined(_evidently(use_case, shown_reference[names], shown_current[names], numbers), top).encode()


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
    trained_on = []
    if decision.champion is not None:
        version = registry.load(store, use_case.name, decision.champion)
        trained_on = [batches.load(store, use_case.name, identifier) for identifier in version.batches]
    reference, reference_total = _streamed_sample(store, use_case, trained_on, seed)
    page = drift_report(
        use_case, reference, current, decision, seed,
        small_cell=settings.small_cell, totals=(reference_total, current_total),
    )  # fmt: skip
    with contextlib.suppress(AlreadyExists):  # Evidently puts random names into its pages: another writer was faster
        store.put(key, page, sensitivity=Sensitivity.AGGREGATE)
    return key


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
        for chunk in batches.frames(store, part):
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
    if use_case.problem == "regression" or "target" not in frame:
        return frame
    return frame.assign(target=frame["target"].map({0.0: "no", 1.0: "yes"}).astype(object))


def _columns(use_case: UseCase, reference: "pd.DataFrame", current: "pd.DataFrame") -> tuple[list[str], list[str]]:
    numeric = list(use_case.numeric)
    categorical = list(use_case.categorical)
    if all("prediction" in frame for frame in (reference, current)):
        numeric.append("prediction")
    if all("target" in frame and frame["target"].notna().any() for frame in (reference, current)):
        (numeric if use_case.problem == "regression" else categorical).append("target")
    return numeric, categorical


def _evidently(use_case: UseCase, reference: "pd.DataFrame", current: "pd.DataFrame", numeric: Sequence[str]) -> str:
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own dependencies deprecate each other
        from evidently import DataDefinition, Dataset, Report  # type: ignore[import-untyped]
        from evidently.metrics import ValueDrift  # type: ignore[import-untyped]

        names = list(reference.columns)
        categorical = [name for name in names if name not in numeric]
        definition = DataDefinition(numerical_columns=list(numeric), categorical_columns=categorical)
        datasets = [Dataset.from_pandas(frame, data_definition=definition) for frame in (current, reference)]
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


def _top(decision: Decision, note: str) -> str:
    told = story.told(decision)
    loud = any(reading.alarm for reading in decision.readings)
    parts = [
        f'<header id="wardround"><style>{_STYLE}</style><div class="{"alarm" if loud else "calm"}">',
        f"<h1>{_text(told.headline)}</h1>",
        f'<p class="facts">{_text(told.facts)}</p>',
        f'<div class="box"><b>{_text(told.meaning)}</b><br>{_text(told.next_step)}</div>',
        _list("Why", decision.reasons),
        _list("What would have changed this decision", decision.what_would_change_it),
        _readings(decision),
        f'<h2>The columns, drawn</h2><p class="note">{_text(note)}</p></div></header>',
    ]
    return "".join(parts)


def _readings(decision: Decision) -> str:
    rows = story.readings_table(decision)
    loud = [row for row in rows if row["alarm"]]
    quiet = [row for row in rows if not row["alarm"]]
    parts = [
        "<h2>Readings over all rows</h2>",
        f"<p>{_text(story.quiet_sentence(decision.readings))}</p>",
        _table(loud),
    ]
    if quiet:
        parts.append(f"<details><summary>{len(quiet)} quiet readings</summary>{_table(quiet)}</details>")
    return "".join(parts)


def _table(rows: Sequence[dict[str, str]]) -> str:
    if not rows:
        return ""
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    head = "".join(f"<th>{_text(name)}</th>" for name in names)
    body = "".join(
        f'<tr class="{"loud" if row.get("alarm") else ""}">'
        + "".join(f"<td>{_text(row[n])}</td>" for n in names)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _list(title: str, sentences: Sequence[str]) -> str:
    items = "".join(f"<li>{_text(sentence)}</li>" for sentence in sentences)
    return f"<h2>{_text(title)}</h2><ul>{items}</ul>" if sentences else ""


def _text(value: str) -> str:
    return html.escape(value)


def _head(title: str) -> str:
    return f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><title>{_text(title)}</title>'


def _page(top: str) -> str:
    meta = '<meta charset="UTF-8"><meta name="viewport" content="width=device-width, initial-scale=1.0">'
    return f'<!DOCTYPE html><html lang="en"><head>{meta}{_head("wardround report")}</head><body>{top}</body></html>'


def _joined(page: str, top: str) -> str:
    page = page.replace("https://cdn.plot.ly/", "about:blank#").replace("https://plotly.com", "about:blank#")
    head, found, rest = page.partition("<head>")
    before, body, after = rest.partition("<body>")
    if not found or not body:
        raise RuntimeError("Evidently's page has another form than the pinned release's")
    return f"{head}<head>{_head('wardround report')}{before}<body>{top}{after}"
