"""What crops of a fluorescence picture must look like."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Return what the use case implies, and what people at the microscope know beside it."""
    from wardround.use_cases.nuclei import USE_CASE
    from wardround.validation.suites import derived_suite, expectation

    return derived_suite(
        USE_CASE,
        (
            expectation(
                "expect_column_values_to_be_between", severity="critical",
                reason="crop_median: above half the range, so that the background is bright, as in a negative (wrong "
                "photometric interpretation) or another stain",
                column="crop_median", max_value=0.5,
                notes="what does not fluoresce is dark; even a crop full of nuclei stays below the middle of the range",
            ),
            expectation(
                "expect_column_values_to_be_between", severity="warning",
                reason="crop_saturation: more than a hundredth of the pixels at an end of the range in one crop of ten",
                column="crop_saturation", max_value=0.01, mostly=0.9,
                notes="a detector that is driven to its end hides where one nucleus stops and the next begins",
            ),
        ),
    )  # fmt: skip
