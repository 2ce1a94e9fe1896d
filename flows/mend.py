"""Mend: a run whose process died is put into the queue again."""

from prefect import flow

from tasks.failing import tell_failure
from tasks.logbook import show_mending
from tasks.mending import make_again
from tasks.naming import RunName


@flow(name="mend", flow_run_name="look after a run that died", persist_result=False, on_failure=[tell_failure])
def mend(run: RunName) -> str:
    """Put a run whose process died into the queue again, unless that happened meanwhile, or it died too often.

    Started by Prefect's event that a run crashed. Every step of a run finds what was done before it, so that nothing
    is done and nobody is told twice.

    Args:
        run: id of the flow run that crashed, with or without prefect.flow-run. before it
    """
    said = make_again(run)
    show_mending(said)
    return said
