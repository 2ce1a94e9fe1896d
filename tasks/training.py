"""Models come to be: training, arming the monitor, judging, promoting."""

from tasks.policy import effect, say, world
from tasks.progress import Progress
from tasks.results import Judged, Trained
from wardround.domain import utc_now


@effect("train {use_case}: {cause}")
def train_version(use_case: str, batches: tuple[str, ...], cause: str, parent: str | None) -> str:
    """Train the candidates on *batches*, keep the best one, return its version. *parent*: whom it may follow."""
    from wardround import registry
    from wardround.training import train
    from wardround.use_cases import load

    settings, store = world()
    chosen = load(use_case)
    if parent is None and (champion := registry.champion(store, chosen.name)) is not None:
        parent = champion.version
    progress = Progress(f"training-{chosen.name.replace('_', '-')}")
    trained = train(
        chosen,
        batches,
        store=store,
        settings=settings,
        seed=chosen.seed,
        cause=cause,
        parent=parent,
        now=utc_now(),
        progress=progress,
    )
    progress.finish()
    return trained.version


@effect("arm the monitor of {version}")
def arm_monitor(use_case: str, version: str) -> None:
    """Replay the version's reference and write what its monitor costs in false alarms; refuse over budget."""
    from wardround.monitoring.arming import arm_version
    from wardround.use_cases import load

    settings, store = world()
    arm_version(load(use_case), version, store=store, settings=settings, now=utc_now())


@effect("judge {version}")
def judge_version(use_case: str, version: str) -> Judged:
    """Hold the version against floors, champion and limits; write the verdict with its reasons."""
    from wardround.gating import gate
    from wardround.use_cases import load

    settings, store = world()
    chosen = load(use_case)
    verdict = gate(chosen, version, store=store, settings=settings, now=utc_now())
    return Judged(
        use_case=chosen.name,
        version=version,
        champion=verdict.champion,
        verdict_key=f"models/{chosen.name}/{version}/verdicts/{verdict.champion or 'none'}.json",
        passed=verdict.passed,
    )


@effect("promote {judged.version}")
def settle_promotion(use_case: str, judged: Judged, reason: str, *, may_promote: bool) -> Trained:
    """Promote a version that passed, unless that is left to a person, and say what became of it.

    Raises:
        PromotionRefused: another champion was promoted since the verdict was made, or a person rejected the version.
    """
    from wardround import promotion, registry
    from wardround.domain import Verdict, from_json
    from wardround.errors import ApprovalNeeded
    from wardround.use_cases import load

    settings, store = world()
    chosen = load(use_case)
    verdict = from_json(Verdict, store.get(judged.verdict_key))
    serving = registry.champion(store, chosen.name)
    promoted = serving is not None and serving.version == judged.version  # a former attempt got this far
    waits = False
    if verdict.passed and may_promote and not promoted:
        try:
            promotion.promote(chosen, judged.version, store=store, settings=settings, reason=reason, now=utc_now())
            promoted = True
        except ApprovalNeeded as needed:
            waits, missing = True, needed.missing
    if promoted:
        sentence = "passed every gate and is the champion now"
    elif waits:
        sentence = f"passed every gate and waits for {missing}"
    elif verdict.passed:
        sentence = f"passed every gate and waits for a person: `wardround promote {judged.version} --reason ...`"
    else:
        sentence = "was not promoted: " + "; ".join(verdict.reasons)
    say(f"{judged.version} {sentence}")
    return Trained(
        use_case=chosen.name,
        version=judged.version,
        verdict_key=judged.verdict_key,
        passed=verdict.passed,
        promoted=promoted,
        sentence=sentence,
        waits=waits,
    )
