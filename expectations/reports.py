"""What the findings section of a chest report must look like, whatever is asked of it."""

from typing import Any


def of_findings() -> tuple[dict[str, Any], ...]:
    """Return what radiologists know of the content ``findings``, beside what its measures imply."""
    from wardround.validation.suites import expectation

    return (
        expectation(
            "expect_column_values_to_be_between", severity="critical",
            reason="findings_unknown: more than half of the words are in no English list",
            column="findings_unknown", max_value=0.5,
            notes="among 3,425 reports the most is three words in ten; another language in Latin letters has seven",
        ),
        expectation(
            "expect_column_values_to_be_between", severity="warning",
            reason="findings_words_per_sentence: above 20 in more than one report of fifty",
            column="findings_words_per_sentence", max_value=20, mostly=0.98,
            notes="findings are telegrams; long sentences are lost full stops or another section",
        ),
        expectation(
            "expect_column_values_to_be_between", severity="info",
            reason="findings_negated: above 1.5 words of negation per sentence in more than one report of a hundred",
            column="findings_negated", max_value=1.5, mostly=0.99,
            notes="a template that denies everything tells nothing",
        ),
    )  # fmt: skip
