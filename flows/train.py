"""Train: the best of the candidates is armed, judged at the gate, and promoted if it passes."""

from prefect import flow

from tasks.data import labelled_batches
from tasks.naming import BatchName, CauseText, UseCaseName, run_name
from tasks.results import Trained
from tasks.telling import show_verdict
from tasks.training import arm_monitor, judge_version, settle_promotion, train_version


@flow(name="train", flow_run_name=run_name("train", "batches", "cause"), persist_result=False)
def train(
    use_case: UseCaseName,
    batches: list[BatchName] | None = None,
    cause: CauseText = "first training",
    promote: bool = True,
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
    show_verdict(judged)
    return settle_promotion(use_case, judged, cause, may_promote=promote)
