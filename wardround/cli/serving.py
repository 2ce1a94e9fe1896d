"""The command that serves the review desk and the prediction API."""

from typing import Annotated

import typer

from wardround.cli.output import say

PORT = 8600


def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = PORT,
    use_case: Annotated[
        list[str] | None,
        typer.Option("--use-case", "-u", help="Name or Python file; again for several. Without it: all shipped."),
    ] = None,
    desk: Annotated[bool, typer.Option("--desk/--no-desk", help="Serve the review desk.")] = True,
    api: Annotated[bool, typer.Option("--api/--no-api", help="Serve predictions, CDS Hooks and FHIR.")] = True,
    proxy: Annotated[
        str, typer.Option("--proxy", help="Address of the reverse proxy whose X-Forwarded-* headers count.")
    ] = "127.0.0.1",
) -> None:
    """Serve the review desk and the prediction API until Ctrl-C.

    Put a reverse proxy with TLS before it where others than this machine may reach it: passphrases go over the line.

    Example: `wardround serve --use-case heart_disease`
    """
    import contextlib
    import signal

    from wardround.cli.context import storage
    from wardround.errors import CallInvalid, ServiceFailed
    from wardround.processes import is_free

    if not desk and not api:
        raise CallInvalid("with --no-desk and --no-api nothing is left to serve")
    if host in ("127.0.0.1", "localhost") and not is_free(port):
        raise ServiceFailed("wardround serve", f"port {port} is taken", "Choose another one with --port")

    import uvicorn

    from wardround.serving.app import create
    from wardround.serving.heads import bounded

    with storage() as (settings, store):
        store.prepare()
        app = create(settings, use_cases=tuple(use_case or ()), desk=desk, api=api)
        address = settings.desk_url or f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
        say("\n".join(_lines(address, desk=desk, api=api)))
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # what was started here is stopped here
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn hands the signal on when it is done
            uvicorn.run(
                app, host=host, port=port, http=bounded(), log_level="warning", access_log=False, server_header=False,
                forwarded_allow_ips=proxy, timeout_graceful_shutdown=10,
            )  # fmt: skip


def _lines(address: str, *, desk: bool, api: bool) -> list[str]:
    lines = [f"review desk  {address}"] if desk else []
    lines += [f"predictions  {address}/v1/use-cases/<name>/predictions ({address}/openapi.json)"] if api else []
    return [*lines, "Ctrl-C stops it"]
