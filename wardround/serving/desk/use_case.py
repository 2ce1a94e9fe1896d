"""One use case: its rounds and champions over time, performance, drift, data quality, quarantine, and its models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from wardround import quarantine, registry
from wardround.domain import Batch, ModelVersion
from wardround.monitoring.quality import QUALITY_KINDS
from wardround.privacy import suppressed, whole
from wardround.problems import problem_of
from wardround.serving.desk import courses, frame
from wardround.serving.desk.history import Round, batches, rounds
from wardround.serving.desk.telling import LIGHTS, Teller, loud_first
from wardround.serving.desk.texts import Words
from wardround.use_cases.base import UseCase

router = APIRouter()
PAGE = 20
HELD_BACK = 10
"""Batches with rows in quarantine that are shown, the newest."""


@dataclass(frozen=True, kw_only=True)
class HeldBack:
    """The quarantined rows of one batch: counts in words, None where one would give a small one away."""

    batch: Batch
    came: str | None
    quarantined: str
    remaining: str | None
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What the quality readings of one round found amiss."""

    round: Round
    sentences: tuple[str, ...]


@router.get("/use-cases/{name}")
def page(request: Request, name: str, page: int = 1) -> Response:
    """Show a use case; *page* is that of its list of rounds."""
    use_case, store, t = frame.use_case_named(name), frame.get_store(), frame.words(request)
    settings = frame.get_settings()
    made = rounds(name)
    shown = made[-courses.SHOWN :]
    last = made[-1] if made else None
    pages = max(1, -(-len(made) // PAGE))
    at = min(max(page, 1), pages)
    champion = registry.champion(store, name)
    known = batches(name)
    return frame.page(
        request, "use_case.html",
        use_case=use_case, asked=problem_of(use_case).supervised, champion=champion, last=last, lights=LIGHTS,
        teller=Teller(t, use_case, last.decision, settings.small_cell) if last else None,
        timeline=courses.timeline(t, shown) if shown else None, performance=courses.performance(t, shown),
        drift=courses.drift(t, use_case, shown), shown=len(shown), total=len(made),
        faults=faults(t, use_case, shown, settings.small_cell),
        held_back=held_back(t, use_case, known, settings.small_cell),
        rounds=made[::-1][(at - 1) * PAGE : at * PAGE], at=at, pages=pages,
        versions=versions(name), batches=known,
    )  # fmt: skip


def faults(t: Words, use_case: UseCase, made: Sequence[Round], small_cell: int) -> tuple[Fault, ...]:
    """Return the rounds whose data were at fault, the newest first, with what each quality alarm says."""
    found = []
    for each in reversed(made):
        teller = Teller(t, use_case, each.decision, small_cell)
        loud = [r for r in loud_first(each.decision.readings) if r.alarm and r.kind in QUALITY_KINDS]
        if loud:
            found.append(Fault(round=each, sentences=teller.together(loud)))
    return tuple(found)


def held_back(t: Words, use_case: UseCase, known: Mapping[str, Batch], small_cell: int) -> tuple[HeldBack, ...]:
    """Return the newest batches with rows in quarantine, counts suppressed where they are small."""
    store = frame.get_store()
    affected = [batch for batch in known.values() if batch.rows_quarantined][::-1][:HELD_BACK]
    found = []
    for batch in affected:
        accounting = quarantine.account(store, batch, recount=False)
        reasons = quarantine.show(store, use_case, batch, small_cell=small_cell)
        parts = (batch.rows_accepted, batch.rows_quarantined)
        few = suppressed(batch.rows_quarantined, small_cell) is None
        gone = batch.rows_quarantined - accounting.remaining
        came, told = whole(parts, small_cell), whole((accounting.remaining, gone), small_cell)
        found.append(
            HeldBack(
                batch=batch,
                came=None if came is None else f"{came:,}",
                quarantined=t("content.fewer", n=small_cell) if few else f"{batch.rows_quarantined:,}",
                remaining=None if told is None else f"{accounting.remaining:,}",
                reasons=tuple(reasons.items()),
            )
        )
    return tuple(found)


def versions(use_case: str) -> tuple[ModelVersion, ...]:
    """Return every version of *use_case*, the newest first."""
    keys = [key for key in frame.get_store().keys(f"models/{use_case}/") if key.endswith("/manifest.json")]
    found = frame.cached_all(keys, ModelVersion)
    return tuple(sorted(found, key=lambda each: (each.created_at, each.version), reverse=True))
