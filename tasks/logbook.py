"""What a run writes at its end for the people on duty: its story as an artifact, and its outcome behind its name."""

from prefect import runtime
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client

from tasks.naming import MARK
from tasks.policy import effect, world
from tasks.results import Delivered, Scored, Settled, Told, Trained, Visited
from wardround.domain import Verdict, from_json

OUTCOME = "outcome: "


@effect("write what became of {delivered.label}")
def show_delivery(use_case: str, delivered: Delivered) -> None:
    """Tell what became of a delivery."""
    from wardround import batches
    from wardround.monitoring import logbook

    settings, store = world()
    batch = batches.load(store, delivered.use_case, delivered.batch)
    closer = logbook.look_closer(
        settings.desk_url,
        f"use-cases/{batch.use_case}",
        f"wardround quarantine show {batch.label} --use-case {use_case}",
    )
    page = logbook.delivery_story(batch, new=delivered.new, small_cell=settings.small_cell, closer=closer)
    headline = logbook.delivery_headline(batch, new=delivered.new)
    tell(page, key=f"delivery-{slug(batch.use_case)}", description=f"{batch.label}: {headline}")
    log_line("refused" if batch.refused else "accepted")


@effect("write that {scored.batch:.12} was scored")
def show_scores(use_case: str, scored: Scored) -> None:
    """Tell that a batch was scored."""
    from wardround import batches
    from wardround.monitoring import logbook

    settings, store = world()
    batch = batches.load(store, scored.use_case, scored.batch)
    closer = logbook.look_closer(
        settings.desk_url, f"use-cases/{batch.use_case}", f"wardround monitor {batch.label} --use-case {use_case}"
    )
    page = logbook.score_story(
        batch, scored.version, scored.rows, new=scored.new, small_cell=settings.small_cell, closer=closer
    )
    tell(page, key=f"scores-{slug(batch.use_case)}", description=f"{batch.label}: scored by {scored.version}")
    log_line("scored")


@effect("write what became of {trained.version:.12}")
def show_training(use_case: str, trained: Trained, cause: str) -> None:
    """Tell what came of a training: a new champion, a challenger that waits, or one that did not pass."""
    from wardround.monitoring import logbook

    settings, store = world()
    verdict = from_json(Verdict, store.get(trained.verdict_key))
    page = f"approvals/{trained.use_case}/{trained.version}" if trained.waits else None
    closer = logbook.look_closer(
        settings.desk_url, page or f"use-cases/{trained.use_case}/models/{trained.version}",
        f"wardround models show {trained.version} --use-case {use_case}",
    )  # fmt: skip
    how = {"promoted": trained.promoted, "waits": trained.waits}
    headline = logbook.training_headline(verdict, **how)
    told = logbook.training_story(verdict, trained.sentence, cause=cause, closer=closer, **how)
    tell(told, key=f"training-{slug(trained.use_case)}", description=f"{trained.version}: {headline}")
    fate = "new champion" if trained.promoted else "waits for a person" if verdict.passed else "did not pass"
    log_line(fate)


@effect("write that nothing was trained")
def show_idle(use_case: str, visited: Visited, reason: str) -> None:
    """Tell why a retraining trained nothing."""
    from wardround.monitoring import logbook

    settings, _ = world()
    closer = logbook.look_closer(
        settings.desk_url, f"use-cases/{visited.use_case}", f"wardround models list --use-case {use_case}"
    )
    page = logbook.idle_story(visited.use_case, reason, closer=closer)
    tell(page, key=f"training-{slug(visited.use_case)}", description="Nothing was trained")
    log_line("nothing was trained")


@effect("write what became of {settled.version:.12}")
def show_promotion(use_case: str, settled: Settled) -> None:
    """Tell what became of a version that asked to be champion, with every approval that does not count and why."""
    from wardround.monitoring import logbook

    settings, _ = world()
    closer = logbook.look_closer(
        settings.desk_url, f"approvals/{settled.use_case}/{settled.version}",
        f'wardround approve {settled.version} --as NAME --reason "..." --use-case {use_case}',
    )  # fmt: skip
    page = logbook.promotion_story(
        settled.use_case, settled.version, settled.outcome, settled.sentence, settled.refused, closer=closer
    )
    headline = logbook.PROMOTION_HEADLINES[settled.outcome]
    tell(page, key=f"promotion-{slug(settled.use_case)}", description=f"{settled.version}: {headline}")
    fate = {"waits": "waits for a person", "refused": "not promoted"}.get(settled.outcome, settled.outcome)
    log_line(fate)


@effect("write who was told")
def show_telling(told: Told) -> None:
    """Tell how many messages went out."""
    from wardround.monitoring import logbook

    settings, _ = world()
    closer = logbook.look_closer(settings.desk_url, "tickets", "wardround tickets list")
    tell(
        logbook.telling_story(told.sentence, waiting=told.waiting, closer=closer), key="told", description=told.sentence
    )
    log_line("nobody is configured" if not told.configured else "told" if told.delivered else "nothing was due")


@effect("write what was mended")
def show_mending(said: str) -> None:
    """Tell what became of a run that died."""
    from wardround.monitoring import logbook

    tell(logbook.mending_story(said), key="mended", description=said)


def log_line(outcome: str) -> None:
    """Let the run's name end with *outcome* and its tags hold it, so that the list of runs reads like a ward's log.

    A run that is made again, or goes on after it waited, has the new outcome in the place of the old one.
    """
    me = {"id": str(runtime.flow_run.id)}
    with get_client(sync_client=True) as client:
        known = client.request("GET", "/flow_runs/{id}", path_params=me).json()
        name = known["name"].partition(MARK)[0]
        tags = [tag for tag in known["tags"] if not tag.startswith(OUTCOME)]
        log = {"name": f"{name}{MARK}{outcome}", "tags": [*tags, f"{OUTCOME}{outcome}"]}
        client.request("PATCH", "/flow_runs/{id}", path_params=me, json=log)


def tell(page: str, *, key: str, description: str) -> None:
    """Write *page* as the run's artifact; pages with the same *key* are one history in the UI."""
    create_markdown_artifact(page, key=key, description=description)


def slug(name: str) -> str:
    """Return a use case's name as the keys of artifacts need it: small letters, digits and hyphens."""
    return name.replace("_", "-")
