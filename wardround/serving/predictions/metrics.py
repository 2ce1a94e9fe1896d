"""What Prometheus may know: counts, seconds and versions; no label ever holds a value of a patient or of a caller."""

from collections import Counter as Tally
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from wardround.serving.predictions.answers import Predicted

if TYPE_CHECKING:
    from wardround.serving.predictions.champions import Champions

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1000)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The figures of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self._requests = Counter(
            "wardround_requests", "Requests by use case and status.", ("use_case", "status"), registry=own
        )
        self._seconds = Histogram(
            "wardround_request_seconds", "Seconds until the answer.", ("use_case",), buckets=SECONDS, registry=own
        )
        self._rows = Histogram(
            "wardround_batch_rows",
            "Records that went through the learner together.",
            ("use_case",),
            buckets=ROWS,
            registry=own,
        )
        self._predictions = Counter("wardround_predictions", "Predictions made.", ("use_case",), registry=own)
        self._warnings = Counter("wardround_warnings", "Warnings given.", ("use_case", "kind"), registry=own)
        self._model = Gauge(
            "wardround_champion_info", "1: answers now.", ("use_case", "version", "family"), registry=own
        )
        self._refused = Gauge(
            "wardround_champion_refused", "1: the new champion is not used.", ("use_case",), registry=own
        )
        self._store = Gauge("wardround_store_answers", "1: the pointer could be read.", ("use_case",), registry=own)
        self.backlog = Gauge(
            "wardround_log_backlog", "Predictions kept here that the store does not have yet.", registry=own
        )
        self.waiting = Gauge("wardround_waiting", "Requests that wait.", ("use_case",), registry=own)
        self._shown: dict[str, tuple[str, str]] = {}
        self._counters: dict[tuple[str, int], Counter] = {}
        self._timers: dict[str, Histogram] = {}

    def request(self, use_case: str, status: int, seconds: float) -> None:
        """Count a request; *use_case* is a served one or ``""``."""
        key = (use_case, status)
        if key not in self._counters:  # labels() costs more than counting
            self._counters[key] = self._requests.labels(use_case, str(status))
            self._timers[use_case] = self._seconds.labels(use_case)
        self._counters[key].inc()
        self._timers[use_case].observe(seconds)

    def answered(self, use_case: str, *, predicted: Iterable[Predicted], rows: int) -> None:
        """Count one call of the learner."""
        self._rows.labels(use_case).observe(rows)
        self._predictions.labels(use_case).inc(rows)
        kinds = Tally(warned.kind for each in predicted for warned in each.warnings)
        for kind, count in kinds.items():
            self._warnings.labels(use_case, kind).inc(count)

    def champion(self, champions: "Champions") -> None:
        """Show who answers, and what is wrong with a new champion or the store."""
        name, serving = champions.use_case.name, champions.serving
        now = (serving.version.version, serving.version.family) if serving else None
        before = self._shown.get(name)
        if now is not None and now != before:
            if before is not None:
                self._model.remove(name, *before)
            self._model.labels(name, *now).set(1)
            self._shown[name] = now
        self._refused.labels(name).set(1 if champions.trouble else 0)
        self._store.labels(name).set(0 if champions.store_trouble else 1)

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self.registry)
