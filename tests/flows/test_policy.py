"""When a task is tried again, and what it may say."""

import logging

import pytest
from prefect import flow

from tasks.data import labelled_batches
from tasks.naming import run_name
from tasks.policy import DELAYS, effect, world
from wardround.errors import BatchRefused, InputFault, NotTrainable, ServiceFailed, SettingsInvalid, StoreFailed
from wardround.unexpected import UnexpectedError

FAILURE = StoreFailed("http://127.0.0.1:1", "no answer", "Start it")


def attempts_of(error: Exception, *, succeed_at: int | None = None) -> tuple[int, Exception | None]:
    """Run a task that raises *error* until its attempt *succeed_at*; return how often it ran and what came out."""
    ran = 0

    @effect("try")
    def attempt() -> int:
        nonlocal ran
        ran += 1
        if ran == succeed_at:
            return ran
        raise error

    @flow(name="attempts", persist_result=False)
    def attempts() -> int:
        return attempt.with_options(retry_delay_seconds=0)()

    try:
        attempts()
    except Exception as raised:
        return ran, raised
    return ran, None


def test_what_failed_outside_is_tried_again_until_it_works(prefect):
    assert attempts_of(FAILURE, succeed_at=3) == (3, None)


def test_what_keeps_failing_outside_ends_as_what_it_is(prefect):
    ran, raised = attempts_of(FAILURE)
    assert ran == 1 + len(DELAYS)
    assert isinstance(raised, StoreFailed)


@pytest.mark.parametrize(
    "error", [BatchRefused("march", "0" * 64, ("no rows",)), InputFault("a.csv", "2 columns missing", "Add them")]
)
def test_a_refusal_and_a_wrong_input_are_not_tried_again(error, prefect):
    ran, raised = attempts_of(error)
    assert ran == 1
    assert raised is error


def test_delays_grow_are_spread_and_outlast_a_store_that_is_down_for_a_minute():
    @effect("try")
    def attempt() -> None: ...

    assert attempt.retry_delay_seconds == sorted(DELAYS)
    assert attempt.retry_jitter_factor == 0.5
    assert sum(DELAYS) > 2 * 60, "with jitter, and with what the attempts before it have cost"


def test_an_embedded_server_that_was_stopped_is_waited_for_and_one_that_never_was_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv("WARDROUND_HOME", str(tmp_path))
    monkeypatch.delenv("WARDROUND_S3_ENDPOINT_URL", raising=False)
    with pytest.raises(SettingsInvalid):
        world()
    (tmp_path / "s3").mkdir()
    with pytest.raises(ServiceFailed, match="embedded S3 server"):
        world()


def test_a_foreign_exception_keeps_its_words_to_itself(prefect, caplog):
    with caplog.at_level(logging.DEBUG):
        ran, raised = attempts_of(ValueError("could not convert string to float: 'Mary Smith'"))
    assert ran == 1
    assert isinstance(raised, UnexpectedError)
    assert raised.kind == "ValueError"
    assert "Mary Smith" not in str(raised) + caplog.text


def test_a_refusal_is_logged_as_a_sentence_without_a_traceback(prefect, caplog):
    with caplog.at_level(logging.DEBUG):
        attempts_of(InputFault("a.csv", "2 columns missing", "Add them"))
    assert "a.csv: 2 columns missing. Add them" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"use_case": "heart_disease", "label": "hungary"}, "round of heart_disease: hungary"),
        ({"use_case": "a/b/mine.py", "batch": "f" * 64}, "round of mine: ffffffffffff"),
        ({"use_case": "thyroid", "source": "/ward/inbox/march.csv"}, "round of thyroid: march.csv"),
        ({"use_case": "thyroid", "source": "postgresql://me:secret@host/ward#visits"}, "round of thyroid: ward#visits"),
        ({"use_case": "thyroid", "source": "mssql://host/ward?user=me&password=s#v"}, "round of thyroid: ward#v"),
        ({"use_case": "thyroid", "source": "postgresql://me:secret@host"}, "round of thyroid: host"),
        ({"use_case": "thyroid"}, "round of thyroid"),
    ],
)
def test_runs_have_names_a_person_can_read_and_no_secret(given, name, monkeypatch):
    monkeypatch.setattr("tasks.naming.runtime.flow_run", type("Run", (), {"parameters": given}), raising=False)
    assert run_name("round of", "label", "batch", "source")() == name


@pytest.mark.parametrize(("use_case", "rows"), [("patient_clusters", ""), ("heart_disease", " with outcomes")])
def test_outcomes_are_asked_for_only_where_the_problem_has_some(use_case, rows, store, settings, monkeypatch):
    monkeypatch.setattr("tasks.data.world", lambda: (settings, store))
    with pytest.raises(NotTrainable, match=rf"there is no accepted batch{rows}\. Ingest rows{rows} first"):
        labelled_batches.fn(use_case, None)
