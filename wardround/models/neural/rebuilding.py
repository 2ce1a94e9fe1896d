"""Autoencoders: learned features of a table for a logistic head, and how badly a row is rebuilt as an alarm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn import functional

from wardround.errors import NotTrainable, UseCaseInvalid
from wardround.models.conformal import flagging
from wardround.models.limits import beneath
from wardround.models.matrices import added_up, by_feature
from wardround.models.neural.inputs import Features, Pictures
from wardround.models.neural.learner import Examples, NeuralLearner, subset
from wardround.models.neural.loop import Index, Rows
from wardround.models.neural.networks import built
from wardround.models.neural.parameters import COMMON, KERNELS
from wardround.models.neural.signals import Grid, of_content
from wardround.models.neural.supervised import Supervised
from wardround.problems.anomaly import UNUSUAL, USUAL
from wardround.problems.base import Floats, Objects, Prediction

if TYPE_CHECKING:
    import pandas as pd

_IN_SAMPLE = (
    "nobody was held out, so what is unusual was taken from rows it learned from, whose scores are too low: more than "
    "the asked share of new rows will be flagged"
)


@dataclass(kw_only=True, eq=False)
class AutoencoderFeatures(Supervised):
    """An autoencoder learns a code of the features from all rows, outcomes or not; a logistic regression learns the
    outcome from the code (Hinton & Salakhutdinov 2006)."""

    defaults: ClassVar[Mapping[str, Any]] = {
        **COMMON, "epochs": 100, "patience": 10, "class_weights": "none", "dropout": 0.1, "width": 64, "code": 8,
        "C": 1.0,
    }  # fmt: skip

    outcomes: Floats | None = None

    def inputs(self, frame: "pd.DataFrame", patients: Any) -> tuple[str, ...]:
        """Learn the features."""
        assert self.use_case is not None
        self.body = Features.of(self.use_case, self.use_case.feature_names, frame, patients)
        return ()

    def examples(self, frame: "pd.DataFrame", target: Floats) -> Examples:
        """Return all rows, each its own answer."""
        there, rows = self.prepared(frame)
        self.outcomes = target
        self.meaning = self._meaning(target[np.isfinite(target)])
        return Examples(
            rows=rows, wanted=torch.from_numpy(np.array(rows.x)), strata=np.nan_to_num(target, nan=-1.0), origin=there
        )

    def architecture(self) -> tuple[str, dict[str, Any]]:
        """Return the autoencoder of the features' width."""
        assert isinstance(self.body, Features)
        own = {name: self.setting[name] for name in ("width", "code", "dropout")}
        return "dense autoencoder", {"inputs": self.body.width, **own}

    def loss(self, output: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean squared error of what was rebuilt."""
        return functional.mse_loss(output, wanted)

    def settle(self, examples: Examples, held: Sequence[Index], patients: Any) -> None:
        """Put the logistic head in the decoder's place and calibrate it on the held-out patients."""
        assert self.meaning is not None
        assert self.outcomes is not None
        known = np.flatnonzero(np.isfinite(self.outcomes))
        self.network, self.shape = "dense code", {**self.shape, "outputs": self.meaning.outputs}
        self.members = [
            self._headed(member, examples.rows, np.setdiff1d(known, index))
            for member, index in zip(self.members, held, strict=True)
        ]
        labelled = Examples(
            rows=examples.rows, wanted=self.meaning.wanted(np.nan_to_num(self.outcomes)), strata=examples.strata,
            origin=examples.origin,
        )  # fmt: skip
        super().settle(labelled, [np.intersect1d(index, known) for index in held], patients)
        self.outcomes = None

    def _headed(self, autoencoder: nn.Module, rows: Rows, learn: Index) -> nn.Module:
        assert self.outcomes is not None
        encoder = autoencoder.get_submodule("encoder")
        codes, target = np.stack(self.ask(encoder, subset(rows, learn))).astype(float), self.outcomes[learn]
        weights = np.array(self.meaning.weights)[target.astype(int)]  # type: ignore[union-attr]
        with threadpool_limits(limits=1):
            head = LogisticRegression(C=float(self.setting["C"]), max_iter=1000)
            with beneath():
                head.fit(codes, target, sample_weight=weights)
        made = built("dense code", self.shape).eval()
        made.get_submodule("encoder").load_state_dict(encoder.state_dict())
        state = made.get_submodule("head").state_dict()
        state["weight"].copy_(torch.from_numpy(np.vstack([np.zeros_like(head.coef_), head.coef_])))
        state["bias"].copy_(torch.tensor([0.0, float(head.intercept_[0])]))
        return made


@dataclass(kw_only=True, eq=False)
class Autoencoder(NeuralLearner):
    """An autoencoder of a picture, of a signal or of the features; *value* is the mean squared error of what it
    rebuilds, in units of the training rows' spread, and *output* whether that is above all but a share *flag* of the
    held-out rows. Explanations are the parts' shares of the error and add up to it; the saliency is the error itself.

    *of* names a content, or says ``features``; by default it is the first picture or signal, if there is one.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **COMMON, "epochs": 100, "patience": 10, "dropout": 0.0, "width": 16, "blocks": 2, "kernel": 0, "code": 4,
        "flag": 0.05, "of": "", "augment": "none", "enhance": "none", "largest": 128, "points": 512,
    }  # fmt: skip

    unusual: float = float("inf")

    def inputs(self, frame: "pd.DataFrame", patients: Any) -> tuple[str, ...]:
        """Learn the content or the features."""
        assert self.use_case is not None
        fitting = {each.name: each for each in self.use_case.contents if each.kind in ("image", "series")}
        chosen = self.setting["of"] or next(iter(fitting), "features")
        if chosen == "features":
            self.body = Features.of(self.use_case, self.use_case.feature_names, frame, patients, missing=False)
            return ()
        if chosen not in fitting:
            raise UseCaseInvalid(self._own, (f"candidates: {self.family}: of names no picture or signal",))
        self.require(frame, (chosen,))
        self.body, notes = of_content(fitting[chosen], frame, self.setting)
        return notes

    def examples(self, frame: "pd.DataFrame", target: Floats) -> Examples:
        """Return the rows with an input; what is wanted are the values, and below them the masks, if there are any."""
        there, rows = self.prepared(frame)
        wanted = np.array(rows.x)
        return Examples(rows=rows, wanted=torch.from_numpy(wanted), strata=np.zeros(len(there)), origin=there)

    def architecture(self) -> tuple[str, dict[str, Any]]:
        """Return the autoencoder for what is rebuilt."""
        if isinstance(self.body, Features):
            own = {name: self.setting[name] for name in ("width", "code", "dropout")}
            return "dense autoencoder", {"inputs": self.body.width, **own}
        if isinstance(self.body, Pictures):
            dimensions, inputs, outputs = 2, self.body.channels, self.body.channels
        else:
            assert isinstance(self.body, Grid)
            outputs = len(self.body.means)
            dimensions, inputs = 1, outputs * (1 + self.body.masked)
        own = {name: self.setting[name] for name in ("width", "blocks", "code")}
        own |= {"kernel": self.setting["kernel"] or KERNELS[dimensions]}
        return "convolutional autoencoder", {"dimensions": dimensions, "inputs": inputs, "outputs": outputs, **own}

    def loss(self, output: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean squared error where something was measured."""
        if not self._masked:
            return functional.mse_loss(output, wanted)
        values, weights = wanted.chunk(2, 1)
        return ((output - values) ** 2 * weights).sum() / weights.sum().clamp(min=1)

    def settle(self, examples: Examples, held: Sequence[Index], patients: Any) -> None:
        """Take the score above which a row is unusual, from the first member's held-out rows."""
        if not len(held[0]):
            self.notes += (_IN_SAMPLE,)
        rows = subset(examples.rows, held[0]) if len(held[0]) else examples.rows
        scores = np.array([float(each.sum()) for each in self._errors(rows)])
        measured = scores[np.isfinite(scores)]
        if not len(measured):
            raise NotTrainable(self._own, "no held-out row has anything that was measured", "Add rows")
        self.unusual = flagging(measured, float(self.setting["flag"]))

    def predict(self, frame: "pd.DataFrame") -> Prediction:
        """Return the reconstruction error, whether it is unusual, and the parts of `wardround.problems.anomaly`."""
        there, rows = self.prepared(frame)
        value, parts = np.full(len(frame), np.nan), np.full((len(frame), 3), np.nan)
        output = np.full(len(frame), None, dtype=object)
        for place, error, x in zip(there, self._errors(rows), rows.x, strict=True):
            values, weights = self._values(x)
            value[place] = _total(error)
            parts[place] = value[place], _total(self._per_cell(values**2, weights)), value[place] > self.unusual
            output[place] = UNUSUAL if value[place] > self.unusual else USUAL
        return Prediction(value=value, parts=parts, output=output)

    def explain(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return how much of the error lies in each part."""
        import pandas as pd

        assert self.body is not None
        there, rows = self.prepared(frame)
        out = np.full((len(frame), len(self.body.parts)), np.nan)
        for place, error in zip(there, self._errors(rows), strict=True):
            if isinstance(self.body, Features):
                out[place] = by_feature(error[None], self.body.owner, len(self.body.parts))[0]
            else:
                whole = self.body.without(error.astype(np.float32))
                out[place] = error.sum() - whole.reshape(len(whole), -1).sum(1, dtype=float)
        return pd.DataFrame(out, columns=pd.Index(self.body.parts), index=frame.index)

    def saliency(self, frame: "pd.DataFrame") -> Objects | None:
        """Return the squared error at each place of the content, None where a row has none."""
        if not isinstance(self.body, Pictures | Grid):
            return None
        there, rows = self.prepared(frame)
        out = np.full(len(frame), None, dtype=object)
        cells = frame[self.body.columns[0]]
        for place, error in zip(there, self._errors(rows), strict=True):
            out[place] = self.body.on_content((error * error.size).astype(np.float32), cells.iloc[place])
        return out

    def facts(self) -> Mapping[str, Any]:
        """Return what `NeuralLearner.facts` does, and the score above which a row is unusual."""
        return {**super().facts(), "unusual": self.unusual}

    def take(self, files: Mapping[str, bytes], facts: Mapping[str, Any], *, place: str) -> None:
        """Take over what `files` and `facts` gave."""
        super().take(files, facts, place=place)
        self.unusual = float(facts["unusual"])

    @property
    def _masked(self) -> bool:
        return isinstance(self.body, Grid) and self.body.masked

    def _errors(self, rows: Rows) -> list[Floats]:
        """Return each row's squared errors; they add up to its score."""
        given = [self.ask(member, rows) for member in self.members]
        out = []
        for number, x in enumerate(rows.x):
            rebuilt = sum(each[number].astype(float) for each in given) / len(given)
            values, weights = self._values(x)
            out.append(self._per_cell((rebuilt - values) ** 2, weights))
        return out

    def _per_cell(self, squares: Any, weights: Any) -> Floats:
        """Return *squares* as parts of the mean: per feature of a table, per measured point of a content."""
        count = len(self.body.columns) if isinstance(self.body, Features) else weights.sum()
        return np.asarray(squares * weights / count if count else np.full(squares.shape, np.nan), dtype=float)

    def _values(self, x: Any) -> tuple[Any, Any]:
        """Return what is to be rebuilt of an input, and what each number weighs."""
        if self._masked:
            return np.split(x, 2)[0], np.split(x, 2)[1]
        return x, np.ones_like(x)


def _total(error: Floats) -> float:
    return float(added_up(error.reshape(1, -1))[0]) if error.ndim == 1 else float(error.sum())
