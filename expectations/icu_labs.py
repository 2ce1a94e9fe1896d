"""What the laboratory of a first day in intensive care must look like."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Return what the use case implies, and what clinicians know beside it."""
    from wardround.use_cases.icu_labs import USE_CASE
    from wardround.validation.suites import derived_suite, expectation

    return derived_suite(
        USE_CASE,
        (
            expectation(
                "expect_column_values_to_be_between", severity="warning",
                reason="sodium_last: outside 115 to 165 mmol/L in more than one stay in twenty",
                column="sodium_last", min_value=115, max_value=165, mostly=0.95,
                notes="such values are seen in single patients; in many they are a diluted sample or another analyser",
            ),
            expectation(
                "expect_column_values_to_be_between", severity="warning",
                reason="labs_samples: fewer than two samples in more than one stay in ten",
                column="labs_samples", min_value=2, mostly=0.9,
                notes="in intensive care blood is taken on admission and next morning; one sample only is a lost link",
            ),
        ),
    )  # fmt: skip
