"""Networks behind the `Learner` protocol, trained with PyTorch; the one explicit dict of their families is below."""

from collections.abc import Mapping
from typing import Any

from wardround.models.base import Family
from wardround.models.neural.learner import NeuralLearner
from wardround.models.neural.rebuilding import Autoencoder, AutoencoderFeatures
from wardround.models.neural.segmenting import UNet
from wardround.models.neural.supervised import Convolutional, Dense, Recurrent
from wardround.use_cases.base import UseCase

LEARNERS: Mapping[str, type[NeuralLearner]] = {
    "dense": Dense,
    "cnn": Convolutional,
    "recurrent": Recurrent,
    "unet": UNet,
    "autoencoder": Autoencoder,
    "autoencoder_features": AutoencoderFeatures,
}


def unfitted(use_case: UseCase, family: Family, parameters: Mapping[str, Any], *, calibrate: bool) -> NeuralLearner:
    """Return an unfitted learner of *family*."""
    made = LEARNERS[family.name]
    return made(use_case=use_case, kind=family, parameters=dict(parameters), calibrate=calibrate)


def restored(files: Mapping[str, bytes], family: Family, *, place: str) -> NeuralLearner:
    """Return the learner that was saved as *files*.

    Raises:
        Corrupted: a file is missing, or not what `NeuralLearner.save` writes.
    """
    return LEARNERS[family.name].restore(files, family, place=place)
