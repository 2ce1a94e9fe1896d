"""What nobody should have to look for: a missing part before the work begins, a warning about what was delivered."""

import subprocess
import sys
import tomllib
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from expectations import suite_for
from wardround.cli import flows, main
from wardround.domain import utc_now
from wardround.ingest import ingest
from wardround.use_cases import load

REPOSITORY = Path(__file__).resolve().parents[2]
WITHOUT_TORCH = """
import importlib.abc, sys

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
sys.argv = ["wardround", "demo", "--use-case", "chest_xray"]
from wardround.cli import main
main()
"""


def test_a_demo_says_which_part_it_lacks_before_it_starts_anything():
    done = subprocess.run((sys.executable, "-c", WITHOUT_TORCH), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "wardround: the family cnn needs torch, which is not installed: run `pip install 'wardround[deep]'`\n"
    )


def test_ingest_prints_what_reading_found_about_the_delivery(store, settings, tmp_path, monkeypatch, capsys):
    pytest.importorskip("skimage")
    use_case = replace(load("chest_xray"), source=replace(load("chest_xray").source, options={"labels": "labels.csv"}))
    folder = tmp_path / "pictures"
    folder.mkdir()
    shades = np.random.default_rng(7).integers(40, 200, (6, 28, 28)).astype(np.uint8)
    for number, picture in enumerate(shades):
        np.save(folder / f"{number}.npy", picture)
    (folder / "labels.csv").write_text("file,pneumonia\n" + "".join(f"{number}.npy,0\n" for number in range(4)))

    @contextmanager
    def here():
        yield settings, store

    def delivered(**_):
        done = ingest(
            use_case, replace(use_case.source, location=str(folder)), suite_for(use_case), label="march",
            store=store, settings=settings, now=utc_now(),
        )  # fmt: skip
        return SimpleNamespace(batch=done.batch.id, new=done.new)

    monkeypatch.setattr(flows, "orchestration", here)
    monkeypatch.setattr(flows, "flow", lambda _: delivered)
    flows.ingest(use_case="chest_xray", source=f"images:{folder}", label="march")
    assert "  - some pictures are in no row of the table of labels\n" in capsys.readouterr().out


def test_a_folder_that_is_a_file_is_the_callers_mistake(tmp_path, monkeypatch, capsys):
    np.save(tmp_path / "picture.npy", np.eye(28))
    monkeypatch.setattr(sys, "argv", ["wardround", "enhance", str(tmp_path), str(tmp_path / "picture.npy")])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert "picture.npy: file exists. Choose another path" in capsys.readouterr().err


def test_the_wheel_carries_every_folder_that_a_command_reads():
    backend = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["uv"]["build-backend"]
    assert {"wardround", "flows", "tasks", "expectations", "deployments"} <= set(backend["module-name"])
