"""The families beyond scikit-learn's tables, declared without importing what they are made of."""

from wardround.models.base import Family

_MODELS, _NEURAL, _DEEP = "wardround.models", "wardround.models.neural", "deep"
_OUTCOMES = ("classification", "regression", "multiclass")

FAMILIES = (
    *(Family(name="dense", problem=problem, home=f"{_NEURAL}.supervised:Dense", extra=_DEEP) for problem in _OUTCOMES),
    Family(name="autoencoder_features", problem="classification", home=f"{_NEURAL}.rebuilding:AutoencoderFeatures",
           extra=_DEEP, uses_unlabelled=True),
    *(Family(name="cnn", problem=problem, home=f"{_NEURAL}.supervised:Convolutional", extra=_DEEP,
             contents=("image", "series")) for problem in _OUTCOMES),
    *(Family(name="recurrent", problem=problem, home=f"{_NEURAL}.supervised:Recurrent", extra=_DEEP,
             contents=("series",)) for problem in _OUTCOMES),
    Family(name="unet", problem="segmentation", home=f"{_NEURAL}.segmenting:UNet", extra=_DEEP, contents=("image",)),
    Family(name="autoencoder", problem="anomaly", home=f"{_NEURAL}.rebuilding:Autoencoder", extra=_DEEP),
    Family(name="thresholding", problem="segmentation", home=f"{_MODELS}.thresholding:Thresholding", extra="imaging",
           contents=("image",)),
    *(Family(name=name, problem="multiclass", home=f"{_MODELS}.classes:{home}")
      for name, home in (("logistic", "Logistic"), ("random_forest", "Forest"), ("boosting", "Boosting"))),
    Family(name="self_training", problem="classification", home=f"{_MODELS}.few:SelfTraining", uses_unlabelled=True),
    *(Family(name=name, problem="clustering", home=f"{_MODELS}.groups:{home}")
      for name, home in (("kmeans", "KMeansGroups"), ("gaussian_mixture", "MixtureGroups"))),
    *(Family(name=name, problem="anomaly", home=f"{_MODELS}.outliers:{home}")
      for name, home in (("isolation_forest", "Isolation"), ("principal_components", "Components"))),
    *(Family(name="bag_of_words", problem=problem, home=f"{_MODELS}.words:BagOfWords", contents=("text",))
      for problem in ("classification", "multiclass", "multilabel")),
    Family(name="dictionary", problem="tagging", home=f"{_MODELS}.tagging:Dictionary", contents=("text",)),
    Family(name="crf", problem="tagging", home=f"{_MODELS}.crf:ConditionalField", extra="text", contents=("text",)),
    *(Family(name=name, problem="summary", home=f"{_MODELS}.summarising:{home}", contents=("text",))
      for name, home in (("lead", "Lead"), ("textrank", "TextRank"), ("sentence_ranking", "SentenceRanking"))),
)  # fmt: skip
