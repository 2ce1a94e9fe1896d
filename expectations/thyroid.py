"""What a quarter of a laboratory's thyroid requests must look like."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Return what the use case implies (age at most 120 among it), and what the laboratory knows beside it."""
    from expectations.relations import Column
    from wardround.use_cases.thyroid import USE_CASE
    from wardround.validation.suites import derived_suite, expectation

    pregnant = Column("pregnant") == "true"
    return derived_suite(
        USE_CASE,
        (
            expectation(
                "expect_product_to_be_near", severity="warning",
                reason="fti: not within a tenth of tt4 over t4u in more than one request in twenty",
                column_list=["fti", "t4u", "tt4"], tolerance=0.1, mostly=0.95,
                notes="the index is computed from the two assays; where it is not, one of the three came in another "
                "unit or from another request",
            ),
            expectation(
                "expect_column_values_to_be_in_set", severity="warning",
                reason="sex: not F in a pregnancy", column="sex", value_set=["F"], row_condition=pregnant,
                notes="one of the two boxes was ticked by mistake",
            ),
            expectation(
                "expect_column_values_to_be_between", severity="warning",
                reason="age: outside 11 to 55 years in a pregnancy", column="age", min_value=11, max_value=55,
                row_condition=pregnant, notes="beyond it the box was more likely ticked by mistake",
            ),
            expectation(
                "expect_column_values_to_be_in_set", severity="info",
                reason="on_antithyroid_meds: true beside thyroxine", column="on_antithyroid_meds",
                value_set=["false"], row_condition=Column("on_thyroxine") == "true",
                notes="block and replace is a real, rare treatment: shown, not judged",
            ),
        ),
    )  # fmt: skip
