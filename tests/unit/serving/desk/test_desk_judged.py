"""Whom a version waits for, in the reader's language."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from wardround.approvals import Act, Approval, Standing
from wardround.domain import CriterionResult, Verdict
from wardround.serving.desk import texts
from wardround.serving.desk.judged import Judged
from wardround.use_cases import load
from wardround.use_cases.base import Retraining

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HEART = load("heart_disease")
NAMED = replace(HEART, retraining=Retraining(promotion="person", may_promote=("ada", "grace")))


def criterion(passed: bool) -> CriterionResult:
    return CriterionResult(
        criterion="auroc floor 0.7", kind="floor", metric="auroc", population="current", figure=0.9, interval=None,
        limit=0.7, passed=passed, sentence="", reason="",
    )  # fmt: skip


def approval(person: str, act: Act) -> Approval:
    return Approval(
        use_case="heart_disease", version="v", number=1, manifest_sha256="", verdict_key="", verdict_sha256="",
        champion=None, act=act, reason="", person=person, key="", given_at=NOW, expires_at=NOW, signature="",
    )  # fmt: skip


PASSED, FAILED = (criterion(True),), (criterion(False),)


def standing(*, criteria=PASSED, valid=(), rejected=None, trainer="bo", missing="someone") -> Standing:
    verdict = Verdict(use_case="heart_disease", challenger="v", champion=None, comparison="", criteria=criteria)
    return Standing(
        use_case="heart_disease", version="v", champion=None, verdict=verdict, trainer=trainer, needs_person=True,
        valid=valid, refused=(), rejected=rejected, allowed=not missing, missing=missing,
    )  # fmt: skip


ONE = (approval("ada", Act.OVERRIDE),)
CASES = {
    "nobody": (HEART, standing(missing=""), ""),
    "an approver": (HEART, standing(), "一位没有参与训练该模型的审批人"),
    "named persons": (NAMED, standing(), "ada、grace"),
    "named persons but the trainer": (NAMED, standing(trainer="Ada"), "grace"),
    "two for an override": (HEART, standing(criteria=FAILED), "两人同意对未通过的评审强制通过"),
    "a second for an override": (NAMED, standing(criteria=FAILED, valid=ONE), "除 ada 外的第二人"),
    "nobody left": (NAMED, standing(criteria=FAILED, valid=ONE, trainer="grace"), "都已不能审批"),
    "a gate": (HEART, standing(criteria=()), "没有门槛的模型绝不上线"),
    "another version": (HEART, standing(rejected=approval("ada", Act.REJECT)), "ada 已驳回此版本"),
}


@pytest.mark.parametrize("case", CASES)
def test_whom_a_version_waits_for_is_said_in_chinese_too(case):
    use_case, found, expected = CASES[case]
    said = Judged(texts.words("zh"), use_case).waits_for(found)
    assert expected in said
    assert bool(said) == bool(expected)
    assert "{" not in said


def test_in_english_it_is_the_words_of_the_record():
    assert Judged(texts.words("en"), HEART).waits_for(standing(missing="an approver")) == "an approver"


def test_a_criterion_is_named_in_the_readers_language():
    assert Judged(texts.words("zh"), HEART).criterion(criterion(True)).endswith("须达到 0.7")
