"""What a table of measured cell nuclei must look like."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Return what the use case implies, and that the worst of a measurement is no better than its mean."""
    import expectations.relations  # noqa: F401
    from wardround.use_cases.patient_clusters import USE_CASE
    from wardround.validation.suites import derived_suite, expectation

    return derived_suite(
        USE_CASE,
        tuple(
            expectation(
                "expect_column_pair_values_a_to_be_greater_than_b", severity="warning",
                reason=f"worst_{name}: below the mean of the same aspirate", column_A=f"worst_{name}", column_B=name,
                or_equal=True, ignore_row_if="either_value_is_missing",
                notes="the three largest of some values cannot have a smaller mean than all of them",
            )
            for name in ("radius", "texture", "concave_points")
        ),
    )  # fmt: skip
