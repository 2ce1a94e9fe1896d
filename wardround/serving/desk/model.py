"""The page of one model version, and its card and manifest to take away."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from wardround import approvals, registry
from wardround.domain import to_json
from wardround.monitoring.saliency import stored_saliency
from wardround.problems import PROBLEMS
from wardround.serving.desk import frame
from wardround.serving.desk.card import calibration, card, groups
from wardround.serving.desk.history import batches
from wardround.serving.desk.judged import Judged
from wardround.serving.desk.where import form, where

router = APIRouter()
PATH = "/use-cases/{name}/models/{version}"


@router.get(PATH)
def page(request: Request, name: str, version: str) -> Response:
    """Show a version."""
    use_case, store = frame.use_case_named(name), frame.get_store()
    settings, t = frame.get_settings(), frame.words(request)
    found = card(store, use_case, version)
    champion = registry.champion(store, name)
    metrics, subgroups = groups(found.evaluation)
    known = batches(name)
    used = [known[each] for each in found.version.batches if each in known]
    rests = stored_saliency(store, found.version)
    return frame.page(
        request, "model.html",
        use_case=use_case, card=found, version=found.version, problem=PROBLEMS[found.version.problem],
        champion=champion,
        serves=champion is not None and champion.version == found.version.version,
        moves=[move for move in (champion.history if champion else ()) if move["version"] == found.version.version],
        metrics=metrics, subgroups=subgroups, calibration=calibration(t, store, found.version, settings.small_cell),
        rests=rests, where=where(t, rests) if rests else None, form=form(rests) if rests else "",
        approvals=approvals.of(store, name, found.version.version), batches=used,
        gone=len(found.version.batches) - len(used),
        ratio=(1 - use_case.threshold) / use_case.threshold if use_case.threshold else None,
        say=Say(t, use_case, settings.small_cell, {batch.id: batch.label for batch in known.values()}),
    )  # fmt: skip


@dataclass(frozen=True)
class Say(Judged):
    """The parts of a card in words: counts that may be shown, figures with intervals, criteria, facts."""

    small_cell: int
    labels: Mapping[str, str]

    def count(self, count: int | None) -> str:
        """A number of rows or patients."""
        if count is None:
            return self.t("content.withheld")
        return self.t("content.fewer", n=self.small_cell) if 0 < count < self.small_cell else f"{count:,}"

    @property
    def whole(self) -> tuple[str, ...]:
        """The inputs that are exchanged as a whole, when it is asked what the model relies on."""
        return tuple(each.name for each in self.use_case.contents)

    def input(self, feature: str) -> str:
        """What an input means, as the use case says."""
        if content := next((each for each in self.use_case.contents if each.name == feature), None):
            return content.description
        known = {each.name: each for each in self.use_case.features}
        if feature not in known:
            return ""
        unit, said = known[feature].unit, known[feature].description
        return said + (self.t("content.in_brackets", text=unit) if unit and unit not in said else "")

    def fact(self, name: str) -> str:
        """The name of a fact in which two versions differ."""
        for kind in ("fact", "metric"):
            if f"{kind}.{name}" in self.t:
                return self.t(f"{kind}.{name}")
        return name

    def side(self, name: str, value: Any) -> str:
        """One version's side of a difference."""
        if value is None or value == []:
            return self.t("content.none")
        if name == "batches":
            return self.t("content.comma").join(self.labels.get(each, each[:12]) for each in value)
        for kind in ("family", "cause"):
            if name == kind and f"{kind}.{value}" in self.t:
                return self.t(f"{kind}.{value}")
        if name == "created_at":
            return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M} UTC"
        return str(registry.in_short(value))

    def moment(self, text: str) -> datetime:
        """A moment as the pointer's history keeps it."""
        return datetime.fromisoformat(text)


@router.get(PATH + "/card.md")
def card_file(name: str, version: str) -> Response:
    """Give the model card as it was written at training, in markdown."""
    store = frame.get_store()
    found = registry.load(store, frame.use_case_named(name).name, version)
    return Response(
        registry.read_file(store, found, "card.md"), media_type="text/markdown; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}-{found.version}-card.md"'},
    )  # fmt: skip


@router.get(PATH + "/manifest.json")
def manifest_file(name: str, version: str) -> Response:
    """Give the manifest: what it was made from, and the hash of every file."""
    found = registry.load(frame.get_store(), frame.use_case_named(name).name, version)
    return Response(
        to_json(found, indent=1), media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}-{found.version}-manifest.json"'},
    )  # fmt: skip
