"""From the findings of a chest report to its impression, in one quoted sentence (Indiana University reports).

The reports are not shipped (CC BY-NC-ND 4.0): put ``NLMCXR_reports.tgz`` into ``radiology_reports`` under
``WARDROUND_DATA``. Radiologists write the impression anew and do not quote it, so that no quoted sentence can come near
a ROUGE of 1; the figures say how much better the learned choice is than the first or the central sentence.
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

FINDINGS = Content(
    name="findings", kind="text", language="en", description="the findings section of a chest report",
    deidentified="the publisher removed identifiers; where one stood the text reads XXXX (Demner-Fushman et al. 2016)",
)  # fmt: skip

USE_CASE = UseCase(
    name="radiology_summary",
    question="Which sentence of these findings says best what the impression will say?",
    problem="summary",
    source=Source(kind="reports", location="radiology_reports/NLMCXR_reports.tgz"),
    record_id="record id",
    target=Target(column="impression", description="the impression that the radiologist wrote"),
    contents=(FINDINGS,),
    # the findings of a chest report hold no headings and hardly a Chinese letter: both would say nothing
    features=features(
        FINDINGS,
        measures=(
            "characters", "sentences", "words_per_sentence", "vocabulary", "unknown", "negated", "digits",
            *(f"embedding_{number}" for number in range(1, 9)),
        ),
        plausible={"characters": (5, 10_000)},
    ),
    ignored=("title", "comparison", "indication", "topics"),
    expectations="expectations.radiology_summary",
    split=Split(kind="grouped", folds=5),
    candidates=(
        Candidate(family="lead"),
        Candidate(family="textrank"),
        Candidate(family="sentence_ranking"),
    ),
    primary_metric="rouge_l",
    gates=(
        Floor(
            metric="rouge_l_over_lead", limit=0.0,
            reason="who reads the first sentence has a summary for nothing; a model must be better on the same reports",
        ),
        Floor(
            metric="rouge_l_over_textrank", limit=0.0,
            reason="the central sentence needs no training either; a model must be better on the same reports",
        ),
        Floor(
            metric="faithful", limit=0.99,
            reason="a summary that says what the report does not say is worse than none; every quote is checked",
        ),
        Comparison(
            metric="rouge_l", kind="superior", population="current",
            reason="a change of model must pay for itself on the reports that called for it",
        ),
        Comparison(
            metric="rouge_l", kind="non-inferior", population="reference", margin=0.02,
            reason="reports of the former style still come; with thousands of them a loss of 0.02 would show",
        ),
        Limit(what="size", limit=20_000_000, reason="it must travel over a hospital network in seconds"),
        Limit(what="latency", limit=250, reason="the sentence is marked while the report is being dictated"),
    ),
    monitoring=Monitoring(
        rounds_per_year=52.0,
        min_rows=100,
        material_effect=0.15,
        max_quarantined_share=0.25,
        reasons={
            "max_quarantined_share": "one chest report in seven has no findings section: no fault of the batch",
            "min_rows": "the measures of fewer than a hundred reports are mostly chance",
            "material_effect": "the mix of normal and abnormal pictures moves length by about a tenth from week to "
            "week; another template for dictation moves it by far more",
        },
    ),
    retraining=Retraining(cool_down=timedelta(days=14), min_new_labels=100, promotion="gate"),
    schedule=Schedule(cron="0 6 * * 1", time_zone="America/Indiana/Indianapolis"),
    attribution="Indiana University chest X-ray reports (Demner-Fushman et al. 2016), CC BY-NC-ND 4.0.",
)  # fmt: skip
