"""The families beyond scikit-learn's tables, declared without importing what they are made of."""

from wardround.models.base import Family

_NEURAL, _DEEP = "wardround.models.neural", "deep"
_GRID = ("image", "series")

FAMILIES = (
    *(Family(name="dense", problem=problem, home=_NEURAL, extra=_DEEP)
      for problem in ("classification", "regression", "multiclass")),
    Family(name="autoencoder_features", problem="classification", home=_NEURAL, extra=_DEEP, uses_unlabelled=True),
    *(Family(name="cnn", problem=problem, home=_NEURAL, extra=_DEEP, contents=_GRID)
      for problem in ("classification", "regression", "multiclass")),
    *(Family(name="recurrent", problem=problem, home=_NEURAL, extra=_DEEP, contents=("series",))
      for problem in ("classification", "regression", "multiclass")),
    Family(name="unet", problem="segmentation", home=_NEURAL, extra=_DEEP, contents=("image",)),
    Family(name="autoencoder", problem="anomaly", home=_NEURAL, extra=_DEEP),
    Family(name="thresholding", problem="segmentation", home="wardround.models.thresholding", extra="imaging",
           contents=("image",)),
    *(Family(name=name, problem="multiclass", home="wardround.models.classes")
      for name in ("logistic", "random_forest", "boosting")),
    Family(name="self_training", problem="classification", home="wardround.models.few", uses_unlabelled=True),
    *(Family(name=name, problem="clustering", home="wardround.models.groups")
      for name in ("kmeans", "gaussian_mixture")),
    *(Family(name=name, problem="anomaly", home="wardround.models.outliers")
      for name in ("isolation_forest", "principal_components")),
    *(Family(name="bag_of_words", problem=problem, home="wardround.models.words", contents=("text",))
      for problem in ("classification", "multiclass", "multilabel")),
    Family(name="dictionary", problem="tagging", home="wardround.models.tagging", contents=("text",)),
    Family(name="crf", problem="tagging", home="wardround.models.crf", extra="text", contents=("text",)),
    *(Family(name=name, problem="summary", home="wardround.models.summarising", contents=("text",))
      for name in ("lead", "textrank", "sentence_ranking")),
)  # fmt: skip
