"""Commands about use cases and model versions."""

from typing import Annotated, Any

import typer

from wardround.cli.context import storage
from wardround.cli.output import JsonOption, ReasonOption, UseCaseOption, give, say, table

VersionArgument = Annotated[str, typer.Argument(help="Version, or the beginning of it.")]


def use_cases(
    check: Annotated[str | None, typer.Argument(help="A name or a Python file to check; empty: list all.")] = None,
    json: JsonOption = False,
) -> None:
    """List the shipped use cases, or check one and show what it says.

    Example: `wardround use-cases path/to/mine.py`
    """
    from wardround.use_cases import REGISTRY, load

    if check is None:
        rows = [(name, (case := load(name)).problem, case.question) for name in REGISTRY]
        if json:
            give([{"name": name, "problem": problem, "question": question} for name, problem, question in rows])
        else:
            table("Use cases", ("name", "problem", "question"), rows)
        return
    case = load(check)
    if json:
        from pydantic import TypeAdapter

        give(TypeAdapter(type(case)).dump_python(case, mode="json"))
        return
    say(f"{case.name}: {case.question}")
    if case.contents:
        table(
            "Contents",
            ("content", "kind", "parts", "identifiers"),
            [
                (
                    c.name,
                    c.kind,
                    ", ".join(c.channels) or c.language,
                    "" if c.kind != "text" else f"left: {c.deidentified}" if c.deidentified else "taken out at ingest",
                )
                for c in case.contents
            ],
        )
    table(
        "Features",
        ("feature", "kind", "unit", "plausible", "may be missing"),
        [
            (
                f.name,
                f.kind,
                f.unit,
                " to ".join(f"{end:g}" for end in f.plausible) if f.plausible else ", ".join(f.allowed or ()),
                f"{f.max_missing:.0%} {f.missing_reason}".strip(),
            )
            for f in case.features
        ],
    )
    table("Gates", ("gate", "reason"), [(_criterion(gate), gate.reason) for gate in case.gates])


def _criterion(gate: Any) -> str:
    import dataclasses

    said = [
        f"{field.name} {', '.join(value) if isinstance(value, tuple) else value}"
        for field in dataclasses.fields(gate)
        if field.name != "reason" and (value := getattr(gate, field.name)) != () and value != field.default
    ]
    return f"{type(gate).__name__.lower()}: {', '.join(said)}"


def models_list(use_case: UseCaseOption, json: JsonOption = False) -> None:
    """List a use case's model versions, newest first, with the champion marked.

    Example: `wardround models list --use-case heart_disease`
    """
    from wardround import registry
    from wardround.use_cases import load

    chosen = load(use_case)
    with storage() as (_, store):
        champion = registry.champion(store, chosen.name)
        versions = registry.versions(store, chosen.name)
    serving = champion.version if champion else None
    rows = [
        {
            "version": version.version, "champion": version.version == serving, "family": version.family,
            "rows": version.rows, "cause": version.cause, "parent": version.parent,
            "created": version.created_at.isoformat(timespec="seconds"),
        }
        for version in sorted(versions, key=lambda version: version.created_at, reverse=True)
    ]  # fmt: skip
    if json:
        give(rows)
    elif rows:
        table(
            f"Models of {chosen.name}",
            ("version", "", *tuple(rows[0])[2:]),
            [(row["version"], "champion" if row["champion"] else "", *tuple(row.values())[2:]) for row in rows],
        )
    else:
        say(f"no model of {chosen.name} was trained yet: `wardround train --use-case {use_case}`")


