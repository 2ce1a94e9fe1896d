"""What passages of Chinese hospital records must look like."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Return what the use case implies, and what is usual in records beside it."""
    from wardround.use_cases.clinical_entities_zh import USE_CASE
    from wardround.validation.suites import derived_suite, expectation

    return derived_suite(
        USE_CASE,
        (
            expectation(
                "expect_column_values_to_be_between", severity="critical",
                reason="record_unknown: more than half of the characters are hardly ever written",
                column="record_unknown", max_value=0.5,
                notes="GBK read as UTF-8 or the other way round gives rare characters; the most seen in 914 records is "
                "three in ten",
            ),
            expectation(
                "expect_column_values_to_be_between", severity="warning",
                reason="record_digits: above 0.3 in more than one record of twenty",
                column="record_digits", max_value=0.3, mostly=0.95,
                notes="pasted tables of laboratory values instead of a record",
            ),
            expectation(
                "expect_column_values_to_be_between", severity="warning",
                reason="record_words_per_sentence: above 200 characters in more than one record of twenty",
                column="record_words_per_sentence", max_value=200, mostly=0.95,
                notes="full stops were lost on the way",
            ),
        ),
    )  # fmt: skip
