"""A use case of one's own: what is a patient's comment about? One comment may be about several topics."""

from wardround.contents import features
from wardround.use_cases.base import Candidate, Content, Floor, Source, Split, Target, UseCase

COMMENT = Content(name="comment", kind="text", language="en", description="what a patient wrote after the stay")

USE_CASE = UseCase(
    name="patient_feedback_topics",
    question="What is this comment of a patient about?",
    problem="multilabel",
    source=Source(kind="csv", location="feedback-en.csv"),
    record_id="comment_id",
    target=Target(column="topics", allowed=("cleanliness", "food", "information", "staff", "waiting")),
    contents=(COMMENT,),
    features=features(COMMENT, measures=("characters", "sentences", "vocabulary", "unknown", "negated", "chinese")),
    ignored=("first_topic", "sentiment"),
    split=Split(kind="k-fold", folds=3),
    candidates=(Candidate(family="bag_of_words"),),
    primary_metric="micro_f1",
    too_good=1.0,  # the words of a topic are few and its own, so that nearly all pairs may well be ranked rightly
    gates=(Floor(metric="micro_f1", limit=0.7, reason="below it, somebody has to read every comment anyway"),),
)
