"""From a network's outputs to a prediction: classes with calibrated probabilities, or a number with an interval."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logit, softmax
from torch import Tensor
from torch.nn import functional

from wardround.models.conformal import covering
from wardround.problems.base import Floats, Prediction
from wardround.problems.classification import CLIP

_LEAST_HELD = 10


class Answer(ABC):
    """What the outputs of the members' networks (members, rows, outputs) mean."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many numbers a network gives of a row."""

    @abstractmethod
    def loss(self, output: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean loss of a batch."""

    @abstractmethod
    def wanted(self, target: Floats) -> Tensor:
        """Return what the network should give for *target* (n,)."""

    @abstractmethod
    def settle(self, outputs: Sequence[Floats], targets: Sequence[Floats], patients: Sequence[Any]) -> None:
        """Learn from the held-out rows of each member, and whose they are."""

    @abstractmethod
    def prediction(self, outputs: Floats) -> Prediction:
        """Return the prediction of each row."""

    @abstractmethod
    def score(self, outputs: Floats, towards: int) -> Floats:
        """Return the number that explanations add up to, of each row; *towards* is the class that is explained."""

    def towards(self, outputs: Floats) -> NDArray[np.intp]:
        """Return which class of each row is explained."""
        return np.zeros(outputs.shape[1], dtype=np.intp)


@dataclass(kw_only=True)
class Classes(Answer):
    """Probabilities of *names*, in order; two names are no and yes.

    Each member's are calibrated by a temperature (Guo et al. 2017) fitted on its held-out patients, then averaged
    (Lakshminarayanan et al. 2017). Class *weights* in training are taken out of the probabilities again (Elkan 2001).
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    temperatures: tuple[float, ...] = ()
    yes_or_no: bool

    def __post_init__(self) -> None:
        self.names, self.weights = tuple(self.names), tuple(self.weights)
        self.temperatures = tuple(self.temperatures)
        if len(self.weights) != len(self.names) or min(self.weights, default=0.0) <= 0:
            raise ValueError("a class has no weight")

    @classmethod
    def of(cls, names: Sequence[str], target: Floats, *, balanced: bool, yes_or_no: bool) -> "Classes":
        """Take the class weights from the training rows: inverse to how frequent a class is, where *balanced*."""
        counts = np.bincount(target.astype(int), minlength=len(names))
        weights = np.where(counts > 0, len(target) / (np.maximum(counts, 1) * (counts > 0).sum()), 1.0)
        weights = weights if balanced else np.ones(len(names))
        return cls(names=tuple(names), weights=tuple(weights.tolist()), yes_or_no=yes_or_no)

    @property
    def outputs(self) -> int:
        """One per class."""
        return len(self.names)

    def wanted(self, target: Floats) -> Tensor:
        """Return class numbers."""
        return torch.from_numpy(target.astype(np.int64))

    def loss(self, output: Tensor, wanted: Tensor) -> Tensor:
        """Return the weighted cross-entropy."""
        if set(self.weights) == {1.0}:
            return functional.cross_entropy(output, wanted)
        each = functional.cross_entropy(output, wanted, reduction="none")
        return (each * torch.tensor(self.weights, device=output.device)[wanted]).mean()

    def settle(self, outputs: Sequence[Floats], targets: Sequence[Floats], patients: Sequence[Any]) -> None:
        """Fit each member's temperature."""
        self.temperatures = tuple(
            self._temperature(output, target.astype(int)) for output, target in zip(outputs, targets, strict=True)
        )

    def prediction(self, outputs: Floats) -> Prediction:
        """Return P(yes), or of several classes the likeliest, its probability, and all of them as parts."""
        chance = self._chances(outputs)
        if self.yes_or_no:
            return Prediction(value=chance[:, 1])
        likeliest = chance.argmax(1)
        named = np.array(self.names, dtype=object)[likeliest]
        return Prediction(value=chance[np.arange(len(chance)), likeliest], parts=chance, output=named)

    def towards(self, outputs: Floats) -> NDArray[np.intp]:
        """Return yes, or the likeliest class."""
        chance = self._chances(outputs)
        return np.ones(len(chance), dtype=np.intp) if self.yes_or_no else chance.argmax(1)

    def score(self, outputs: Floats, towards: int) -> Floats:
        """Return the log odds of the class."""
        return np.asarray(logit(np.clip(self._chances(outputs)[:, towards], CLIP, 1 - CLIP)))

    def _chances(self, outputs: Floats) -> Floats:
        raw = np.asarray(outputs, dtype=float) - np.log(self.weights)
        return _mean(softmax(raw / np.array(self.temperatures)[:, None, None], axis=2))

    def _temperature(self, output: Floats, target: NDArray[Any]) -> float:
        if len(target) < _LEAST_HELD:
            return 1.0
        raw = np.asarray(output, dtype=float) - np.log(self.weights)

        def worth(logarithm: float) -> float:
            return -float(log_softmax(raw / np.exp(logarithm), axis=1)[np.arange(len(target)), target].mean())

        return float(np.exp(minimize_scalar(worth, bounds=(-2.0, 3.0), method="bounded").x))


@dataclass(kw_only=True)
class Number(Answer):
    """A number, learned as its distance from *mean* in units of *spread*.

    *half_width* of the interval is the 0.9 quantile of absolute residuals of the held-out patients (split-conformal
    regression, Lei et al. 2018).
    """

    mean: float
    spread: float
    half_width: float | None = None

    @classmethod
    def of(cls, target: Floats) -> "Number":
        """Take the scale from the training rows."""
        return cls(mean=float(target.mean()), spread=float(target.std()) or 1.0)

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    def wanted(self, target: Floats) -> Tensor:
        """Return the scaled number, (n, 1)."""
        return torch.from_numpy(((target - self.mean) / self.spread).astype(np.float32)[:, None])

    def loss(self, output: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean squared error."""
        return functional.mse_loss(output, wanted)

    def settle(self, outputs: Sequence[Floats], targets: Sequence[Floats], patients: Sequence[Any]) -> None:
        """Measure the residuals."""
        pairs = zip(outputs, targets, strict=True)
        residuals = np.concatenate([np.abs(target - self._value(output[None])) for output, target in pairs])
        self.half_width = covering(residuals, np.concatenate(patients))

    def prediction(self, outputs: Floats) -> Prediction:
        """Return the number with its interval."""
        value = self._value(outputs)
        if self.half_width is None:
            return Prediction(value=value)
        return Prediction(value=value, low=value - self.half_width, high=value + self.half_width)

    def score(self, outputs: Floats, towards: int) -> Floats:
        """Return the number."""
        return self._value(outputs)

    def _value(self, outputs: Floats) -> Floats:
        return _mean(np.asarray(outputs, dtype=float)[:, :, 0]) * self.spread + self.mean


def _mean(members: Floats) -> Floats:
    """Return the mean over the first axis, added up one after the other, whatever the shape."""
    return np.asarray(sum(members) / len(members))
