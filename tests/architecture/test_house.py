"""The house: layers, light commands, short modules, one file for a new use case."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("wardround", "flows", "tasks", "expectations")
HEAVY = ("pandas", "sklearn", "prefect", "great_expectations", "evidently", "matplotlib", "pyarrow", "scipy")
LONGER_FOR_A_REASON = {
    "wardround/domain.py": "the nouns are read together, and two files of nouns would import each other"
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(tool), "--no-cache"], cwd=folder, env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_layers_hold():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("wardround/registry/pointer.py", "import prefect"),
        ("wardround/registry/pointer.py", "import boto3"),
        ("wardround/scoring.py", "import flows.train"),
        ("tasks/training.py", "import flows.train"),
        ("expectations/thyroid.py", "import tasks.training"),
        ("flows/train.py", "import pandas"),
    ],
)
def test_the_layer_check_fails_when_a_wall_is_broken(module, line, tmp_path):
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    broken = tmp_path / module
    broken.write_text(broken.read_text() + f"\n{line}\n")
    result = lint(tmp_path)
    assert result.returncode == 1, result.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["models", "list", "--help"], ["use-cases"]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys, atexit\n"
        f"heavy = {HEAVY!r}\n"
        "def tell(): print('HEAVY', sorted(set(heavy) & set(sys.modules)))\n"
        "atexit.register(tell)\n"
        f"sys.argv = ['wardround', *{arguments!r}]\n"
        "from wardround.cli import main\n"
        "main()\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "HEAVY []" in result.stdout


@pytest.mark.parametrize(
    "path", [p for package in PACKAGES for p in sorted((ROOT / package).rglob("*.py"))], ids=lambda p: p.name
)
def test_no_module_is_over_300_lines_without_a_reason(path):
    lines = len(path.read_text().splitlines())
    allowed = 400 if str(path.relative_to(ROOT)) in LONGER_FOR_A_REASON else 300
    assert lines <= allowed, f"{path.name} has {lines} lines"


def test_no_flow_gate_or_decision_knows_a_use_case_by_name():
    names = {path.stem for path in (ROOT / "wardround" / "use_cases").glob("*.py")} - {"__init__", "base"}
    knowing = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in ("wardround", "flows", "tasks")
        for path in (ROOT / package).rglob("*.py")
        if "use_cases" not in path.parts and "cli" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names
    ]
    assert knowing == []


def test_the_wheel_packages_stand_side_by_side():
    import expectations
    import flows
    import tasks
    import wardround

    homes = {Path(str(package.__file__)).parents[1] for package in (wardround, flows, tasks, expectations)}
    assert len(homes) == 1


def test_the_generated_reference_pages_are_current():
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "reference" / "generate.py"), "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_every_page_the_readme_and_the_docs_link_to_exists():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)} -> {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text())
        if not link.startswith(("http", "mailto:")) and not (page.parent / link).exists()
    ]
    assert broken == []


def test_no_registry_host_is_pinned_and_no_lock_file_is_kept():
    text = (ROOT / "constraints.txt").read_text()
    assert "://" not in text
    assert not list(ROOT.glob("*.lock"))
