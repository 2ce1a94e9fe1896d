"""Gates to begin with. They are a proposal with reasons, never a fallback: a use case without gates is refused."""

from wardround.use_cases.base import Comparison, Criterion, Floor, Limit

_COST = (
    Limit(what="size", limit=50_000_000, reason="it must travel over a hospital network in seconds"),
    Limit(what="latency", limit=500, reason="a person waits for the answer"),
)


def default_gates(problem: str, subgroups: tuple[str, ...] = ()) -> tuple[Criterion, ...]:
    """Return the proposed gates for *problem* (``classification`` or ``regression``).

    The margins want some thousand rows; with fewer, state wider ones and say why.

    Raises:
        KeyError: there is no proposal for such a problem.
    """
    return {"classification": _classification, "regression": _regression}[problem](subgroups)


def _classification(subgroups: tuple[str, ...]) -> tuple[Criterion, ...]:
    worst: tuple[Criterion, ...] = ()
    if subgroups:
        worst = (
            Comparison(
                metric="auroc", kind="non-inferior", margin=0.02, by=subgroups,
                reason="no group may pay for another's gain; a loss of 0.03 must be refused, so less is tolerated",
            ),
        )  # fmt: skip
    return (
        Floor(metric="auroc", limit=0.70, reason="below it a ranking is commonly called poor (Hosmer & Lemeshow)"),
        Floor(metric="net_benefit", limit=0.0, reason="acting on it must do more good than acting on nobody"),
        Comparison(metric="brier", kind="superior", reason="a change must pay for itself where it was called for"),
        Comparison(
            metric="auroc", kind="non-inferior", margin=0.02,
            reason="better probabilities must not come from a worse ranking",
        ),
        Comparison(
            metric="ece", kind="non-inferior", margin=0.03,
            reason="a better ranking must not come from risks that are off by three more in a hundred",
        ),
        Comparison(
            metric="auroc", kind="non-inferior", margin=0.02, population="reference",
            reason="the patients the champion was made for may still come",
        ),
        *worst,
        *_COST,
    )  # fmt: skip


def _regression(subgroups: tuple[str, ...]) -> tuple[Criterion, ...]:
    worst: tuple[Criterion, ...] = ()
    if subgroups:
        worst = (
            Comparison(
                metric="r2", kind="non-inferior", margin=0.05, by=subgroups,
                reason="no group may pay for another's gain",
            ),
        )  # fmt: skip
    return (
        Floor(metric="r2", limit=0.0, reason="it must beat answering the mean for everyone"),
        Floor(metric="coverage", limit=0.80, reason="the stated interval must hold for four patients in five"),
        Comparison(metric="mae", kind="superior", reason="a change must pay for itself where it was called for"),
        Comparison(
            metric="r2", kind="non-inferior", margin=0.05, population="reference",
            reason="the patients the champion was made for may still come",
        ),
        *worst,
        *_COST,
    )  # fmt: skip
