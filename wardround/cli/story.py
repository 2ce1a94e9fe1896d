"""The demo's story: what arrives week after week, and what the rounds decide about it."""

import time
from datetime import datetime, timedelta
from typing import Any

from wardround.cli.output import say

WAIT_FOR_EVENT = 90.0
"""Seconds without any run of the retrain deployment after which the demo goes on; a run takes as long as it takes."""
WEEK = timedelta(days=7)


class Story:
    """The visits of some weeks, one batch a week; keeps what the last table needs."""

    def __init__(self, *, use_case: str, deliver: Any, store: Any, settings: Any, ready: Any):
        from wardround.problems import problem_of
        from wardround.use_cases import load

        self.use_case = load(use_case)
        self.deliver = deliver
        self.store = store
        self.settings = settings
        self.ready = ready
        self.reports = settings.home / store.prefix.strip("/") / "reports"
        self.rounds: list[dict[str, Any]] = []
        problem = problem_of(self.use_case)
        self.metric = "auroc" if problem.two_classes else problem.loss
        self.shown = ("auroc", "brier", "accuracy") if problem.two_classes else (problem.loss,)

    def tell(self) -> dict[str, Any]:
        """Let every batch arrive and return the document that `--json` prints, without the addresses."""
        from wardround.domain import utc_now

        first, *later = self.deliver(self.reports.parent / "inbox", self.settings)
        self.reports.mkdir(parents=True, exist_ok=True)
        begin = utc_now() - WEEK * len(later)
        self._first_champion(first, begin)
        for week, delivery in enumerate(later, start=1):
            self._visit(delivery, begin + WEEK * week)
        for delivery in later:
            if delivery.outcomes is not None:
                self._late_outcomes(delivery)
        self._back_and_forth()
        return {"use_case": self.use_case.name, "metric": self.metric, "rounds": self.rounds}

    def _first_champion(self, delivery: Any, as_of: datetime) -> None:
        from wardround.cli.flows import flow

        say(f"2  {delivery.label}: {delivery.what}")
        clock = time.monotonic()
        batch = flow("ingest")(use_case=self.use_case.name, source=str(delivery.path), label=delivery.label)
        say("   training the candidates and judging the best at the gate")
        flow("train")(use_case=self.use_case.name, batches=[batch.batch])
        after = self._champion()
        say(f"   first champion: {after}")
        visit = flow("monitor")(use_case=self.use_case.name, batch=batch.batch, as_of=as_of)
        entry = self._note(delivery, visit.decision_key, None, time.monotonic() - clock)
        entry["estimated"], entry["realised"] = {}, self._out_of_fold(after)

    def _visit(self, delivery: Any, as_of: datetime) -> None:
        from wardround.cli.flows import flow
        from wardround.domain import Action, Decision, from_json

        say(f"3  {delivery.label}: {delivery.what}")
        clock, before = time.monotonic(), self._champion()
        visit = flow("round")(use_case=self.use_case.name, source=str(delivery.path), label=delivery.label, as_of=as_of)
        decision = from_json(Decision, self.store.get(visit.decision_key))
        say(f"   {decision.action.value}" + (f", {decision.cause.value}" if decision.cause.value != "none" else ""))
        for reason in decision.reasons[:3]:
            say(f"   - {reason}")
        if decision.action is Action.RETRAIN and not decision.in_cool_down:
            self._await_retraining(decision)
        self._note(delivery, visit.decision_key, before, time.monotonic() - clock)

    def _await_retraining(self, decision: Any) -> None:
        from wardround.monitoring.rounds import retraining_of

        self.ready.wait()
        say("   the event is out; waiting for Prefect to start the retrain deployment")
        sent, told, alive = time.monotonic(), False, time.monotonic()
        while (outcome := retraining_of(self.store, decision)) is None:
            run = _retrain_run()
            if run is not None:
                alive = time.monotonic()
            if run is not None and not told:
                say(f"   the event started the flow run {run!r} after {alive - sent:.1f} s")
                told = True
            if time.monotonic() - alive > WAIT_FOR_EVENT:
                say("   no retraining came within the time the demo waits; the next round will act on it")
                return
            time.sleep(0.5)
        say(f"   challenger {outcome.version}: {outcome.sentence}")

    def _late_outcomes(self, delivery: Any) -> None:
        from wardround.domain import utc_now
        from wardround.labels import add_labels
        from wardround.monitoring.settlement import settle
        from wardround.monitoring.wording import metric_name
        from wardround.sources import source_from

        say(f"4  the true outcomes of {delivery.label} arrive")
        add_labels(
            self.use_case,
            source_from(str(delivery.outcomes)),
            store=self.store,
            settings=self.settings,
            now=utc_now(),
        )
        for settlement in settle(self.use_case, store=self.store, settings=self.settings, now=utc_now()):
            row = settlement.as_row()
            for entry in self.rounds:
                if entry["batch"] == row["batch"]:
                    entry["realised"] = {figure["metric"]: figure["realised"] for figure in row["figures"]}
            for figure in row["figures"]:
                inside = "inside" if figure["inside"] else "outside"
                say(
                    f"   {row['batch']}: {metric_name(figure['metric'])} estimated {number(figure['estimated'])}, "
                    f"realised {number(figure['realised'])}: {inside} its band"
                )

    def _back_and_forth(self) -> None:
        from wardround import registry
        from wardround.domain import utc_now

        champion = registry.champion(self.store, self.use_case.name)
        if champion is None or champion.previous is None:
            say("5  there is only one champion so far, so nothing to roll back to")
            return
        for target, reason in (
            (None, "demo: back to the former champion"),
            (champion.version, "demo: and forward"),
        ):
            moved = registry.rollback(
                self.store, self.use_case.name, to=target, actor=self.settings.actor, reason=reason, now=utc_now()
            )
            say(f"5  champion {moved.previous} -> {moved.version}")

    def _out_of_fold(self, version: str | None) -> dict[str, float | None]:
        """What the first champion achieves on rows it did not learn from: on its own rows it would flatter itself."""
        from wardround import registry
        from wardround.domain import Evaluation, from_json

        manifest = registry.load(self.store, self.use_case.name, version or "")
        evaluation = from_json(Evaluation, registry.read_file(self.store, manifest, "evaluation.json"))
        return {figure.metric: figure.value for figure in evaluation.figures if figure.metric in self.shown}

    def _keep_card(self) -> None:
        """Put the champion's card beside the reports."""
        from wardround import registry

        if (version := self._champion()) is not None:
            manifest = registry.load(self.store, self.use_case.name, version)
            (self.reports / f"card-{version}.md").write_bytes(registry.read_file(self.store, manifest, "card.md"))

    def _champion(self) -> str | None:
        from wardround import registry

        champion = registry.champion(self.store, self.use_case.name)
        return champion.version if champion else None

    def _note(self, delivery: Any, decision_key: str, before: str | None, seconds: float) -> dict[str, Any]:
        from wardround import batches
        from wardround.domain import Decision, from_json

        decision = from_json(Decision, self.store.get(decision_key))
        batch = batches.load(self.store, self.use_case.name, decision.batch)
        figures = {
            kind: {
                r.column: r.current
                for r in decision.readings
                if r.kind == f"{kind} performance" and r.column in self.shown
            }
            for kind in ("estimated", "realised")
        }
        report = decision_key.removesuffix("decision.json") + "report.html"
        if self.store.exists(report):
            (self.reports / f"{batch.label}.html").write_bytes(self.store.get(report))
        self._keep_card()
        self.rounds.append(
            {
                "batch": batch.label, "rows": batch.rows_in, "quarantined": batch.rows_quarantined,
                "drifted": list(decision.drifted), "estimated": figures["estimated"],
                "realised": figures["realised"] or None, "decision": decision.action.value,
                "expected": delivery.expected, "cause": decision.cause.value, "champion_before": before,
                "champion_after": self._champion(),
                "seconds": round(seconds, 1),
            }
        )  # fmt: skip
        return self.rounds[-1]


def _retrain_run() -> str | None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowFilter,
        FlowFilterName,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateName,
    )

    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=["retrain"])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Running", "Pending"]))
            ),
        )
    return runs[0].name if runs else None


def number(value: float | None) -> str:
    """Return a figure as the demo shows it."""
    return "-" if value is None else f"{value:.3f}"
