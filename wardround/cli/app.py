"""The commands and their help; each hands over to a module that imports what it needs."""

import errno
import sys
from typing import Annotated, NoReturn

import typer

from wardround import __version__
from wardround.cli import alerts, approve, data, demo, enhance, flows, models, people, services, serving
from wardround.cli.output import fail, json_wanted
from wardround.errors import CallInvalid, InputFault, ServiceFailed, WardroundError
from wardround.unexpected import withheld

WRONG_PATH = (errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS)

app = typer.Typer(
    name="wardround",
    help=(
        "Makes the rounds of a hospital's models: checks the data, trains, gates, promotes, scores, watches, "
        "decides, retrains, and says why.\n\n"
        "Exit codes: 0 done, 1 the pipeline said no, 2 wrong input or configuration, 3 something outside failed."
    ),
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
quarantine = typer.Typer(help="Rows that failed their checks: list, show, release, drop.", no_args_is_help=True)
registry = typer.Typer(help="Model versions: list, show, diff.", no_args_is_help=True)
tickets = typer.Typer(help="What people should know of: list, show, acknowledge, close.", no_args_is_help=True)
app.add_typer(quarantine, name="quarantine")
app.add_typer(registry, name="models")
duty = typer.Typer(help="The people on duty: add, list, role, disable, enable, passphrase.", no_args_is_help=True)
api_keys = typer.Typer(help="API keys of the systems that ask: add, list, revoke.", no_args_is_help=True)
app.add_typer(duty, name="people")
app.add_typer(api_keys, name="api-keys")
app.add_typer(tickets, name="tickets")

app.command("demo")(demo.demo)
app.command("up")(services.up)
app.command("down")(services.down)
app.command("serve")(serving.serve)
app.command("doctor")(services.doctor)
app.command("use-cases")(models.use_cases)
app.command("ingest")(flows.ingest)
app.command("train")(flows.train)
app.command("score")(flows.score)
app.command("monitor")(flows.monitor)
app.command("round")(flows.make_round)
app.command("retrain")(flows.retrain)
app.command("approve")(approve.approve)
app.command("promote")(models.promote)
app.command("rollback")(models.rollback)
app.command("label")(data.label)
app.command("report")(data.report)
app.command("verify")(data.verify)
app.command("enhance")(enhance.enhance)
app.command("tell")(alerts.tell)
quarantine.command("list")(data.quarantine_list)
quarantine.command("show")(data.quarantine_show)
quarantine.command("release")(data.quarantine_release)
quarantine.command("drop")(data.quarantine_drop)
registry.command("list")(models.models_list)
registry.command("show")(models.models_show)
registry.command("diff")(models.models_diff)
duty.command("add")(people.people_add)
duty.command("list")(people.people_list)
duty.command("role")(people.people_role)
duty.command("disable")(people.people_disable)
duty.command("enable")(people.people_enable)
duty.command("passphrase")(people.people_passphrase)
api_keys.command("add")(people.api_keys_add)
api_keys.command("list")(people.api_keys_list)
api_keys.command("revoke")(people.api_keys_revoke)
tickets.command("list")(alerts.tickets_list)
tickets.command("show")(alerts.tickets_show)
tickets.command("acknowledge")(alerts.tickets_acknowledge)
tickets.command("close")(alerts.tickets_close)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"wardround {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    pass


def main() -> NoReturn:
    """Run the command; what goes wrong becomes one sentence and its exit code, never a traceback."""
    try:
        code = app(standalone_mode=not json_wanted())  # else a wrong call would leave standard output empty
    except typer.TyperException as error:
        told = getattr(error, "format_message", error.__str__)
        fail(CallInvalid(told()))
    except WardroundError as error:
        fail(error)
    except OSError as error:
        if error.errno is None:
            raise
        fail(_of_this_machine(error))
    except Exception as error:
        shown = withheld(error)
        if isinstance(shown, WardroundError):
            fail(shown)
        raise
    raise SystemExit(code or 0)


def _of_this_machine(error: OSError) -> WardroundError:
    said = error.strerror or "input/output error"
    if error.errno in WRONG_PATH and error.filename:
        return InputFault(str(error.filename), said[0].lower() + said[1:], "Choose another path, or mend this one")
    return ServiceFailed("this machine", said, "Free space or fix the path")
