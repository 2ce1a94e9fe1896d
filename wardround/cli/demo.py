"""The main job of a use case, from a file to an event-triggered retraining; by default that of four hospitals."""

import importlib
import pkgutil
import secrets
import time
from datetime import datetime
from typing import Annotated, Any

import typer

from wardround.cli.context import prefect_client
from wardround.cli.output import JsonOption, give, say, table
from wardround.cli.story import Story, number
from wardround.errors import CallInvalid

MAIN = "heart_disease"


def demo(
    keep_running: Annotated[
        bool, typer.Option("--keep-running", help="Leave S3, Prefect and a worker up, with the review desk beside.")
    ] = False,
    use_case: Annotated[
        str, typer.Option("--use-case", "-u", help="A shipped use case; most need data of yours (WARDROUND_DATA).")
    ] = MAIN,
    json: JsonOption = False,
) -> None:
    """Run everything once on real data: a first champion, a clean batch, a planted fault, a shift and the retraining
    that an event starts. By default four hospitals' heart patients, with outcomes that come late and a rollback.

    Each run keeps its objects under a key prefix of its own.

    Example: `wardround demo --keep-running`

    Example: `WARDROUND_DATA=/srv/data wardround demo --use-case chest_xray`
    """
    from wardround import services
    from wardround.local import EmbeddedS3
    from wardround.settings import Settings
    from wardround.store import Store

    started = time.monotonic()
    deliver = _deliveries(use_case)
    _nothing_lacks(use_case)
    import os

    os.environ["WARDROUND_S3_PREFIX"] = f"demo-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}/"
    os.environ["WARDROUND_HOME"] = str(Settings().home.resolve() / "demo")  # its worker must not meet `up`'s
    settings = Settings()
    with services.Supervisor(detached=keep_running) as supervisor:
        say("1  starting S3 and Prefect on this machine")
        if settings.embedded_s3:
            supervisor.add(EmbeddedS3(settings.home, bucket=settings.s3_bucket))
        store = Store.from_settings(settings)
        store.prepare()
        server = supervisor.add(services.PrefectServer(settings.home))
        desk = services.DeskServer(server.api_url, settings, use_cases=(use_case,)) if keep_running else None
        if desk is not None:
            os.environ["WARDROUND_DESK_URL"] = desk.url  # where the runs' stories lead
            settings = Settings()
        ready = services.deploy_in_background(server.api_url, settings, supervisor)
        say(f"   Prefect UI {server.ui_url}")
        story = Story(use_case=use_case, deliver=deliver, store=store, settings=settings, ready=ready)
        with prefect_client(server.api_url, settings):
            document = story.tell()
        document["addresses"] = {
            "prefect": server.ui_url,
            "s3": store.endpoint_url,
            "bucket": store.bucket,
            "prefix": store.prefix,
            "home": str(settings.home),
            "reports": str(story.reports),
        }
        _summary(document, story.metric, time.monotonic() - started, keep_running)
        if desk is not None:
            _open_desk(supervisor.add(desk), store, settings.actor)
    if json:
        give(document)


def _deliveries(use_case: str) -> Any:
    """Return the function that makes the files which arrive in the demo of *use_case*."""
    home = f"wardround.cli.visits.{use_case}"
    try:
        return importlib.import_module(home).deliver
    except ModuleNotFoundError as error:
        if error.name != home:
            raise
        from wardround.cli import visits

        known = sorted(module.name for module in pkgutil.iter_modules(visits.__path__) if module.name != "base")
        raise CallInvalid(f"--use-case: there is no demo of {use_case!r}; choose one of {', '.join(known)}") from None


def _nothing_lacks(use_case: str) -> None:
    """Find out before minutes of work whether a candidate of *use_case* needs a part that is not installed.

    Raises:
        ExtraMissing: one does.
    """
    from wardround import models, use_cases

    chosen = use_cases.load(use_case)
    for candidate in chosen.candidates:
        models.learner(candidate.family, chosen)


def _open_desk(desk: Any, store: Any, actor: str) -> None:
    from wardround.cli.guests import invite
    from wardround.domain import utc_now

    guests = invite(store, by=actor, now=utc_now())
    table(f"Review desk {desk.url}: sign in as", ("name", "role", "passphrase"), guests)


def _summary(document: dict[str, Any], metric: str, seconds: float, keep_running: bool) -> None:
    from wardround.domain import Action
    from wardround.monitoring.wording import metric_name

    name = metric_name(metric)
    table(
        "What the rounds decided",
        ("batch", "rows", "quarantined", "drifted columns", f"{name} estimated", f"{name} realised", "decision",
         "cause", "champion", "seconds"),
        [
            (
                entry["batch"], entry["rows"], entry["quarantined"], ", ".join(entry["drifted"]) or "-",
                number(entry["estimated"].get(metric)), number((entry["realised"] or {}).get(metric)),
                entry["decision"], entry["cause"],
                f"{(entry['champion_before'] or 'none')[:6]} -> {(entry['champion_after'] or 'none')[:6]}",
                entry["seconds"],
            )
            for entry in document["rounds"]
        ],
    )  # fmt: skip
    addresses = document["addresses"]
    started = sum(entry["decision"] == Action.RETRAIN for entry in document["rounds"])
    say(f"\n{len(document['rounds'])} batches, {started} retraining decision(s), {seconds:.0f} s of work")
    say(f"reports     {addresses['reports']}")
    if keep_running:
        say(f"Prefect UI  {addresses['prefect']}\nS3          {addresses['s3']}")
        say("stop them   wardround down")
    say(f"look further, for example with `wardround models show champion --use-case {document['use_case']}`, after")
    say(f"  export WARDROUND_HOME={addresses['home']} WARDROUND_S3_PREFIX={addresses['prefix']}")
