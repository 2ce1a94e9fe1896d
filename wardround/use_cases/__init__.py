"""The shipped use cases and the one way to load any use case: by name, or from a file of the user's own."""

import hashlib
import importlib
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from wardround.errors import UseCaseInvalid, UseCaseNotFound
from wardround.use_cases.base import UseCase, faults


def _shipped() -> dict[str, str]:
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return {name: f"{__name__}.{name}" for name in found if name != "base" and not name.startswith("_")}


REGISTRY: dict[str, str] = _shipped()
"""Name -> module of every shipped use case, filled from the names of this package's modules without importing
them: all but ``base`` and those that begin with an underscore. A new use case is one new file, named after
itself."""


def load(name_or_path: str) -> UseCase:
    """Return the shipped use case of that name, or the one a Python file defines as ``USE_CASE``.

    Raises:
        UseCaseNotFound: it is neither a shipped name nor a file.
        UseCaseInvalid: the file cannot be read as Python, defines no ``USE_CASE``, or the use case has faults
            (all of them are named at once).
    """
    shipped = REGISTRY.get(name_or_path)
    module = importlib.import_module(shipped) if shipped else _module_of(name_or_path)
    if not hasattr(module, "USE_CASE"):
        raise UseCaseInvalid(
            name_or_path, ("USE_CASE: the file defines no such name; end it with USE_CASE = UseCase(...)",)
        )
    use_case = module.USE_CASE
    found = faults(use_case)
    if shipped and not found and use_case.name != name_or_path:
        found = (f"name: {use_case.name!r} differs from the name of its module, {name_or_path!r}",)
    if found:
        raise UseCaseInvalid(name_or_path, found)
    return use_case  # type: ignore[no-any-return]


def _module_of(path_text: str) -> ModuleType:
    path = Path(path_text).expanduser()
    if not path.is_file():
        raise UseCaseNotFound(path_text, tuple(REGISTRY))
    if path.suffix != ".py":
        raise UseCaseInvalid(path_text, ("file: a use case is a Python file whose name ends in .py",))
    unique = f"_wardround_use_case_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    module = ModuleType(unique)
    module.__file__ = str(path)
    before = sys.modules.get(unique)
    sys.modules[unique] = module  # dataclasses and pickle look a class's module up by name
    try:
        # compiled here, not imported: a cached copy of a file edited within the second would be taken for it
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        if before is None:
            del sys.modules[unique]
        else:
            sys.modules[unique] = before
        raise UseCaseInvalid(path_text, (_import_fault(error, path),)) from None
    return module


def _import_fault(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return f"file: Python cannot read line {error.lineno}: {error.msg}"
    if isinstance(error, (UnicodeDecodeError, ValueError)) and not _line_in(error, path):
        return "file: it is not a text file in UTF-8"
    line = _line_in(error, path)
    where = f"line {line}" if line else "an import"
    return f"file: {where} failed with {type(error).__name__}: {error}"


def _line_in(error: BaseException, path: Path) -> int | None:
    line = None
    trace = error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
