"""Which modules know a kind of data or of question by its name: none that decides, watches, shows or orchestrates."""

import ast
from pathlib import Path

import pytest

from wardround.contents import HOMES
from wardround.problems import PROBLEMS
from wardround.use_cases.base import FAMILIES

ROOT = Path(__file__).parents[2]
PACKAGES = ("wardround", "flows", "tasks", "expectations")
NAMES = frozenset({*PROBLEMS, *FAMILIES, *HOMES})
"""Names of problems and of kinds of content."""
EVERYDAY = frozenset({"text", "summary"})
"""Those that are fields of JSON, HTML and FHIR too: they count where something is compared with them."""
UNKNOWING = (
    "flows", "tasks", "wardround/gating.py", "wardround/scoring.py", "wardround/promotion.py", "wardround/predicted.py",
    "wardround/evaluation", "wardround/registry", "wardround/monitoring", "wardround/alerts", "wardround/approvals",
    "wardround/quarantine", "wardround/serving", "wardround/ledger.py", "wardround/store", "wardround/answers.py",
)  # fmt: skip
"""Where no kind of data and no kind of question may be known by name: what is needed of one is asked of it."""
KNOWING = (
    "wardround/contents", "wardround/problems", "wardround/models", "wardround/sources", "wardround/privacy/notes",
    "wardround/use_cases", "wardround/cli/visits", "expectations",
)  # fmt: skip
"""Where they are made."""
LEARNED_BY_NAME = {
    "wardround/evaluation/defaults.py": "proposes gates for a problem, by its name",
    "wardround/evaluation/statistics.py": "has the metrics of numbers and probabilities as matrix products",
    "wardround/evaluation/measure.py": "shares the bins of the calibration error",
}
"""Exceptions, each with what it knows."""


def knowledge(path: Path) -> list[str]:
    """Return where in a module a problem or a kind of content is known by name: compared, looked up, or imported."""
    told = []
    for node in ast.walk(ast.parse(path.read_text())):
        asked: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            asked = [node.left, *node.comparators]
        elif isinstance(node, ast.Dict):
            asked = [key for key in node.keys if key is not None]
        elif isinstance(node, ast.Subscript):
            asked = [node.slice]
        elif isinstance(node, ast.MatchValue):
            asked = [node.value]
        for each in asked:
            inner = each.elts if isinstance(each, ast.Tuple | ast.List | ast.Set) else [each]
            meant = NAMES if isinstance(node, ast.Compare | ast.MatchValue) else NAMES - EVERYDAY
            said = [one for one in inner if isinstance(one, ast.Constant) and one.value in meant]
            told += [f"{one.lineno}: {one.value}" for one in said]
        told += [f"{node.lineno}: imports {name}" for name in imported(node)]
    return told


def imported(node: ast.AST) -> list[str]:
    """Return the modules of one problem or one kind that *node* imports."""
    if isinstance(node, ast.ImportFrom) and node.module:
        found = [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    elif isinstance(node, ast.Import):
        found = [name.name for name in node.names]
    else:
        return []
    own = {f"wardround.{home}.{name}" for home in ("problems", "contents") for name in NAMES}
    return sorted({name for name in found if name in own})


def knowing(root: Path) -> dict[str, list[str]]:
    """Return every module outside `KNOWING` that knows a name, with what it knows."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith(KNOWING) and (told := knowledge(path)):
                found[name] = told
    return found


def test_no_flow_gate_registry_decision_or_page_knows_a_kind_of_data_or_question():
    found = {name: told for name, told in knowing(ROOT).items() if name.startswith(UNKNOWING)}
    assert {name: told for name, told in found.items() if name not in LEARNED_BY_NAME} == {}


def test_every_exception_is_still_one():
    assert set(LEARNED_BY_NAME) <= set(knowing(ROOT))


def test_no_page_asks_for_a_kind_of_data_or_question():
    pages = sorted((ROOT / "wardround" / "serving" / "desk" / "templates").glob("*.html"))
    assert pages
    told = [
        f"{page.name}: {name}"
        for page in pages
        for name in sorted(NAMES - EVERYDAY)
        if f'"{name}"' in page.read_text() or f"'{name}'" in page.read_text()
    ]
    assert told == []


@pytest.mark.parametrize("where", [*UNKNOWING])
@pytest.mark.parametrize(
    "line",
    [
        'if use_case.problem == "segmentation": pass',
        'if content.kind in ("image", "series"): pass',
        'LOSS = {"classification": "brier"}',
        "from wardround.contents import image",
        "from wardround.problems.tagging import TAGGING",
        "import wardround.contents.text",
        'match problem:\n    case "regression": pass',
    ],
)
def test_the_list_grows_when_a_module_learns_a_name(where, line, tmp_path):
    path = tmp_path / (where if where.endswith(".py") else f"{where}/fresh.py")
    path.parent.mkdir(parents=True)
    path.write_text(f"{line}\n")
    assert list(knowing(tmp_path)) == [path.relative_to(tmp_path).as_posix()]


def test_a_name_in_passing_is_no_knowledge(tmp_path):
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "fresh.py").write_text('"""A text."""\nfield = Field(description="the text", kind=kind)\n')
    assert knowing(tmp_path) == {}
