"""Which MeSH headings belong to a chest report, from its findings (Indiana University reports).

The reports are not shipped (CC BY-NC-ND 4.0): put ``NLMCXR_reports.tgz`` into ``radiology_reports`` under
``WARDROUND_DATA``. Indexers read the whole report, impression and all, and often took its very words: the figures say
how well a report is indexed from its findings, nothing of how well a picture is diagnosed. The impression is left out,
since it often is the list of headings.
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

FREQUENT = (
    "normal", "Lung", "Opacity", "Cardiomegaly", "Pulmonary Atelectasis", "Calcinosis", "Calcified Granuloma",
    "Thoracic Vertebrae", "Cicatrix", "Spine", "Aorta", "Markings", "Pleural Effusion", "Diaphragm", "Atherosclerosis",
    "Catheters, Indwelling", "Airspace Disease", "Density", "Deformity", "Granulomatous Disease", "Nodule",
    "Implanted Medical Device", "Surgical Instruments",
)  # fmt: skip
"""The headings of at least 100 of the 3,955 reports."""

RARER = (
    "Abdomen", "Adipose Tissue", "Aorta, Thoracic", "Aortic Aneurysm", "Arthritis", "Blister", "Blood Vessels",
    "Bone Diseases, Metabolic", "Bone and Bones", "Breast Implants", "Bronchiectasis", "Bronchiolitis", "Bronchitis",
    "Bullous Emphysema", "Cardiac Shadow", "Cavitation", "Cervical Vertebrae", "Cholelithiasis",
    "Colonic Interposition", "Consolidation", "Contrast Media", "Costophrenic Angle", "Cystic Fibrosis", "Cysts",
    "Diaphragmatic Eventration", "Dislocations", "Emphysema", "Epicardial Fat", "Expansile Bone Lesions", "Fibrosis",
    "Foreign Bodies", "Fractures, Bone", "Funnel Chest", "Granuloma", "Heart", "Heart Atria", "Heart Failure",
    "Heart Ventricles", "Hemopneumothorax", "Hemothorax", "Hernia, Diaphragmatic", "Hernia, Hiatal", "Humerus",
    "Hydropneumothorax", "Hyperostosis, Diffuse Idiopathic Skeletal", "Hypertension, Pulmonary", "Hypovolemia",
    "Infiltrate", "Kyphosis", "Lucency", "Lumbar Vertebrae", "Lung Diseases, Interstitial", "Lung, Hyperlucent",
    "Lymph Nodes", "Lymph nodes", "Mass", "Mastectomy", "Mediastinal Emphysema", "Mediastinum", "Medical Device",
    "Nipple Shadow", "Osteophyte", "Osteoporosis", "Pectus Carinatum", "Pericardial Effusion", "Pleura",
    "Pneumonectomy", "Pneumonia", "Pneumoperitoneum", "Pneumothorax", "Pulmonary Artery", "Pulmonary Congestion",
    "Pulmonary Disease, Chronic Obstructive", "Pulmonary Edema", "Pulmonary Emphysema", "Pulmonary Fibrosis", "Ribs",
    "Sarcoidosis", "Sclerosis", "Scoliosis", "Shift", "Shoulder", "Spinal Fusion", "Spondylosis", "Stents",
    "Subcutaneous  Emphysema", "Subcutaneous Emphysema", "Sulcus", "Sutures",
    "Technical Quality of Image Unsatisfactory", "Thickening", "Thoracic vertebrae", "Thorax", "Trachea",
    "Trachea, Carina", "Tube, Inserted", "Tuberculosis", "Volume Loss",
)  # fmt: skip
"""Headings of fewer reports: known, and too rare to be learned."""

USE_CASE = UseCase(
    name="radiology_topics",
    question="Under which headings belongs this chest report?",
    problem="multilabel",
    source=Source(kind="reports", location="radiology_reports/NLMCXR_reports.tgz"),
    record_id="record id",
    target=Target(
        column="topics", description="headings that indexers of the National Library of Medicine gave the report",
        allowed=FREQUENT, negative=RARER, missing_codes=("No Indexing",),
    ),
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
    ignored=("title", "comparison", "indication", "impression"),
    expectations="expectations.radiology_topics",
    split=Split(kind="grouped", folds=5),
    candidates=(Candidate(family="bag_of_words", parameters={"C": 30.0}),),
    primary_metric="micro_f1",
    threshold=0.3,
    gates=(
        Floor(
            metric="micro_f1", limit=0.75,
            reason="below three quarters an indexer changes so many headings that starting from none is as fast",
        ),
        Floor(
            metric="macro_f1", limit=0.6,
            reason="rare headings are what a search looks for; a model that only knows the common ones finds nothing",
        ),
        Comparison(
            metric="brier", kind="superior", population="current",
            reason="a change of model must pay for itself on the reports that called for it",
        ),
        Comparison(
            metric="micro_f1", kind="non-inferior", population="reference", margin=0.02,
            reason="reports of the former style still come; with thousands of them a loss of 0.02 would show",
        ),
        Limit(what="size", limit=20_000_000, reason="it must travel over a hospital network in seconds"),
        Limit(what="latency", limit=250, reason="the headings are proposed while the report is being filed"),
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
