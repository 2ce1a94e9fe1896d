"""The tutorial's own files and commands, in their order, as a newcomer types them."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "tutorial" / "your-own-table.md"
FENCE = re.compile(r"(?P<before>(?:[^\n]+\n)*)\n```(?P<kind>python|console)\n(?P<text>.*?)```", re.S)


def steps() -> Iterator[tuple[str, str]]:
    for found in FENCE.finditer(PAGE.read_text()):
        if found["kind"] == "console":
            yield from (("command", line[2:]) for line in found["text"].splitlines() if line.startswith("$ "))
        else:
            name = re.search(r"[Ww]rite `([\w.]+)`", found["before"])
            assert name, f"the page does not name the file of this block: {found['text'][:60]!r}"
            yield name[1], found["text"]


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WARDROUND_", "PREFECT_"))}
    scripts = str(Path(sys.executable).parent)
    return {**kept, "WARDROUND_HOME": str(home), "PATH": f"{scripts}{os.pathsep}{kept['PATH']}", "OMP_NUM_THREADS": "1"}


def test_the_page_names_every_file_and_shows_every_command() -> None:
    kinds = [kind for kind, _ in steps()]
    assert kinds.count("command") >= 10
    assert {"make_tables.py", "breast_lump.py"} <= set(kinds)


def test_the_tutorials_use_case_is_sound(tmp_path: Path) -> None:
    from wardround.use_cases import load

    text = dict(step for step in steps() if step[0] != "command")["breast_lump.py"]
    (tmp_path / "breast_lump.py").write_text(text)
    assert load(str(tmp_path / "breast_lump.py")).name == "breast_lump"


@pytest.mark.slow
def test_the_tutorial_leads_from_a_table_to_a_monitored_model(tmp_path: Path) -> None:
    variables = environment(tmp_path / "home")
    servers: list[subprocess.Popen[bytes]] = []
    said: dict[str, str] = {}
    try:
        for kind, text in steps():
            if kind != "command":
                (tmp_path / kind).write_text(text)
                continue
            command, _, comment = text.partition("  # ")
            if "second terminal" in comment:
                with (tmp_path / "up.log").open("wb") as log:
                    servers.append(
                        subprocess.Popen(
                            shlex.split(command), cwd=tmp_path, env=variables, stdout=log, stderr=subprocess.STDOUT
                        )
                    )
                _wait_for(tmp_path / "up.log", servers[0])
                continue
            done = subprocess.run(
                shlex.split(command),
                cwd=tmp_path,
                env=variables,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            allowed = (0, 1) if "exit code 1" in comment else (0,)
            assert done.returncode in allowed, f"{command}\n{done.stdout}\n{done.stderr}"
            assert "Traceback" not in done.stdout + done.stderr, f"{command}\n{done.stderr}"
            said[command.split(" --use-case")[0]] = done.stdout + done.stderr
    finally:
        for server in servers:
            server.terminate()
            server.wait(timeout=60)
    assert "quarantine" in said["wardround round march.csv"]
    assert (tmp_path / "february.html").stat().st_size > 1_000_000


def _wait_for(log: Path, server: "subprocess.Popen[bytes]", seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        if "Ctrl-C" in log.read_text():
            return
        time.sleep(0.5)
    raise AssertionError(f"`wardround up` did not come up:\n{log.read_text()}")
