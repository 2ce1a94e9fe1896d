"""What the ten baseline measurements of diabetes patients must look like."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Return what the use case implies, and how the lipid measurements hang together."""
    import expectations.relations  # noqa: F401
    from wardround.use_cases.diabetes_progression import USE_CASE
    from wardround.validation.suites import derived_suite, expectation

    return derived_suite(
        USE_CASE,
        (
            expectation(
                "expect_product_to_be_near", severity="warning",
                reason="cholesterol_ratio: not within a quarter of total_cholesterol over hdl in more than one patient "
                "in twenty",
                column_list=["cholesterol_ratio", "hdl", "total_cholesterol"], tolerance=0.25, mostly=0.95,
                notes="the ratio is total over high-density cholesterol, rounded to a whole number by some "
                "laboratories; a lipid in another unit breaks it",
            ),
            expectation(
                "expect_column_pair_values_a_to_be_greater_than_b", severity="warning",
                reason="ldl: above total_cholesterol", column_A="total_cholesterol", column_B="ldl", or_equal=True,
                ignore_row_if="either_value_is_missing", notes="a part cannot exceed the whole",
            ),
            expectation(
                "expect_column_pair_values_a_to_be_greater_than_b", severity="warning",
                reason="hdl: above total_cholesterol", column_A="total_cholesterol", column_B="hdl", or_equal=True,
                ignore_row_if="either_value_is_missing", notes="a part cannot exceed the whole",
            ),
        ),
    )  # fmt: skip
