"""Negation and doubt: what a note says of a finding."""

import pytest

from wardround.contents.text_assertions import assertion, assertions, negations

CASES = [
    ("No pneumothorax, pleural effusion, or focal consolidation.", "consolidation", "absent"),
    ("There is a small pleural effusion.", "pleural effusion", "present"),
    ("Denies chest pain but reports nausea.", "chest pain", "absent"),
    ("Denies chest pain but reports nausea.", "nausea", "present"),
    ("The pleural effusion is not seen.", "pleural effusion", "absent"),
    ("Effusion is seen and pneumothorax is absent.", "Effusion", "present"),
    ("Effusion is seen and pneumothorax is absent.", "pneumothorax", "absent"),
    ("Opacity may represent atelectasis or pneumonia.", "pneumonia", "possible"),
    ("Underlying infection cannot be excluded.", "infection", "possible"),
    ("Possible pneumonia, no effusion.", "pneumonia", "possible"),
    ("Possible pneumonia, no effusion.", "effusion", "absent"),
    ("No change in the cardiomegaly.", "cardiomegaly", "present"),
    ("No fever. Cough for three days.", "Cough", "present"),
    ("Gram negative sepsis was found.", "sepsis", "present"),
    ("Pneumonia is unlikely.", "Pneumonia", "absent"),
    ("She is negative for hepatitis.", "hepatitis", "absent"),
    ("No acute disease other than a rib fracture.", "rib fracture", "present"),
    ("患者无发热、咳嗽，有胸痛。", "咳嗽", "absent"),
    ("患者无发热、咳嗽，有胸痛。", "胸痛", "present"),
    ("否认高血压，糖尿病，冠心病史。", "冠心病", "absent"),
    ("患者无明显诱因出现腹痛。", "腹痛", "present"),
    ("双肺未闻及干湿性啰音。", "干湿性啰音", "absent"),
    ("肺炎不除外，建议复查。", "肺炎", "possible"),
    ("不能排除肺结核。", "肺结核", "possible"),
    ("考虑急性阑尾炎可能性大。", "急性阑尾炎", "possible"),
    ("乙肝表面抗原阴性。", "乙肝表面抗原", "absent"),
    ("胸腔积液未见。", "胸腔积液", "absent"),
    ("发热(-)，咳嗽。", "发热", "absent"),
    ("发热(-)，咳嗽。", "咳嗽", "present"),
    ("无腹泻，但有呕吐。", "呕吐", "present"),
    ("四肢无力3天。", "无力", "present"),
    ("腹部不适，伴恶心。", "恶心", "present"),
]


@pytest.mark.parametrize(("text", "finding", "expected"), CASES)
def test_the_nearest_cue_that_reaches_a_finding_decides(text: str, finding: str, expected: str) -> None:
    start = text.index(finding)
    assert assertion(text, start, start + len(finding)) == expected


def test_many_findings_of_a_text_are_judged_at_once_as_they_are_alone() -> None:
    text = " ".join(case[0] for case in CASES[:17])
    spans = [(text.index(finding), text.index(finding) + len(finding)) for _, finding, _ in CASES[:17]]
    assert assertions(text, spans) == tuple(assertion(text, start, end) for start, end in spans)


@pytest.mark.parametrize(
    ("text", "count"), [("No fever, no cough. Pain.", 2), ("无发热，否认外伤。无明显诱因。", 2), ("Well.", 0)]
)
def test_words_of_negation_are_counted_and_what_only_looks_like_one_is_not(text: str, count: int) -> None:
    assert negations(text) == count


def test_a_finding_outside_every_sentence_is_present() -> None:
    assert assertion("  ", 0, 1) == "present"
