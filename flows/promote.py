"""Promote: a version that passed waits for the persons who have to approve it, and becomes champion when they have."""

from prefect import flow
from prefect.flow_runs import suspend_flow_run

from tasks.failing import tell_failure
from tasks.logbook import show_promotion
from tasks.naming import CauseText, UseCaseName, VersionName, run_name
from tasks.promoting import about_to_wait, ask_people, may_be_resumed, settle_version, waits_already, wake_the_others
from tasks.results import Settled


@flow(
    name="promote", flow_run_name=run_name("promotion in", "version"), persist_result=False, on_failure=[tell_failure]
)
def promote(use_case: UseCaseName, version: VersionName, cause: CauseText = "a person asked for it") -> Settled:
    """Promote a version if the gate, the use case and the approvals allow it; else say who is waited for, and wait.

    Started by the event wardround.approval.requested, by the review desk, or by a person. While it waits it is
    suspended: no process runs, and server and worker may be restarted. Resumed, by whomever, it looks again from the
    start: without a valid approval it says why and waits on, a rejection ends it, an approval promotes.

    Args:
        use_case: name of a shipped use case, or the path of a Python file on the worker's machine
        version: the model version that asks to be champion, or the beginning of it
        cause: why; it is kept in the ledger with the promotion
    """
    settled = settle_version(use_case, version, cause)
    show_promotion(use_case, settled)
    if settled.outcome != "waits":
        wake_the_others(settled)
        return settled
    ask_people(use_case, settled)
    if may_be_resumed() and not waits_already(settled):
        suspend_flow_run(timeout=None, key=about_to_wait())
    return settled
