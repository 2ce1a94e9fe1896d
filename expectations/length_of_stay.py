"""What a table of Medicare stays must look like."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Return what the use case implies, and what is usual among stays."""
    from wardround.use_cases.length_of_stay import USE_CASE
    from wardround.validation.suites import derived_suite, expectation

    return derived_suite(
        USE_CASE,
        (
            expectation(
                "expect_column_values_to_not_be_null", severity="critical",
                reason="site: missing", column="site",
                notes="without the hospital a stay can neither be held out by site nor planned for",
            ),
            expectation(
                "expect_column_values_to_be_between", severity="warning",
                reason="target: above 60 days in more than one stay in a hundred",
                column="target", max_value=60, mostly=0.99,
                notes="Medicare pays outlier stays apart; many of them are dates of admission that were mistyped",
            ),
            expectation(
                "expect_column_values_to_be_in_set", severity="info",
                reason="age80: true in more than half of the stays", column="age80", value_set=["false"], mostly=0.5,
                notes="one Medicare patient in five is so old; more than half is another population",
            ),
        ),
    )  # fmt: skip
