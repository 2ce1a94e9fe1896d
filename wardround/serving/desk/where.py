"""Where in a content a model's answers come from, drawn for its page, with the table that says the same."""

import numpy as np

from wardround.monitoring.saliency import MeanSaliency
from wardround.monitoring.wording import number
from wardround.monitoring.words import percent
from wardround.serving.desk import charts
from wardround.serving.desk.charts import Told
from wardround.serving.desk.courses import Chart
from wardround.serving.desk.texts import Words

_TENTHS = 10
_THIRDS = 3


def where(t: Words, found: MeanSaliency) -> Chart:
    """Draw a curve along the length, or a heat map as the content lies."""
    at = np.unravel_index(int(found.array.argmax()), found.shape)
    places = [percent(round((float(place) + 0.5) / size, 2)) for place, size in zip(at, found.shape, strict=True)]
    told = Told(
        name="where", title=t("chart.where", content=found.content.replace("_", " ")),
        text=t(
            f"chart.where.{form(found)}", along=places[-1], down=places[0], times=_times(max(found.values)),
            share=percent(round(found.concentration, 2)),
        ),
    )  # fmt: skip
    if form(found) == "length":
        drawn = charts.along(told, found.values, across=t("chart.where.across"), up=t("chart.where.up"))
        ends = [f"{10 * tenth} \N{EN DASH} {10 * tenth + 10} %" for tenth in range(_TENTHS)]
        parts = tuple((end, _times(v)) for end, v in zip(ends, found.pooled(_TENTHS), strict=True))
        return Chart(title=told.title, drawn=drawn, head=(t("chart.where.across"), t("chart.where.up")), rows=parts)
    drawn = charts.heat(told, found.array.tolist())
    head = tuple(t(f"chart.where.{name}") for name in ("part", "left", "middle", "right"))
    names = [t(f"chart.where.{name}") for name in ("top", "middle", "bottom")]
    thirds = found.pooled(_THIRDS, _THIRDS)
    rows = tuple((name, *(_times(v) for v in row)) for name, row in zip(names, thirds, strict=True))
    return Chart(title=told.title, drawn=drawn, head=head, rows=rows)


def _times(value: float) -> str:
    return number(float(value), digits=2)


def form(found: MeanSaliency) -> str:
    """Return what its places lie along: a length or an area."""
    return "length" if len(found.shape) == 1 else "area"
