"""Train: the best of the candidates is armed, judged at the gate, and promoted if it passes."""

from prefect import flow

from tasks.data import labelled_batches
from tasks.failing import tell_failure
from tasks.logbook import show_training
from tasks.naming import BatchesIfAny, CauseText, MayPromote, UseCaseName, run_name
from tasks.results import Trained
from tasks.telling import send_approval_event, show_verdict
from tasks.training import arm_monitor, judge_version, settle_promotion, train_version


@flow(
    name="train", flow_run_name=run_name("train", "batches", "cause"), persist_result=False, on_failure=[tell_failure]
)
def train(
    use_case: UseCaseName,
    batches: BatchesIfAny = None,
    cause: CauseText = "first training",
    promote: MayPromote = True,
) -> Trained:
    """Train the candidates, arm the monitor, judge the best at the gate, promote it if it passes.

    Requires the store with accepted batches that have outcomes.

    Args:
        use_case: name of a shipped use case, or the path of a Python file on the worker's machine
        batches: labels or ids to learn from; empty: every accepted batch with outcomes
        cause: why; it is kept with the model and in the ledger
        promote: whether a passed verdict may promote (where the use case leaves it to the gate at all)
    """
    chosen = labelled_batches(use_case, batches)
    version = train_version(use_case, chosen, cause, None)
    arm_monitor(use_case, version)
    judged = judge_version(use_case, version)
    show_verdict(use_case, judged)
    trained = settle_promotion(use_case, judged, cause, may_promote=promote)
    if trained.waits:
        send_approval_event(use_case, trained, cause)
    show_training(use_case, trained, cause)
    return trained
