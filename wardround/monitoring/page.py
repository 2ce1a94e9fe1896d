"""The frame of the report: one HTML file whose browser is told to fetch nothing."""

import base64
import html
from collections.abc import Sequence

from wardround.domain import Decision
from wardround.monitoring import story

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
#wardround img{display:block;max-width:min(100%,560px);height:auto;border-radius:6px}
#wardround .note{color:#4a5560;font-size:14px}
@media (prefers-color-scheme:dark){:root{color-scheme:dark}#wardround{color:#e8ecef}
#wardround .facts,#wardround .note{color:#a9b4bd}#wardround .box{background:#10283a}
#wardround .alarm .box{background:#3a2113}#wardround th,#wardround td{border-color:#3a444c}}
"""


def top(decision: Decision, note: str, picture: str = "") -> str:
    """Return the page's own part: the decision, its reasons and readings, a *picture* of the champion (see `pictured`),
    then *note* on what is drawn below."""
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
        picture,
        f'<h2>The columns, drawn</h2><p class="note">{_text(note)}</p></div></header>',
    ]
    return "".join(parts)


def pictured(title: str, png: bytes, says: str, note: str) -> str:
    """Return a titled picture inside the page, what it *says* for those who do not see it, and a *note* under it."""
    body = base64.b64encode(png).decode()
    image = f'<img src="data:image/png;base64,{body}" alt="{_text(says)}">'
    return f'<h2>{_text(title)}</h2>{image}<p class="note">{_text(says)} {_text(note)}</p>'


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


def alone(header: str) -> str:
    """Return *header* as a page of its own."""
    meta = '<meta charset="UTF-8"><meta name="viewport" content="width=device-width, initial-scale=1.0">'
    return f'<!DOCTYPE html><html lang="en"><head>{meta}{_head("wardround report")}</head><body>{header}</body></html>'


def above(page: str, header: str) -> str:
    """Return *page*, which Evidently made, with *header* on top and leave to fetch nothing."""
    page = page.replace("https://cdn.plot.ly/", "about:blank#").replace("https://plotly.com", "about:blank#")
    head, found, rest = page.partition("<head>")
    before, body, after = rest.partition("<body>")
    if not found or not body:
        raise RuntimeError("Evidently's page has another form than the pinned release's")
    return f"{head}<head>{_head('wardround report')}{before}<body>{header}{after}"
