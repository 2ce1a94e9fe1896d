"""What every task has in common: when it is tried again, what it may say, and where it finds its world.

A task is tried again, for three minutes, only when something outside failed (S3, Prefect, the disk). A refusal or a
wrong input stays what it is however often one asks. What is raised or logged never holds a value of a patient row.
"""

import functools
import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from tasks.naming import task_name
from wardround.errors import OutsideFailed, ServiceFailed, SettingsInvalid, WardroundError
from wardround.settings import Settings
from wardround.store import Store
from wardround.unexpected import withheld

P = ParamSpec("P")
R = TypeVar("R")
DELAYS = (1, 2, 4, 8, 15, 30, 30, 30, 30, 30)
"""Seconds before each further attempt: a store that is down for a minute, or is moved, holds no round up for good."""


def world() -> tuple[Settings, Store]:
    """Return the settings and the store, built where they are used so that no live client travels.

    Raises:
        ServiceFailed: the embedded S3 server of this machine is down just now.
    """
    settings = Settings()
    try:
        return settings, Store.from_settings(settings)
    except SettingsInvalid as fault:
        if not settings.embedded_s3 or not (settings.home / "s3").is_dir():
            raise
        raise ServiceFailed("the embedded S3 server", fault.fault, "Start it with `wardround up`") from None


def say(sentence: str) -> None:
    """Tell the run's log how far the work is; sentences of the library hold counts and names only."""
    get_run_logger().info(sentence)


def is_worth_retrying(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether the failure in *state* came from outside, so that trying again may help."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, OutsideFailed)


def effect(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function one retryable, observable effect on the world; *name* is the run's name, a template.

    Results are not cached (a cached write is a write that does not happen) and not persisted.
    """

    def wrap(function: Callable[P, R]) -> Task[P, R]:
        return task(
            _guarded(function),
            task_run_name=task_name(name),
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=len(DELAYS),
            retry_delay_seconds=list(DELAYS),
            retry_jitter_factor=0.5,
            retry_condition_fn=is_worth_retrying,
        )

    return wrap


def _guarded(function: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except WardroundError:
            raise
        except Exception as error:
            shown = withheld(error)
            if shown is error:
                raise
            raise shown from None

    return call


class _OneSentence(logging.Filter):
    """A refusal is an answer, not a crash: it is logged as its sentence, without a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, WardroundError):
            record.msg, record.args = str(error), ()
            record.exc_info = record.exc_text = None
        return True


for _logger in ("prefect.task_runs", "prefect.flow_runs"):
    logging.getLogger(_logger).addFilter(_OneSentence())
