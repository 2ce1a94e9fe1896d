"""Ingest: a delivery becomes a batch of accepted rows, with the bad ones in quarantine."""

from prefect import flow

from tasks.data import ingest_source, require_accepted
from tasks.failing import tell_failure
from tasks.logbook import show_delivery
from tasks.naming import LabelIfAny, SourceIfAny, UseCaseName, run_name
from tasks.results import Delivered


@flow(
    name="ingest",
    flow_run_name=run_name("ingest for", "label", "source"),
    persist_result=False,
    on_failure=[tell_failure],
)
def ingest(use_case: UseCaseName, source: SourceIfAny = "", label: LabelIfAny = "") -> Delivered:
    """Read rows, replace identifiers, validate, keep the good and quarantine the bad.

    Requires the store, and whatever the source needs. The same rows again change nothing. A refused batch fails the
    run: its rows are in quarantine.

    Args:
        use_case: name of a shipped use case, or the path of a Python file on the worker's machine
        source: file, database URL (sqlite:///ward.db#visits) or s3:// prefix; empty: the use case's own
        label: name of the batch in lower-case letters, digits and hyphens; empty: from the source and the day
    """
    delivered = ingest_source(use_case, source or None, label or None)
    show_delivery(use_case, delivered)
    return require_accepted(delivered)
