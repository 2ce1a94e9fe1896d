"""Names that a use case may speak of, written down here so that checking one imports no scikit-learn and no torch.

A test holds them against `wardround.models`, `wardround.problems` and `wardround.contents`.
"""

from collections.abc import Mapping

ROLE_COLUMNS = ("record_id", "patient_id", "time", "site", "target", "truth")
"""Names of the role columns in every canonical frame; a feature or a content may not take one."""

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "classification": (
        "logistic", "linear_svm", "rbf_svm", "random_forest", "boosting", "neighbours",
        "dense", "autoencoder_features", "cnn", "recurrent", "bag_of_words", "self_training",
    ),
    "regression": (
        "linear", "ridge", "lasso", "elastic_net",
        "linear_svm", "rbf_svm", "random_forest", "boosting", "neighbours",
        "dense", "cnn", "recurrent",
    ),
    "multiclass": ("logistic", "random_forest", "boosting", "dense", "cnn", "recurrent", "bag_of_words"),
    "multilabel": ("bag_of_words",),
    "segmentation": ("thresholding", "unet"),
    "tagging": ("dictionary", "crf"),
    "summary": ("lead", "textrank", "sentence_ranking"),
    "clustering": ("kmeans", "gaussian_mixture"),
    "anomaly": ("isolation_forest", "principal_components", "autoencoder"),
}  # fmt: skip
"""Problem -> its families."""

METRICS: Mapping[str, tuple[str, ...]] = {
    "classification": (
        "auroc", "auprc", "brier", "log_loss", "calibration_slope", "calibration_intercept", "ece",
        "sensitivity", "specificity", "net_benefit", "accuracy",
    ),
    "regression": ("mse", "rmse", "mae", "r2", "coverage"),
    "multiclass": ("brier", "log_loss", "accuracy", "balanced_accuracy", "macro_auroc", "macro_f1", "top_ece"),
    "multilabel": ("brier", "micro_f1", "macro_f1", "micro_auroc", "exact_match"),
    "segmentation": ("dice_loss", "dice", "iou", "surface_distance", "instance_f1", "count_error"),
    "tagging": ("f1_loss", "precision", "recall", "f1"),
    "summary": (
        "rouge_l_loss", "rouge_1", "rouge_2", "rouge_l", "rouge_l_over_lead", "rouge_l_over_textrank", "faithful",
        "compression",
    ),
    "clustering": ("distance", "explained", "silhouette", "stability", "smallest_share"),
    "anomaly": ("reconstruction", "explained", "auroc", "flagged"),
}  # fmt: skip
"""Problem -> its metrics. The first of the newer problems' metrics is the mean loss per row."""

TRUTHS: Mapping[str, str] = {"multilabel": "labels", "segmentation": "mask", "tagging": "spans", "summary": "text"}
"""Problem -> the form of its truth, where that is no number."""

ARRAYS = ("mask",)
"""Forms of a truth that are bytes of an array; the others are text."""

WITHIN: Mapping[str, str] = {"mask": "image", "spans": "text", "text": "text"}
"""Form of a truth -> the kind of content that it is about."""

UNSUPERVISED = ("clustering", "anomaly")
"""Problems without a right answer to learn from."""

CONTENTS_NEEDED: Mapping[str, tuple[str, ...]] = {
    "cnn": ("image", "series"), "recurrent": ("series",), "unet": ("image",), "thresholding": ("image",),
    "bag_of_words": ("text",), "dictionary": ("text",), "crf": ("text",),
    "lead": ("text",), "textrank": ("text",), "sentence_ranking": ("text",),
}  # fmt: skip
"""Family -> the kinds of content that it can learn from, if it learns from nothing else."""

MEASURES: Mapping[str, tuple[str, ...]] = {
    "image": (
        "height", "width", "darkest", "median", "brightest", "mean", "contrast", "sharpness", "noise", "saturation",
        "midline",
        "embedding_1", "embedding_2", "embedding_3", "embedding_4", "embedding_5", "embedding_6", "embedding_7",
        "embedding_8",
    ),
    "series": (
        "samples", "duration", "rate", "longest_gap", "missing", "low", "high", "mean", "spread", "flat",
        "low_band", "high_band", "centroid",
        "embedding_1", "embedding_2", "embedding_3", "embedding_4", "embedding_5", "embedding_6", "embedding_7",
        "embedding_8",
    ),
    "text": (
        "characters", "sentences", "words_per_sentence", "chinese", "vocabulary", "unknown", "negated", "sections",
        "digits", "broken",
        "embedding_1", "embedding_2", "embedding_3", "embedding_4", "embedding_5", "embedding_6", "embedding_7",
        "embedding_8",
    ),
}  # fmt: skip
"""Kind of content -> what is measured of it at ingest; each is a number that may be declared as a feature."""
