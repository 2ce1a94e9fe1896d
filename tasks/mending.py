"""Runs whose process died are put into the queue again."""

from prefect.settings import PREFECT_API_URL

from tasks.policy import effect, say


@effect("put {run} into the queue again")
def make_again(run: str) -> str:
    """Put the run into the queue again if it still is crashed; return in a sentence what was done."""
    from wardround.services import crashed
    from wardround.services.api import call

    api_url, run_id = str(PREFECT_API_URL.value()), run.removeprefix("prefect.flow-run.")
    name = call(f"{api_url}/flow_runs/{run_id}")["name"]
    if crashed.make_again(api_url, run_id):
        said = f"the run {name!r} died and is made again"
    else:
        said = f"the run {name!r} is left as it is: it goes on already, or it died {crashed.MOST_ATTEMPTS} times"
    say(said)
    return said
