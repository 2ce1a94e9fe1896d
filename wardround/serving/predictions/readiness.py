"""Whether the server can answer, and what is amiss although it can."""

import time
from typing import Any

from wardround.serving.predictions.predictor import Predictors


def readiness(predictors: Predictors) -> tuple[bool, dict[str, Any]]:
    """Return whether anything can be answered, and what a person wants to know of it.

    A server whose store is away, or whose new champion was refused, goes on with what it has: it is degraded and not
    out. It is out when no use case has a champion, or when what it would answer could not be recorded.
    """
    problem = predictors.log.problem
    cases: dict[str, Any] = {}
    for name, predictor in predictors.items():
        champions, serving = predictor.champions, predictor.champions.serving
        seen = champions.answered_at
        cases[name] = {
            "champion": serving.version.version if serving else None,
            "family": serving.version.family if serving else None,
            "since": serving.since.isoformat() if serving else None,
            "refused": champions.trouble or None,
            "store": champions.store_trouble or None,
            "seconds_since_the_store_answered": None if seen is None else round(time.monotonic() - seen, 1),
        }
    state = predictors.log.state
    able = problem is None and any(case["champion"] for case in cases.values())
    amiss = any(not case["champion"] or case["refused"] or case["store"] for case in cases.values()) or state.fault
    return able, {
        "status": "not ready" if not able else "degraded" if amiss else "ready",
        "use_cases": cases,
        "log": {"problem": problem or state.fault, "waiting": state.waiting},
    }
