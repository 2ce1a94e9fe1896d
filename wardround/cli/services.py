"""Commands that bring the machine's services up and check them."""

import threading
from typing import Annotated

import typer

from wardround.cli.output import JsonOption, give, say, table


def up(
    workers: Annotated[int, typer.Option("--workers", min=1, max=16, help="Flow runs at the same time.")] = 2,
    stop_after: Annotated[float | None, typer.Option(hidden=True, help="Seconds, for tests.")] = None,
) -> None:
    """Start S3, the Prefect server, a worker and the review desk, deploy every flow, and stay until Ctrl-C.

    Nothing is lost by stopping: runs and schedules are in Prefect's database, everything else in S3.

    Example: `wardround up`
    """
    import contextlib
    import os
    import signal

    from wardround import people, services
    from wardround.local import EmbeddedS3, running
    from wardround.settings import Settings
    from wardround.store import Store

    stopped = threading.Event()
    up_and_running = threading.Event()

    def leave(*_: object) -> None:
        first = not stopped.is_set()
        stopped.set()
        if first and not up_and_running.is_set():  # do not wait for what is just coming up
            raise KeyboardInterrupt

    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, leave)
    settings = Settings()
    with contextlib.suppress(KeyboardInterrupt), services.Supervisor() as supervisor:
        if settings.embedded_s3 and not running(settings.home, bucket=settings.s3_bucket):
            say("starting S3 (durable)")
            supervisor.add(EmbeddedS3(settings.home, bucket=settings.s3_bucket))
        Store.from_settings(settings).prepare()
        say("starting the Prefect server")
        server = supervisor.add(services.PrefectServer(settings.home))
        desk = services.DeskServer(server.api_url, settings)
        os.environ.setdefault("WARDROUND_DESK_URL", desk.url)  # where messages and runs lead
        settings = Settings()
        say("deploying the flows")
        services.deploy(server.api_url, settings)
        supervisor.add(services.Worker(server.api_url, settings, limit=workers))
        say("starting the review desk")
        supervisor.add(desk)
        if not people.administered(Store.from_settings(settings)):
            say("nobody can sign in yet; add the first: `wardround people add NAME --full-name ... --role admin`")
        say(
            f"review desk {desk.url}\nPrefect UI  {server.ui_url}\nS3          {settings.s3_address()[0]}\n"
            "Ctrl-C stops all of it"
        )
        up_and_running.set()
        supervisor.watch(stopped, timeout=stop_after)
        say("stopping")


def down(json: JsonOption = False) -> None:
    """Stop the servers that `wardround demo --keep-running` left running.

    Example: `wardround down`
    """
    from wardround import local, services
    from wardround.settings import Settings

    ended = []
    for home in (Settings().home, Settings().home / "demo"):
        ended += list(services.stop_detached(home))
        ended += ["S3"] if local.shut_down(home) else []
    if json:
        give({"stopped": ended})
    else:
        say(f"stopped: {', '.join(ended)}" if ended else "nothing was running")


def doctor(json: JsonOption = False) -> None:
    """Check S3, Prefect, keys and folders, and say what to do about what is wrong.

    Example: `wardround doctor`
    """
    import os

    from wardround import services
    from wardround.errors import ServiceFailed, WardroundError
    from wardround.settings import Settings
    from wardround.store import Store

    settings = Settings()
    findings: list[tuple[str, bool, str]] = []
    codes: list[int] = []

    def check(name: str, act: object, good: str) -> None:
        try:
            assert callable(act)
            act()
            findings.append((name, True, good))
        except WardroundError as error:
            findings.append((name, False, str(error)))
            codes.append(error.exit_code)

    check("pseudonym key", lambda: settings.pseudonym_secret, "present")
    check("S3", lambda: Store.from_settings(settings).prepare(), "answers, and honours conditional writes")

    def prefect() -> None:
        url = os.environ.get("PREFECT_API_URL") or services.running(settings.home)
        if url is None:
            raise ServiceFailed("Prefect", "no server runs", "Start one with `wardround up`")
        services.require(url)

    check("Prefect", prefect, "answers")
    if settings.data is not None and not settings.data.is_dir():
        findings.append(("WARDROUND_DATA", False, f"{settings.data} is not a folder"))
        codes.append(WardroundError.exit_code)
    if json:
        give([{"what": what, "ok": ok, "finding": finding} for what, ok, finding in findings])
    else:
        table(
            "Doctor",
            ("what", "", "finding"),
            [(what, "ok" if ok else "NO", text) for what, ok, text in findings],
        )
    if codes:
        raise typer.Exit(min(codes))  # a wrong setting is to be mended before a service can be blamed
