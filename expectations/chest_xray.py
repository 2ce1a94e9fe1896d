"""What frontal chest pictures must look like."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Return what the use case implies, and what radiographers know beside it."""
    from wardround.use_cases.chest_xray import USE_CASE
    from wardround.validation.suites import derived_suite, expectation

    return derived_suite(
        USE_CASE,
        (
            expectation(
                "expect_column_values_to_be_between", severity="critical",
                reason="picture_midline: darker than the lungs, as in a negative (wrong photometric interpretation) or "
                "a picture that lies on its side",
                column="picture_midline", min_value=0.0,
                notes="air is dark and the mediastinum bright where more is brighter (MONOCHROME2); in 3 of 10,000 "
                "pictures of the training set the middle is darker all the same",
            ),
            expectation(
                "expect_column_values_to_be_between", severity="warning",
                reason="picture_saturation: more than a twentieth of the pixels at the end of the range in one picture "
                "of ten",
                column="picture_saturation", max_value=0.05, mostly=0.9,
                notes="over- or underexposed, or cut by a window: what is there cannot be seen any more",
            ),
            expectation(
                "expect_column_values_to_be_between", severity="warning",
                reason="picture_contrast: below 0.05 of the range in one picture of twenty",
                column="picture_contrast", min_value=0.05, mostly=0.95,
                notes="a grey veil over whole batches is scattered radiation or a wrong window",
            ),
        ),
    )  # fmt: skip
