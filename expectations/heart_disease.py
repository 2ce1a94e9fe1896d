"""What a hospital's table of patients before coronary angiography must look like."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Return what the use case implies, and what clinicians know beside it."""
    import expectations.relations  # noqa: F401
    from wardround.use_cases.heart_disease import USE_CASE
    from wardround.validation.suites import derived_suite, expectation

    return derived_suite(
        USE_CASE,
        (
            expectation(
                "expect_column_pair_sum_to_be_at_most", severity="warning",
                reason="max_heart_rate: more than 40 beats above 220 minus age",
                column_A="max_heart_rate", column_B="age", limit=260.0,
                notes="220 minus age is the usual estimate of the maximal rate, with a standard deviation of 10 to 12; "
                "40 above it is a mistyped rate or age rather than a fit patient",
            ),
            expectation(
                "expect_column_values_to_be_between", severity="warning",
                reason="st_depression: elevation of more than 0.5 mm in more than one patient in ten",
                column="st_depression", min_value=-0.5, mostly=0.9,
                notes="exercise mostly depresses the segment; many elevations are a sign that was lost or turned",
            ),
            expectation(
                "expect_column_values_to_be_between", severity="info",
                reason="cholesterol: above 450 mg/dL in more than one patient in fifty",
                column="cholesterol", max_value=450, mostly=0.98,
                notes="familial hypercholesterolaemia is found in about one of 250 people",
            ),
        ),
    )  # fmt: skip
