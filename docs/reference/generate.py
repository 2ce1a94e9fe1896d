"""Write the pages of this folder that can be read off the code: commands, settings, exit codes."""

import importlib
import inspect
import os
import pkgutil
import sys
from pathlib import Path

import typer

HERE = Path(__file__).parent
NOTE = "<!-- written by docs/reference/generate.py; change the code, then run `make docs` -->\n\n"
DEFAULTS = {"home": "`~/.wardround`", "actor": "the user of this machine"}
BESIDE = {
    "USE_CASE": "What `--use-case` says where it is not given.",
    "PASSPHRASE": "Your passphrase, for commands that would ask for it.",
    "NEW_PASSPHRASE": "The new one, for `wardround people add` and `wardround people passphrase`.",
    "SHOW_ERRORS": "1: show the words of an unexpected error, which may quote patient data.",
}
"""What is read from the environment beside the settings' fields."""


def commands() -> str:
    """Return the page of all commands, from their own help."""
    from typer.main import get_command

    from wardround.cli.app import app

    lines = ["# Commands\n"]

    def describe(command: object, path: str) -> None:
        inner = getattr(command, "commands", None)
        text = inspect.cleandoc(getattr(command, "help", "") or "").replace("\b", "")
        lines.append(f"## `{path}`\n\n{text}\n")
        shown = [p for p in getattr(command, "params", []) if p.name != "help" and not getattr(p, "hidden", False)]
        if shown and not inner:
            lines.append("| argument or option | meaning | default |\n|---|---|---|")
            for parameter in shown:
                name = (parameter.name or "").upper() if parameter.param_type_name == "argument" else parameter.opts[0]
                default = parameter.default if isinstance(parameter.default, str | int | float) else ""
                lines.append(f"| `{name}` | {getattr(parameter, 'help', '') or ''} | {default} |")
            lines.append("")
        for name in sorted(inner or ()):
            describe(inner[name], f"{path} {name}")

    describe(get_command(app), "wardround")
    return NOTE + "\n".join(lines)


def settings() -> str:
    """Return the page of environment variables, from the settings' fields."""
    from wardround.settings import Settings

    lines = ["# Environment variables\n", "| variable | meaning | default |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = DEFAULTS.get(name, "" if field.default_factory or field.default is None else field.default)
        lines.append(f"| `WARDROUND_{name.upper()}` | {field.description or ''} | {default} |")
    lines += [f"| `WARDROUND_{name}` | {meaning} |  |" for name, meaning in BESIDE.items()]
    return NOTE + "\n".join(lines) + "\n"


def errors() -> str:
    """Return the page of errors and exit codes, from the error classes."""
    from wardround import errors as module

    homes = [
        importlib.import_module(f"{module.__name__}.{home.name}") for home in pkgutil.iter_modules(module.__path__)
    ]
    kinds = {name: kind for home in (module, *homes) for name, kind in inspect.getmembers(home, inspect.isclass)}
    lines = [
        "# Errors and exit codes\n",
        "0 done; 1 the pipeline said no; 2 wrong input or configuration; 3 something outside failed.\n",
        "| error | exit code | meaning |", "|---|---|---|",
    ]  # fmt: skip
    for name, kind in sorted(kinds.items()):
        if issubclass(kind, module.WardroundError):
            first = inspect.cleandoc(kind.__doc__ or "").splitlines()[0]
            lines.append(f"| `{name}` | {kind.exit_code} | {first} |")
    return NOTE + "\n".join(lines) + "\n"


def use_cases() -> str:
    """Return the page of use cases, from the dataclasses they are made of."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("_use_cases_page", HERE / "use_cases.py")
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return NOTE + str(module.page())


PAGES = {"commands.md": commands, "settings.md": settings, "errors.md": errors, "use-cases.md": use_cases}


def main(check: bool = False) -> int:
    """Write every page; with *check* only say which would change."""
    os.environ["COLUMNS"] = "100"
    stale = [name for name, page in PAGES.items() if not (HERE / name).exists() or (HERE / name).read_text() != page()]
    for name in stale if not check else ():
        (HERE / name).write_text(PAGES[name]())
    for name in stale:
        typer.echo(f"{name}: {'stale' if check else 'written'}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
