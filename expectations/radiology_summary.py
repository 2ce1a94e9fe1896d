"""What the findings of chest reports must look like before they are summarised."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Return what the use case implies, and what radiologists know beside it."""
    from expectations.reports import of_findings
    from wardround.use_cases.radiology_summary import USE_CASE
    from wardround.validation.suites import derived_suite

    return derived_suite(USE_CASE, of_findings())
