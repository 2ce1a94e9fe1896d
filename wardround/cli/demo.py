"""The main job: UCI heart disease, four hospitals, from a file to an event-triggered retraining."""

import secrets
import time
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from wardround.cli.context import prefect_client
from wardround.cli.output import JsonOption, give, say, table

USE_CASE = "heart_disease"
WAIT_FOR_EVENT = 90.0
WEEK = timedelta(days=7)
SHOWN = ("auroc", "brier", "accuracy")


def demo(
    keep_running: Annotated[
        bool, typer.Option("--keep-running", help="Leave S3, Prefect and a worker up, with the review desk beside.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Run everything once on real data: four hospitals' heart patients, a laboratory that changes its unit,
    outcomes that come late, a retraining that an event starts, a rollback.

    Each run keeps its objects under a key prefix of its own.

    Example: `wardround demo --keep-running`
    """
    from wardround import services
    from wardround.local import EmbeddedS3
    from wardround.settings import Settings
    from wardround.store import Store

    started = time.monotonic()
    import os

    os.environ["WARDROUND_S3_PREFIX"] = f"demo-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}/"
    os.environ["WARDROUND_HOME"] = str(Settings().home.resolve() / "demo")  # its worker must not meet `up`'s
    settings = Settings()
    with services.Supervisor(detached=keep_running) as supervisor:
        say("1  starting S3 and Prefect on this machine")
        if settings.embedded_s3:
            supervisor.add(EmbeddedS3(settings.home, bucket=settings.s3_bucket))
        store = Store.from_settings(settings)
        store.prepare()
        server = supervisor.add(services.PrefectServer(settings.home))
        desk = services.DeskServer(server.api_url, settings, use_cases=(USE_CASE,)) if keep_running else None
        if desk is not None:
            os.environ["WARDROUND_DESK_URL"] = desk.url  # where the runs' stories lead
            settings = Settings()
        ready = services.deploy_in_background(server.api_url, settings, supervisor)
        say(f"   Prefect UI {server.ui_url}")
        story = Story(store=store, settings=settings, ready=ready)
        with prefect_client(server.api_url, settings):
            document = story.tell()
        document["addresses"] = {
            "prefect": server.ui_url,
            "s3": store.endpoint_url,
            "bucket": store.bucket,
            "prefix": store.prefix,
            "home": str(settings.home),
            "reports": str(story.reports),
        }
        _summary(document, time.monotonic() - started, keep_running)
        if desk is not None:
            _open_desk(supervisor.add(desk), store, settings.actor)
    if json:
        give(document)


class Story:
    """The visits of six weeks, one batch a week; keeps what the last table needs."""

    def __init__(self, *, store: Any, settings: Any, ready: Any):
        self.store = store
        self.settings = settings
        self.ready = ready
        self.reports = settings.home / store.prefix.strip("/") / "reports"
        self.rounds: list[dict[str, Any]] = []

    def tell(self) -> dict[str, Any]:
        """Let every batch arrive and return the document that `--json` prints, without the addresses."""
        from wardround.cli.deliveries import deliver
        from wardround.domain import utc_now

        first, *later = deliver(self.reports.parent / "inbox")
        self.reports.mkdir(parents=True, exist_ok=True)
        begin = utc_now() - WEEK * len(later)
        self._first_champion(first, begin)
        for week, delivery in enumerate(later, start=1):
            self._visit(delivery, begin + WEEK * week)
        for delivery in later:
            if delivery.outcomes is not None:
                self._late_outcomes(delivery)
        self._back_and_forth()
        return {"use_case": USE_CASE, "rounds": self.rounds}

    def _first_champion(self, delivery: Any, as_of: datetime) -> None:
        from wardround.cli.flows import flow

        say(f"2  {delivery.label}: {delivery.what}")
        clock = time.monotonic()
        batch = flow("ingest")(use_case=USE_CASE, source=str(delivery.path), label=delivery.label)
        say("   training the candidates and judging the best at the gate")
        flow("train")(use_case=USE_CASE, batches=[batch.batch])
        after = self._champion()
        say(f"   first champion: {after}")
        visit = flow("monitor")(use_case=USE_CASE, batch=batch.batch, as_of=as_of)
        entry = self._note(visit.decision_key, None, time.monotonic() - clock)
        entry["estimated"], entry["realised"] = {}, self._out_of_fold(after)

    def _visit(self, delivery: Any, as_of: datetime) -> None:
        from wardround.cli.flows import flow
        from wardround.domain import Action, Decision, from_json

        say(f"3  {delivery.label}: {delivery.what}")
        clock, before = time.monotonic(), self._champion()
        visit = flow("round")(use_case=USE_CASE, source=str(delivery.path), label=delivery.label, as_of=as_of)
        decision = from_json(Decision, self.store.get(visit.decision_key))
        say(f"   {decision.action.value}" + (f", {decision.cause.value}" if decision.cause.value != "none" else ""))
        for reason in decision.reasons[:3]:
            say(f"   - {reason}")
        if decision.action is Action.RETRAIN and not decision.in_cool_down:
            self._await_retraining(decision)
        self._note(visit.decision_key, before, time.monotonic() - clock)

    def _await_retraining(self, decision: Any) -> None:
        from wardround.monitoring.rounds import retraining_of

        self.ready.wait()
        say("   the event is out; waiting for Prefect to start the retrain deployment")
        sent, told = time.monotonic(), False
        while (outcome := retraining_of(self.store, decision)) is None:
            waited = time.monotonic() - sent
            if not told and (run := _retrain_run()) is not None:
                say(f"   the event started the flow run {run!r} after {waited:.1f} s")
                told = True
            if waited > WAIT_FOR_EVENT:
                say("   no retraining came within the time the demo waits; the next round will act on it")
                return
            time.sleep(0.3)
        say(f"   challenger {outcome.version}: {outcome.sentence}")

    def _late_outcomes(self, delivery: Any) -> None:
        from wardround.domain import utc_now
        from wardround.labels import add_labels
        from wardround.monitoring.settlement import settle
        from wardround.sources import source_from
        from wardround.use_cases import load

        say(f"4  the true outcomes of {delivery.label} arrive")
        use_case = load(USE_CASE)
        add_labels(
            use_case,
            source_from(str(delivery.outcomes)),
            store=self.store,
            settings=self.settings,
            now=utc_now(),
        )
        for settlement in settle(use_case, store=self.store, settings=self.settings, now=utc_now()):
            row = settlement.as_row()
            for entry in self.rounds:
                if entry["batch"] == row["batch"]:
                    entry["realised"] = {figure["metric"]: figure["realised"] for figure in row["figures"]}
            for figure in row["figures"]:
                inside = "inside" if figure["inside"] else "outside"
                say(
                    f"   {row['batch']}: {figure['metric']} estimated {_number(figure['estimated'])}, "
                    f"realised {_number(figure['realised'])}: {inside} its band"
                )

    def _back_and_forth(self) -> None:
        from wardround import registry
        from wardround.domain import utc_now

        champion = registry.champion(self.store, USE_CASE)
        if champion is None or champion.previous is None:
            say("5  there is only one champion so far, so nothing to roll back to")
            return
        for target, reason in (
            (None, "demo: back to the former champion"),
            (champion.version, "demo: and forward"),
        ):
            moved = registry.rollback(
                self.store, USE_CASE, to=target, actor=self.settings.actor, reason=reason, now=utc_now()
            )
            say(f"5  champion {moved.previous} -> {moved.version}")

    def _out_of_fold(self, version: str | None) -> dict[str, float | None]:
        """What the first champion achieves on rows it did not learn from: on its own rows it would flatter itself."""
        from wardround import registry
        from wardround.domain import Evaluation, from_json

        manifest = registry.load(self.store, USE_CASE, version or "")
        evaluation = from_json(Evaluation, registry.read_file(self.store, manifest, "evaluation.json"))
        return {figure.metric: figure.value for figure in evaluation.figures if figure.metric in SHOWN}

    def _champion(self) -> str | None:
        from wardround import registry

        champion = registry.champion(self.store, USE_CASE)
        return champion.version if champion else None

    def _note(self, decision_key: str, before: str | None, seconds: float) -> dict[str, Any]:
        from wardround import batches
        from wardround.domain import Decision, from_json

        decision = from_json(Decision, self.store.get(decision_key))
        batch = batches.load(self.store, USE_CASE, decision.batch)
        figures = {
            kind: {
                r.column: r.current for r in decision.readings if r.kind == f"{kind} performance" and r.column in SHOWN
            }
            for kind in ("estimated", "realised")
        }
        report = decision_key.removesuffix("decision.json") + "report.html"
        if self.store.exists(report):
            (self.reports / f"{batch.label}.html").write_bytes(self.store.get(report))
        self.rounds.append(
            {
                "batch": batch.label, "rows": batch.rows_in, "quarantined": batch.rows_quarantined,
                "drifted": list(decision.drifted), "estimated": figures["estimated"],
                "realised": figures["realised"] or None, "decision": decision.action.value,
                "cause": decision.cause.value, "champion_before": before, "champion_after": self._champion(),
                "seconds": round(seconds, 1),
            }
        )  # fmt: skip
        return self.rounds[-1]


def _open_desk(desk: Any, store: Any, actor: str) -> None:
    from wardround.cli.guests import invite
    from wardround.domain import utc_now

    guests = invite(store, by=actor, now=utc_now())
    table(f"Review desk {desk.url}: sign in as", ("name", "role", "passphrase"), guests)


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


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _summary(document: dict[str, Any], seconds: float, keep_running: bool) -> None:
    from wardround.domain import Action

    table(
        "What the rounds decided",
        ("batch", "rows", "quarantined", "drifted columns", "AUROC estimated", "AUROC realised", "decision", "cause",
         "champion", "seconds"),
        [
            (
                entry["batch"], entry["rows"], entry["quarantined"], ", ".join(entry["drifted"]) or "-",
                _number(entry["estimated"].get("auroc")), _number((entry["realised"] or {}).get("auroc")),
                entry["decision"], entry["cause"],
                f"{(entry['champion_before'] or 'none')[:6]} -> {(entry['champion_after'] or 'none')[:6]}",
                entry["seconds"],
            )
            for entry in document["rounds"]
        ],
    )  # fmt: skip
    addresses = document["addresses"]
    started = sum(entry["decision"] == Action.RETRAIN for entry in document["rounds"])
    say(f"\n{len(document['rounds'])} batches, {started} retraining decision(s), {seconds:.0f} s of work")
    say(f"reports     {addresses['reports']}")
    if keep_running:
        say(f"Prefect UI  {addresses['prefect']}\nS3          {addresses['s3']}")
        say("stop them   wardround down")
    say("look further, for example with `wardround models show champion --use-case heart_disease`, after")
    say(f"  export WARDROUND_HOME={addresses['home']} WARDROUND_S3_PREFIX={addresses['prefix']}")
