"""What single heart beats of a monitor must look like."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Return what the use case implies, and what readers of tracings know beside it."""
    from wardround.use_cases.ecg_beats import USE_CASE
    from wardround.validation.suites import derived_suite, expectation

    return derived_suite(
        USE_CASE,
        (
            expectation(
                "expect_column_values_to_be_between", severity="warning",
                reason="beat_high_band: more than a tenth of the power at high frequencies in one beat of twenty",
                column="beat_high_band", max_value=0.1, mostly=0.95,
                notes="the QRS complex ends near 40 Hz; what lies above is trembling muscle or the mains",
            ),
            expectation(
                "expect_column_values_to_be_between", severity="warning",
                reason="beat_flat: more than a tenth of the samples repeat the one before in one beat of twenty",
                column="beat_flat", max_value=0.1, mostly=0.95,
                notes="a tracing that stands still is cut off at the rail of the amplifier, or its lead is off",
            ),
        ),
    )  # fmt: skip
