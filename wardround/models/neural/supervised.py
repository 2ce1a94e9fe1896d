"""Networks with one answer per row: dense on features, convolutional on pictures and signals, recurrent on series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from wardround.errors import NotTrainable, UseCaseInvalid
from wardround.models.neural.answers import Answer, Classes, Number
from wardround.models.neural.inputs import Features, OfContent, Pictures
from wardround.models.neural.learner import Examples, NeuralLearner, subset
from wardround.models.neural.loop import Index, Rows, asked, settled
from wardround.models.neural.parameters import COMMON, KERNELS
from wardround.models.neural.signals import Grid, Series, Steps, of_content
from wardround.problems.base import Floats, Objects, Prediction
from wardround.use_cases.base import Content

if TYPE_CHECKING:
    import pandas as pd

STEPS = 16
"""In how many steps a gradient is integrated."""


@dataclass(kw_only=True, eq=False)
class Supervised(NeuralLearner):
    """A network with one answer per row."""

    def examples(self, frame: "pd.DataFrame", target: Floats) -> Examples:
        """Return the rows with an input and an outcome; strata are the classes."""
        there, rows = self.prepared(frame)
        known = np.isfinite(target[there])
        origin, rows = there[known], subset(rows, np.flatnonzero(known))
        self.meaning = self._meaning(target[origin])
        strata = target[origin] if isinstance(self.meaning, Classes) else np.zeros(len(origin))
        return Examples(rows=rows, wanted=self.meaning.wanted(target[origin]), strata=strata, origin=origin)

    def loss(self, output: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean loss of a batch."""
        assert self.meaning is not None
        return self.meaning.loss(output, wanted)

    def settle(self, examples: Examples, held: Sequence[Index], patients: Any) -> None:
        """Calibrate on the held-out patients."""
        assert self.meaning is not None
        outputs, targets = [], []
        wanted = examples.wanted.numpy().astype(float)
        if isinstance(self.meaning, Number):
            wanted = wanted[:, 0] * self.meaning.spread + self.meaning.mean
        for member, index in zip(self.members, held, strict=True):
            with settled():
                made = np.array(asked(member, subset(examples.rows, index), by_row=False), dtype=float)
            outputs.append(made.reshape(len(index), self.meaning.outputs))
            targets.append(wanted[index])
        self.meaning.settle(outputs, targets, [patients[index] for index in held])

    def predict(self, frame: "pd.DataFrame") -> Prediction:
        """Return one prediction per row, NaN where its content is missing."""
        assert self.meaning is not None, "it was not fitted"
        there, rows = self.prepared(frame)
        outputs = np.array([self.ask(member, rows) for member in self.members], dtype=float)
        made = self.meaning.prediction(outputs.reshape(len(self.members), len(there), self.meaning.outputs))
        return spread(made, there, len(frame))

    def explain(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return how much less each row's log odds (its number, in regression) would be without each part of the input;
        of several classes, the log odds of the likeliest."""
        import pandas as pd

        assert self.body is not None
        assert self.meaning is not None
        names = (*self.body.parts, *(self.beside.parts if self.beside else ()))
        out = np.full((len(frame), len(names)), np.nan)
        there, rows = self.prepared(frame)
        with settled():
            for number, place in enumerate(there):
                scores = self._scores(rows.x[number], None if rows.plain is None else rows.plain[number])
                out[place] = scores[0] - scores[1:]
        return pd.DataFrame(out, columns=pd.Index(names), index=frame.index)

    def saliency(self, frame: "pd.DataFrame") -> Objects | None:
        """Return integrated gradients (Sundararajan et al. 2017) of the explained log odds, from the mean picture or
        signal to the row's own, at the content's own size; None where a row has no content.

        None of recurrent networks: with weights drawn anew theirs points to the same places, so that it does not tell
        what was learned (the check of Adebayo et al. 2018).
        """
        if not isinstance(self.body, OfContent):
            return None
        out = np.full(len(frame), None, dtype=object)
        there, rows = self.prepared(frame)
        cells = frame[self.body.columns[0]]
        with settled():
            for number, place in enumerate(there):
                x, plain = rows.batch(np.array([number]))
                out[place] = self.body.on_content(self._integrated(x, plain), cells.iloc[place])
        return out

    def _meaning(self, target: Floats) -> Answer:
        if self.kind.problem == "regression":
            return Number.of(target)
        assert self.use_case is not None
        if len(np.unique(target)) < 2:
            raise NotTrainable(self._own, "the rows are not of two classes at least", "Add rows of the other classes")
        yes_or_no = self.kind.problem == "classification"
        names = ("no", "yes") if yes_or_no else tuple(str(name) for name in self.use_case.target.allowed or ())
        balanced = self.setting["class_weights"] == "balanced"
        return Classes.of(names, target, balanced=balanced, yes_or_no=yes_or_no)

    def _scores(self, x: Any, plain: Any) -> Floats:
        """Return the explained score of a row and of its versions without each part; one batch, whatever is beside."""
        assert self.body is not None
        assert self.meaning is not None
        parts = self.body.without(x)
        more = 0 if self.beside is None else len(self.beside.parts)
        versions = [x, *parts, *([x] * more)]
        beside = None
        if self.beside is not None:
            beside = np.vstack([np.repeat(plain[None], 1 + len(parts), axis=0), self.beside.without(plain)])
        rows = Rows(x=versions, plain=beside)
        outputs = np.array([asked(member, rows, by_row=False) for member in self.members], dtype=float)
        return self.meaning.score(outputs, int(self.meaning.towards(outputs[:, :1])[0]))

    def _integrated(self, x: Tensor, plain: Tensor | None) -> Any:
        assert self.meaning is not None
        start = torch.zeros_like(x)
        shares = (torch.arange(STEPS) + 0.5) / STEPS
        path = start + shares.reshape(-1, *[1] * (x.dim() - 1)) * (x - start)
        beside = None if plain is None else plain.expand(STEPS, -1)
        with torch.inference_mode():
            outputs = np.array([member(x, plain).numpy() for member in self.members], dtype=float)
        towards = int(self.meaning.towards(outputs)[0])
        total = torch.zeros_like(x[0])
        for member in self.members:
            path = path.detach().requires_grad_()
            output = member(path, beside)
            score = _log_odds(output, towards).sum() if isinstance(self.meaning, Classes) else output.sum()
            total += torch.autograd.grad(score, path)[0].mean(0)
        return (total * (x - start)[0] / len(self.members)).numpy()


@dataclass(kw_only=True, eq=False)
class Dense(Supervised):
    """A dense network on the features."""

    defaults: ClassVar[Mapping[str, Any]] = {
        **COMMON, "epochs": 60, "patience": 10, "class_weights": "none", "width": 64, "layers": 2,
    }  # fmt: skip

    def inputs(self, frame: "pd.DataFrame", patients: Any) -> tuple[str, ...]:
        """Learn the features."""
        assert self.use_case is not None
        self.body = Features.of(self.use_case, self.use_case.feature_names, frame, patients)
        return ()

    def architecture(self) -> tuple[str, dict[str, Any]]:
        """Return the dense network of the features' width."""
        assert isinstance(self.body, Features)
        assert self.meaning is not None
        shape = {"inputs": self.body.width, "outputs": self.meaning.outputs}
        return "dense", shape | {name: self.setting[name] for name in ("width", "layers", "dropout")}


@dataclass(kw_only=True, eq=False)
class WithContent(Supervised):
    """A network on a content, with features beside it where asked: *features* none, plain (those not measured of a
    content) or all."""

    def content(self) -> Content:
        """Return the content that is learned from: the one that *content* names, or the first the family can take."""
        assert self.use_case is not None
        fitting = [each for each in self.use_case.contents if each.kind in self.kind.contents]
        asked_for = self.setting["content"]
        for each in fitting:
            if asked_for in ("", each.name):
                return each
        wanted = " or ".join(self.kind.contents)
        fault = f"candidates: {self.family} needs a content of kind {wanted}" + f" called {asked_for!r}" * bool(
            asked_for
        )
        raise UseCaseInvalid(self._own, (fault,))

    def learn_beside(self, frame: "pd.DataFrame", patients: Any) -> None:
        """Learn the features beside the content."""
        assert self.use_case is not None
        how = self.setting["features"]
        names = tuple(each.name for each in self.use_case.features if how == "all" or each.of is None)
        if how != "none" and names:
            self.beside = Features.of(self.use_case, names, frame, patients)

    def shaped(self, **more: Any) -> dict[str, Any]:
        """Return the arguments that all networks on contents share, and *more*."""
        assert self.meaning is not None
        plain = self.beside.width if self.beside else 0
        return {"plain": plain, "outputs": self.meaning.outputs, "dropout": self.setting["dropout"], **more}


@dataclass(kw_only=True, eq=False)
class Convolutional(WithContent):
    """A convolutional network on pictures (of one size, *largest* at the longest side) or signals (at most *points*
    points of time). *kernel* 0: 3 in pictures, 7 in signals."""

    defaults: ClassVar[Mapping[str, Any]] = {
        **COMMON, "epochs": 30, "class_weights": "none", "width": 16, "blocks": 3, "kernel": 0, "augment": "shift",
        "enhance": "none", "content": "", "features": "none", "largest": 128, "points": 512,
    }  # fmt: skip

    def inputs(self, frame: "pd.DataFrame", patients: Any) -> tuple[str, ...]:
        """Learn the content, and the features beside it."""
        content = self.content()
        self.require(frame, (content.name,))
        self.learn_beside(frame, patients)
        self.body, notes = of_content(content, frame, self.setting)
        return notes

    def architecture(self) -> tuple[str, dict[str, Any]]:
        """Return the convolutional network for the content."""
        if isinstance(self.body, Pictures):
            dimensions, channels = 2, self.body.channels
        else:
            assert isinstance(self.body, Grid)
            dimensions, channels = 1, len(self.body.means) * (1 + self.body.masked)
        own = {name: self.setting[name] for name in ("width", "blocks")}
        kernel = self.setting["kernel"] or KERNELS[dimensions]
        return "convolutional", self.shaped(dimensions=dimensions, channels=channels, kernel=kernel, **own)


@dataclass(kw_only=True, eq=False)
class Recurrent(WithContent):
    """A GRU or LSTM on series of any length, with masks and gaps."""

    defaults: ClassVar[Mapping[str, Any]] = {
        **COMMON, "class_weights": "none", "cell": "gru", "width": 32, "layers": 1, "content": "", "features": "none",
        "most_steps": 512,
    }  # fmt: skip

    def inputs(self, frame: "pd.DataFrame", patients: Any) -> tuple[str, ...]:
        """Learn the series, and the features beside it."""
        content = self.content()
        self.require(frame, (content.name,))
        self.learn_beside(frame, patients)
        self.body, notes = Steps.of(content.name, len(content.channels), frame, most=self.setting["most_steps"])
        return notes

    def architecture(self) -> tuple[str, dict[str, Any]]:
        """Return the recurrent network for the series."""
        assert isinstance(self.body, Series)
        cell = ("gru", "lstm").index(self.setting["cell"])
        own = {name: self.setting[name] for name in ("width", "layers")}
        return "recurrent", self.shaped(cell=cell, channels=len(self.body.means), **own)


def spread(made: Prediction, there: Index, count: int) -> Prediction:
    """Return the prediction of *count* rows, those at *there* as *made* says, NaN and None in all others."""

    def full(values: Any, blank: Any) -> Any:
        if values is None:
            return None
        out = np.full((count, *np.shape(values)[1:]), blank, dtype=np.asarray(values).dtype)
        out[there] = values
        return out

    return Prediction(
        value=full(made.value, np.nan), low=full(made.low, np.nan), high=full(made.high, np.nan),
        parts=full(made.parts, np.nan), output=full(made.output, None),
    )  # fmt: skip


def _log_odds(output: Tensor, towards: int) -> Tensor:
    others = [k for k in range(output.shape[1]) if k != towards]
    return output[:, towards] - torch.logsumexp(output[:, others], 1)
