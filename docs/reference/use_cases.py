"""Make use-cases.md from its template, the use cases and the dataclasses they are made of."""

import dataclasses
import inspect
import re
from pathlib import Path

from wardround.use_cases import REGISTRY, base, load

HERE = Path(__file__).parent
PARTS = (
    base.UseCase, base.Source, base.Feature, base.Code, base.Content, base.Target, base.Split, base.Candidate,
    base.Floor, base.Comparison, base.Limit, base.Monitoring, base.Retraining, base.Schedule,
)  # fmt: skip


def page() -> str:
    """Return the whole page."""
    text = (HERE / "use-cases.template.md").read_text().replace("COUNT", str(len(REGISTRY)))
    for mark, made in (("SHIPPED", shipped()), ("FIELDS", fields()), ("METRICS", metrics())):
        text = re.sub(rf"^{mark}$", lambda _, made=made: made, text, flags=re.M)
    return text


def shipped() -> str:
    """Return a table of the shipped use cases."""
    lines = [
        "| name | question | problem | rows apart by | features | source | data |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in REGISTRY:
        use_case = load(name)
        lines.append(
            f"| `{name}` | {use_case.question} | {use_case.problem} | {use_case.split.kind} | {len(use_case.features)} "
            f"| {use_case.source.kind}: `{use_case.source.location}` | {use_case.attribution or '-'} |"
        )
    return "\n".join(lines)


def fields() -> str:
    """Return the parts of a use case: their docstrings, fields, types and defaults."""
    lines = []
    for part in PARTS:
        text = re.sub(r"``(.+?)``", r"`\1`", inspect.getdoc(part) or "")
        text = re.sub(r"(?<![\w*])\*(\w+)\*(?![\w*])", r"`\1`", text)
        lines += [f"### `{part.__name__}`", "", text, "", "| field | type | default |", "|---|---|---|"]
        for field in dataclasses.fields(part):
            kind = field.type if isinstance(field.type, str) else inspect.formatannotation(field.type)
            kind = kind.replace("wardround.use_cases.base.", "").replace("typing.", "").replace("collections.abc.", "")
            lines.append(f"| `{field.name}` | `{kind.replace('|', chr(92) + '|')}` | {_default(field)} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def metrics() -> str:
    """Return the metrics and families by problem."""
    lines = ["| problem | metrics | families |", "|---|---|---|"]
    for problem, names in base.METRICS.items():
        lines.append(f"| {problem} | {', '.join(names)} | {', '.join(base.FAMILIES[problem])} |")
    return "\n".join(lines)


def _default(field: "dataclasses.Field[object]") -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{field.default!r}`"
    if field.default_factory is not dataclasses.MISSING:
        made = field.default_factory()
        return "" if dataclasses.is_dataclass(made) else f"`{made!r}`"
    return "needed"
