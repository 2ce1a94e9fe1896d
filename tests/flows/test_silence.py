"""Nothing calls home, also where no CI variable silences it; and the watch would have noticed."""

import os
import time

import pytest

from wardround import services

GREAT_EXPECTATIONS = """
import great_expectations as gx, pandas as pd
context = gx.get_context(mode="ephemeral")
batch = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
suite = gx.ExpectationSuite("s", [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}}])
assert batch.get_batch({"dataframe": pd.DataFrame({"a": [1.0]})}).validate(suite).success
"""

EVIDENTLY = """
import pandas as pd
from evidently import Dataset, DataDefinition, Report
from evidently.metrics import ValueDrift
from evidently.telemetry import event_logger
frame = Dataset.from_pandas(pd.DataFrame({"a": [float(i) for i in range(60)]}), DataDefinition(numerical_columns=["a"]))
Report([ValueDrift(column="a")]).run(frame, frame)
event_logger.send_event("test", "test", use_daemon=False)  # what its service does on every start
"""

PREFECT_CLIENT = """
import time
from prefect import flow
from prefect._internal.analytics import emit, service
@flow
def visit():
    return 1
assert visit() == 1
emit.emit_sdk_event("first_flow_defined")
service.AnalyticsService.instance().wait_for_analytics_check(5)
time.sleep(1)
"""


@pytest.mark.parametrize("code", [GREAT_EXPECTATIONS, EVIDENTLY], ids=["great expectations", "evidently"])
def test_a_library_calls_nobody(code, watched, tmp_path):
    watched.run(code, watched.bare(tmp_path) | services.quiet())
    assert watched.attempts == []


def test_prefects_server_and_client_call_nobody(prefect_session, tmp_path):
    watched = prefect_session.watched
    environment = watched.bare(tmp_path) | services.quiet() | {"PREFECT_API_URL": prefect_session.api_url}
    watched.run(PREFECT_CLIENT, environment)
    time.sleep(2)  # the first heartbeat is sent within a second of the start
    assert watched.attempts == []


def test_the_watch_notices_prefect_when_its_telemetry_is_on(migrated_home, watched, tmp_path, monkeypatch):
    for name in set(os.environ) - set(watched.bare(tmp_path)):
        monkeypatch.delenv(name)
    for name, value in watched.bare(tmp_path).items():
        monkeypatch.setenv(name, value)
    loud = {"PREFECT_SERVER_ANALYTICS_ENABLED": "true"}
    monkeypatch.setattr("wardround.services.server.quiet", lambda: loud)
    for _ in range(3):  # a busy machine's server may skip its first heartbeat, and the next is ten minutes off
        with services.PrefectServer(migrated_home, port=services.free_port()) as server:
            watched.run(PREFECT_CLIENT, watched.bare(tmp_path) | {"PREFECT_API_URL": server.api_url})
            until = time.monotonic() + 45
            while len({line.split()[0] for line in watched.attempts}) < 2 and time.monotonic() < until:
                time.sleep(0.2)
        if len({line.split()[0] for line in watched.attempts}) == 2:
            break
    senders = {line.split()[0] for line in watched.attempts}
    assert senders == {"__main__.py", "-c"}, "the server's heartbeat and the client's milestones: both must be noticed"


def test_the_watch_notices_evidently_when_its_telemetry_is_on(watched, tmp_path):
    watched.run(EVIDENTLY, watched.bare(tmp_path))
    assert watched.attempts, "telemetry was on and nobody noticed it"


def test_the_environment_of_children_is_quiet_whatever_ours_says(settings, monkeypatch):
    for name in services.quiet():
        monkeypatch.setenv(name, "loud")
    child = services.environment(settings)
    assert {name: child[name] for name in services.quiet()} == services.quiet()
