"""Diseases, symptoms, operations, drugs, body parts and tests in Chinese hospital records (cEHRNER).

The records are not shipped: put ``train.txt``, ``dev.txt`` and ``test.txt`` into ``cehrner`` under ``WARDROUND_DATA``.
The 41 records of the test file come last. Three of them share most of their wording with a record of
the training file, as records of one ward do; without those the figures are a little lower (see docs/how-to/text.md).
"""

from datetime import timedelta

from wardround.contents import features
from wardround.use_cases.base import (
    Candidate,
    Comparison,
    Content,
    Floor,
    Limit,
    Monitoring,
    Retraining,
    Schedule,
    Source,
    Split,
    Target,
    UseCase,
)

RECORD = Content(
    name="record", kind="text", language="zh", column="text", description="one passage of a hospital record",
    deidentified="published as open data, without names, numbers or addresses; nothing is added to what is public",
)  # fmt: skip

USE_CASE = UseCase(
    name="clinical_entities_zh",
    question="Which diseases, symptoms, operations, drugs, body parts and tests does this record name?",
    problem="tagging",
    source=Source(kind="tagged", location="cehrner", options={"files": "train.txt,dev.txt,test.txt"}),
    record_id="record id",
    target=Target(
        column="spans", description="what the record names, as annotators marked it",
        allowed=("疾病和诊断", "症状", "手术", "药物", "解剖部位", "影像检查", "实验室检验"),
    ),
    contents=(RECORD,),
    # no headings are written in these passages, and none is broken: both would say nothing
    features=features(
        RECORD,
        measures=(
            "characters", "sentences", "words_per_sentence", "chinese", "vocabulary", "unknown", "negated", "digits",
            *(f"embedding_{number}" for number in range(1, 9)),
        ),
        plausible={"characters": (10, 20_000), "chinese": (0.3, 1.0)},
    ),
    expectations="expectations.clinical_entities_zh",
    split=Split(kind="grouped", folds=3),
    candidates=(
        Candidate(family="dictionary"),
        Candidate(family="crf", parameters={"iterations": 40}),
    ),
    primary_metric="f1",
    gates=(
        Floor(
            metric="f1", limit=0.65,
            reason="a dictionary of what was marked before finds under half of the spans; below two thirds whoever "
            "codes from the marks corrects more than is saved",
        ),
        Floor(
            metric="recall", limit=0.6,
            reason="what is not marked is not looked at again, so that a missed diagnosis costs more than a wrong mark",
        ),
        Comparison(
            metric="f1", kind="superior", population="current",
            reason="a change of model must pay for itself on the records that called for it",
        ),
        Comparison(
            metric="f1", kind="non-inferior", population="reference", margin=0.05,
            reason="forty records carry no finer comparison, and records of the former kind still come",
        ),
        Limit(what="size", limit=20_000_000, reason="it must travel over a hospital network in seconds"),
        Limit(what="latency", limit=500, reason="the marks appear while the record is being opened"),
    ),
    monitoring=Monitoring(
        rounds_per_year=52.0,
        min_rows=40,
        material_effect=0.2,
        reasons={
            "min_rows": "forty records hold some six hundred spans",
            "material_effect": "the wards of a hospital differ in length and wording by about as much from week to "
            "week; another specialty differs by twice that",
        },
    ),
    retraining=Retraining(cool_down=timedelta(days=14), min_new_labels=50, promotion="gate"),
    schedule=Schedule(cron="0 6 * * 1", time_zone="Asia/Shanghai"),
    attribution="cEHRNER, Chinese electronic health records with entities, Apache-2.0.",
)  # fmt: skip
