"""Bring up what a command needs (S3, Prefect) for as long as it runs, unless it already runs."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wardround.cli.output import say
from wardround.settings import Settings
from wardround.store import Store


@contextmanager
def storage() -> Iterator[tuple[Settings, Store]]:
    """Give the settings and a store that answers; starts the embedded server when none runs.

    Raises:
        StoreFailed, SettingsInvalid, ServiceFailed: the store cannot be reached or started.
    """
    from wardround import local

    settings = Settings()
    with ExitStack() as stack:
        if settings.embedded_s3 and not local.running(settings.home, bucket=settings.s3_bucket):
            say("starting the embedded S3 server for this command (`wardround up` keeps it running)")
            stack.enter_context(local.EmbeddedS3(settings.home, bucket=settings.s3_bucket))
        store = Store.from_settings(settings)
        store.probe()
        yield settings, store


@contextmanager
def orchestration() -> Iterator[tuple[Settings, Store]]:
    """Give settings and store with a Prefect API to run flows against, started here when none is configured.

    Raises:
        ServiceFailed: ``PREFECT_API_URL`` is set and does not answer, or the server could not be started.
    """
    from wardround import services

    with storage() as (settings, store), ExitStack() as stack:
        configured = os.environ.get("PREFECT_API_URL")
        if configured:
            services.require(configured)
            api_url = configured
        elif running := services.running(settings.home):
            api_url = running
        else:
            say("starting a Prefect server for this command (`wardround up` keeps it running)")
            api_url = stack.enter_context(services.PrefectServer(settings.home)).api_url
        with prefect_client(api_url, settings):
            yield settings, store


@contextmanager
def prefect_client(api_url: str, settings: Settings) -> Iterator[None]:
    """Run flows in this process against *api_url*: telemetry off, the tasks' own progress on the terminal.

    What is still to be sent is sent before it ends; a client that outlives its server waits a minute for it.
    """
    from wardround import services

    mine = services.environment(settings, api_url=api_url)
    os.environ.update({key: value for key, value in mine.items() if key.startswith(("PREFECT_", "GX_"))})
    os.environ.update(services.quiet())
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
    import prefect.main  # noqa: F401  # it replaces all log handlers when it is first imported

    progress = _Progress()
    logging.getLogger("prefect.task_runs").addHandler(progress)
    try:
        yield
    finally:
        logging.getLogger("prefect.task_runs").removeHandler(progress)
        if "prefect" in sys.modules:
            from prefect.events.worker import EventsWorker
            from prefect.logging.handlers import APILogWorker

            EventsWorker.drain_all()
            APILogWorker.drain_all()


class _Progress(logging.Handler):
    """Prints what our tasks say about their progress, and nothing of the engine's own log."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.INFO and Path(record.pathname).parent.name == "tasks":
            say(f"   {record.getMessage()}")
