"""All rules that look at more than the type of one field."""

from wardround.use_cases import _content_checks, _data_checks, _policy_checks
from wardround.use_cases.base import UseCase


def cross_faults(use_case: UseCase, *, lenient: bool = False) -> list[str]:
    """Return the faults of all rules; *lenient* leaves a rule at the first value of a wrong type it meets."""
    found: list[str] = []
    for rule in (*_data_checks.RULES, *_content_checks.RULES, *_policy_checks.RULES):
        faults = rule(use_case)
        while True:
            try:
                found.append(next(faults))
            except StopIteration:
                break
            except (TypeError, AttributeError, ValueError, KeyError):
                if not lenient:
                    raise
                break
    return found
