"""Monitor: a batch is read against the champion's reference profile, and a decision is written."""

from prefect import flow

from tasks.alerting import notice_decision
from tasks.failing import tell_failure
from tasks.naming import BatchName, MomentIfAny, UseCaseName, run_name
from tasks.results import Visited
from tasks.telling import show_decision, show_pictures, show_report
from tasks.watching import monitor_batch, require_champion


@flow(name="monitor", flow_run_name=run_name("monitor", "batch"), persist_result=False, on_failure=[tell_failure])
def monitor(use_case: UseCaseName, batch: BatchName, as_of: MomentIfAny = None) -> Visited:
    """Read a batch against the champion's reference profile and decide; no retraining is started from here.

    Requires a champion. The next round acts on what was decided.

    Args:
        use_case: name of a shipped use case, or the path of a Python file on the worker's machine
        batch: label or id of the batch
        as_of: the moment the visit stands for; empty: now
    """
    require_champion(use_case)
    visited = monitor_batch(use_case, batch, as_of)
    notice_decision(visited)
    show_report(use_case, visited)
    show_pictures(use_case, visited)
    show_decision(use_case, visited)
    return visited
