"""How values look on a page: moments, figures, hashes; and the environment every template is rendered in."""

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

HERE = Path(__file__).parent
STYLE, CHARTS = HERE / "static" / "desk.css", HERE / "static" / "charts.css"


@cache
def environment() -> Environment:
    """Return the template environment: everything is escaped, and a name nobody set is an error."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {"utc": utc, "day": day, "figure": figure, "short": short}
    return made


def style_sheet() -> tuple[bytes, str]:
    """Return the style sheet (of the frame, then of the charts) and a name for this state of it."""
    body = STYLE.read_bytes() + CHARTS.read_bytes()
    return body, hashlib.sha256(body).hexdigest()[:12]


def utc(moment: datetime) -> Markup:
    """Return *moment* to the minute, as people read it and as programs do."""
    return Markup('<time datetime="{}">{} UTC</time>').format(
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment.strftime("%Y-%m-%d %H:%M")
    )


def day(moment: datetime) -> Markup:
    """Return the day of *moment*."""
    return Markup('<time datetime="{0}">{0}</time>').format(moment.strftime("%Y-%m-%d"))


def figure(value: float | None, digits: int = 3) -> str:
    """Return a measured value; a dash where nothing was measured."""
    if value is None:
        return "\N{EN DASH}"
    if value == int(value) and abs(value) >= 10:
        return f"{int(value):,}"
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:,.0f}"


def short(name: str | None) -> Markup:
    """Return the first twelve characters of a hash or version, all of it on hovering."""
    if not name:
        return Markup("\N{EN DASH}")
    return Markup('<code title="{}">{}</code>').format(name, name[:12])