def models_show(
    use_case: UseCaseOption,
    version: Annotated[str, typer.Argument(help="Version, the beginning of it, or `champion`.")] = "champion",
    json: JsonOption = False,
) -> None:
    """Show one version: data, parameters, figures with intervals, verdicts, and the champion's history.

    Example: `wardround models show champion --use-case heart_disease`
    """
    from pydantic import TypeAdapter

    from wardround import registry
    from wardround.domain import Evaluation, ModelVersion, Verdict, from_json
    from wardround.monitoring.story import evaluation_markdown, verdict_markdown
    from wardround.use_cases import load

    chosen = load(use_case)
    with storage() as (_, store):
        found = _find(store, chosen.name, version)
        evaluation = from_json(Evaluation, registry.read_file(store, found, "evaluation.json"))
        verdicts = [from_json(Verdict, store.get(key)) for key in store.keys(f"{found.prefix}verdicts/")]
        history = registry.history(store, chosen.name)
    if json:
        give(
            {
                "model": TypeAdapter(ModelVersion).dump_python(found, mode="json"),
                "evaluation": TypeAdapter(Evaluation).dump_python(evaluation, mode="json"),
                "verdicts": [TypeAdapter(Verdict).dump_python(v, mode="json") | {"passed": v.passed} for v in verdicts],
                "history": [dict(move) for move in history],
            }
        )
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    say(f"{chosen.name} {found.version}: {found.family}, trained on {found.rows} rows because: {found.cause}")
    console.print(Markdown(evaluation_markdown(evaluation)))
    for verdict in verdicts:
        console.print(Markdown(verdict_markdown(verdict)))


def models_diff(
    use_case: UseCaseOption, one: VersionArgument, other: VersionArgument, json: JsonOption = False
) -> None:
    """Show what differs between two versions: data, family, parameters, packages, figures.

    Example: `wardround models diff 3f2a 91bc --use-case heart_disease`
    """
    from dataclasses import asdict

    from wardround import registry
    from wardround.use_cases import load

    chosen = load(use_case)
    with storage() as (_, store):
        found = [_find(store, chosen.name, name) for name in (one, other)]
        differing = registry.differences(store, *found)
    if json:
        give([asdict(difference) for difference in differing])
    elif differing:
        table(
            f"{one} against {other}",
            ("what", one, other),
            [(each.fact, registry.in_short(each.one), registry.in_short(each.other)) for each in differing],
        )
    else:
        say(f"nothing differs: both are {found[0].version}")


def promote(
    use_case: UseCaseOption,
    version: VersionArgument,
    reason: ReasonOption,
    json: JsonOption = False,
) -> None:
    """Make a version the champion, if its verdict passed and it has the approvals that its use case asks for.

    Example: `wardround promote 3f2a --reason "reviewed with cardiology" --use-case heart_disease`
    """
    from wardround.domain import utc_now
    from wardround.promotion import promote
    from wardround.use_cases import load

    chosen = load(use_case)
    with storage() as (settings, store):
        found = _find(store, chosen.name, version)
        champion = promote(chosen, found.version, store=store, settings=settings, reason=reason, now=utc_now())
    _tell(champion.version, champion.previous, json)


def rollback(
    use_case: UseCaseOption,
    reason: ReasonOption,
    to: Annotated[str | None, typer.Option("--to", help="A former champion; empty: the one before.")] = None,
    json: JsonOption = False,
) -> None:
    """Give the champion's place back to a former champion.

    Example: `wardround rollback --reason "alarms on ward 3" --use-case heart_disease`
    """
    from wardround import registry
    from wardround.domain import utc_now
    from wardround.use_cases import load

    chosen = load(use_case)
    with storage() as (settings, store):
        target = _find(store, chosen.name, to).version if to else None
        champion = registry.rollback(store, chosen.name, to=target, actor=settings.actor, reason=reason, now=utc_now())
    _tell(champion.version, champion.previous, json)


def _tell(now: str, before: str | None, json: bool) -> None:
    if json:
        give({"champion": now, "before": before})
        return
    say(f"champion: {before or 'none'} -> {now}")


def _find(store: Any, use_case: str, version: str) -> Any:
    from wardround import registry
    from wardround.errors import NotFound

    if version != "champion":
        return registry.load(store, use_case, version)
    champion = registry.champion(store, use_case)
    if champion is None:
        raise NotFound("champion of", use_case, f"Train one: `wardround train --use-case {use_case}`")
    return registry.load(store, use_case, champion.version)
