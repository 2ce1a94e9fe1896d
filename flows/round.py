"""Round: the scheduled visit, from the rows that came in to one decision with a cause."""

from prefect import flow

from tasks.alerting import notice_decision
from tasks.data import find_batch, ingest_source
from tasks.failing import tell_failure
from tasks.naming import BatchIfAny, LabelIfAny, MomentIfAny, SourceIfAny, UseCaseName, run_name
from tasks.promoting import resume_promotions
from tasks.results import Visited
from tasks.telling import send_retrain_event, show_decision, show_pictures, show_report
from tasks.watching import monitor_batch, pending_decisions, require_champion, score_batch


@flow(
    name="round",
    flow_run_name=run_name("round of", "label", "batch", "source"),
    persist_result=False,
    on_failure=[tell_failure],
)
def round(
    use_case: UseCaseName,
    source: SourceIfAny = "",
    label: LabelIfAny = "",
    batch: BatchIfAny = "",
    as_of: MomentIfAny = None,
) -> Visited:
    """Make the visit: act on what is pending, ingest, score, monitor, decide, and say so.

    Where the decision is to retrain, the event wardround.decision.retrain starts the retrain deployment. An event
    that was lost is sent again by the next round.

    Requires a champion.

    Args:
        use_case: name of a shipped use case, or the path of a Python file on the worker's machine
        source: file, database URL (sqlite:///ward.db#visits) or s3:// prefix; empty: the use case's own
        label: name of the new batch in lower-case letters, digits and hyphens; empty: from the source and the day
        batch: visit this batch, which was ingested before, instead of reading a source
        as_of: the moment the visit stands for; empty: now
    """
    require_champion(use_case)
    for decided in pending_decisions(use_case):
        send_retrain_event(use_case, decided)
    resume_promotions(use_case)
    delivered = find_batch(use_case, batch) if batch else ingest_source(use_case, source or None, label or None)
    if not delivered.refused:
        score_batch(use_case, delivered.batch)
    visited = monitor_batch(use_case, delivered.batch, as_of)
    if visited.retraining_due:
        send_retrain_event(use_case, visited)
    notice_decision(visited)
    show_report(use_case, visited)
    show_pictures(use_case, visited)
    show_decision(use_case, visited)
    return visited
