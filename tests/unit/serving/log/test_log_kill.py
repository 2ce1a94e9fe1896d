"""Servers that are killed in the middle of a write or a shipment: every acknowledged answer is found exactly once."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from wardround.serving.log import PredictionLog
from wardround.sources.shipped import prefix


@pytest.mark.parametrize("servers", [6, pytest.param(20, marks=pytest.mark.slow)])
def test_servers_killed_at_any_moment_lose_no_acknowledged_answer_and_ship_none_twice(
    servers, store, settings, settings_environment
):
    script = Path(__file__).with_name("killed_servers.py")
    done = subprocess.run(
        [sys.executable, str(script), str(servers), "7"], env={**os.environ, **settings_environment, "USER": "tester"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    acknowledged = done.stdout.split()
    shipped_before = sum(key.endswith(".json") for key in store.keys(prefix("heart_disease")))
    PredictionLog(settings, store).ship()
    tables = [key for key in store.keys(prefix("heart_disease")) if key.endswith(".parquet")]
    held = [name for key in tables for name in pq.read_table(io.BytesIO(store.get(key)))["request"].to_pylist()]
    assert len(acknowledged) > 5 * servers
    assert shipped_before > servers, "nothing was shipped while they ran, so the kills prove little"
    assert len(held) == len(set(held))
    assert set(acknowledged) <= set(held)
    assert len(held) - len(acknowledged) <= 5 * servers, "only what was just being written is more than acknowledged"
    assert list((settings.home / "serving").iterdir()) == []
