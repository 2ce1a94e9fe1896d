"""Score: the champion's predictions for a batch."""

from prefect import flow

from tasks.failing import tell_failure
from tasks.logbook import show_scores
from tasks.naming import BatchName, UseCaseName, run_name
from tasks.results import Scored
from tasks.watching import require_champion, score_batch


@flow(name="score", flow_run_name=run_name("score", "batch"), persist_result=False, on_failure=[tell_failure])
def score(use_case: UseCaseName, batch: BatchName) -> Scored:
    """Score the accepted rows of a batch with the champion; doing it again changes nothing.

    Requires a champion.

    Args:
        use_case: name of a shipped use case, or the path of a Python file on the worker's machine
        batch: label or id of the batch
    """
    require_champion(use_case)
    scored = score_batch(use_case, batch)
    show_scores(use_case, scored)
    return scored
