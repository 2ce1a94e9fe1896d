"""A use case of one's own: is a patient's comment a complaint? Change ``language`` to "zh" for Chinese comments."""

from wardround.contents import features
from wardround.use_cases.base import Candidate, Content, Floor, Source, Split, Target, UseCase

COMMENT = Content(name="comment", kind="text", language="en", description="what a patient wrote after the stay")

USE_CASE = UseCase(
    name="patient_feedback_sentiment",
    question="Is this comment of a patient a complaint?",
    problem="classification",
    source=Source(kind="csv", location="feedback-en.csv"),
    record_id="comment_id",
    target=Target(column="sentiment", positive=("negative",), allowed=("positive", "negative")),
    contents=(COMMENT,),
    features=features(COMMENT, measures=("characters", "sentences", "vocabulary", "unknown", "negated", "chinese")),
    ignored=("first_topic", "topics"),
    split=Split(kind="k-fold", folds=3),
    candidates=(Candidate(family="bag_of_words", calibrate=True),),
    primary_metric="brier",
    threshold=0.3,
    gates=(
        Floor(metric="auroc", limit=0.8, reason="below it, reading the comments in the order of arrival does as well"),
    ),
)
