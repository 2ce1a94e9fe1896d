"""Retrain: train again because a round decided so, and remember what became of it."""

from prefect import flow

from tasks.data import labelled_batches
from tasks.failing import tell_failure
from tasks.logbook import show_idle, show_training
from tasks.naming import BatchName, CauseText, ChampionIfAny, MayPromote, UseCaseName, run_name
from tasks.results import Trained
from tasks.telling import send_approval_event, show_verdict
from tasks.training import arm_monitor, judge_version, settle_promotion, train_version
from tasks.watching import find_decision, remember_retraining, why_not_retrain
from wardround.errors import PipelineRefused


@flow(name="retrain", flow_run_name=run_name("retrain", "cause"), persist_result=False, on_failure=[tell_failure])
def retrain(
    use_case: UseCaseName,
    batch: BatchName,
    cause: CauseText,
    champion: ChampionIfAny = "",
    promote: MayPromote = True,
) -> Trained | None:
    """Train a challenger on every accepted batch with outcomes, judge it, promote it if it passes.

    Started by the event wardround.decision.retrain or by a person. A decision is acted on once: when it was acted
    on already, or its champion does not serve any more, nothing is trained.

    Args:
        use_case: name of a shipped use case, or the path of a Python file on the worker's machine
        batch: label or id of the batch whose decision asks for it
        cause: the cause the decision names, for example covariate shift
        champion: the version the decision is about; empty: the one that serves now
        promote: whether a passed verdict may promote (where the use case leaves it to the gate at all)
    """
    decision = find_decision(use_case, batch, champion or None)
    if (reason := why_not_retrain(decision)) is not None:
        remember_retraining(decision, None, reason)
        show_idle(use_case, decision, reason)
        return None
    try:
        chosen = labelled_batches(use_case, None)
        version = train_version(use_case, chosen, cause, decision.champion)
        arm_monitor(use_case, version)
        judged = judge_version(use_case, version)
        show_verdict(use_case, judged)
        trained = settle_promotion(use_case, judged, cause, may_promote=promote)
    except PipelineRefused as refusal:
        remember_retraining(decision, None, str(refusal))
        raise
    remember_retraining(decision, trained, trained.sentence)
    if trained.waits:
        send_approval_event(use_case, trained, cause)
    show_training(use_case, trained, cause)
    return trained
