"""Bring up what a command needs (S3, Prefect) for as long as it runs, unless it already runs."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

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
        if settings.embedded_s3 and not local.running(settings.home):
            say("starting the embedded S3 server for this command (`wardround up` keeps it running)")
            stack.enter_context(local.EmbeddedS3(settings.home))
        yield settings, Store.from_settings(settings)


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
        elif running := services.running(settings.home):
            os.environ["PREFECT_API_URL"] = running
        else:
            say("starting a Prefect server for this command (`wardround up` keeps it running)")
            server = stack.enter_context(services.PrefectServer(settings.home))
            os.environ["PREFECT_API_URL"] = server.api_url
        os.environ.update(services.quiet())
        yield settings, store
