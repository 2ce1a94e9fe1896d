"""What all neural learners have in common: inputs, members, held-out patients, files, and asking row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from torch import Tensor, nn

from wardround.errors import NotTrainable
from wardround.models.neural.answers import Answer, Classes, Number
from wardround.models.neural.inputs import Features, Input, Pictures, facts_of, features_from, files_of
from wardround.models.neural.loop import Index, Rows, asked, held_out, settled, shifted, trained
from wardround.models.neural.networks import BY_ROW, built
from wardround.models.neural.parameters import COMMON, faults
from wardround.models.neural.signals import Grid, Steps
from wardround.models.neural.storing import WEIGHTS, packed_weights, unpacked_networks
from wardround.models.whole import Progress, WholeLearner
from wardround.problems.base import Floats

if TYPE_CHECKING:
    import pandas as pd

INPUTS: Mapping[str, type[Input]] = {"pictures": Pictures, "grid": Grid, "steps": Steps}
ANSWERS: Mapping[str, type[Answer]] = {"classes": Classes, "number": Number}


@dataclass(frozen=True, kw_only=True)
class Examples:
    """What a network learns from: *rows*, what it should give for each (*wanted*), the *strata* that held-out patients
    are drawn from, and which row of the frame each example is of (*origin*)."""

    rows: Rows
    wanted: Tensor
    strata: Floats
    origin: Index


@dataclass(kw_only=True, eq=False)
class NeuralLearner(WholeLearner):
    """A `wardround.models.base.Learner` of one or several networks of one architecture.

    *body* is what the network is given, *beside* the features beside a content. *network* and *shape* describe the
    architecture. Trained where *device* says, asked on the processor always: a row gets the same bits everywhere.
    """

    defaults: ClassVar[Mapping[str, Any]] = COMMON

    body: Input | None = None
    beside: Features | None = None
    meaning: Answer | None = None
    network: str = ""
    shape: dict[str, Any] = field(default_factory=dict)
    members: list[nn.Module] = field(default_factory=list)

    @property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """The levels it tells apart, by category column."""
        found = [each.encoding.levels for each in (self.body, self.beside) if isinstance(each, Features)]
        return {name: levels for each in found for name, levels in each.items()}

    @property
    def calibrated(self) -> bool:
        """Whether its probabilities were fitted on held-out patients: always, where some were held out."""
        return isinstance(self.meaning, Classes) and any(one != 1.0 for one in self.meaning.temperatures)

    def faults(self, names: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what is wrong with the values of *names*, single ones or tuples of a grid."""
        return faults(names, self.defaults)

    def inputs(self, frame: "pd.DataFrame", patients: Any) -> tuple[str, ...]:
        """Learn the inputs from training rows (set ``body`` and ``beside``); return what was noticed."""
        raise NotImplementedError

    def examples(self, frame: "pd.DataFrame", target: Floats) -> Examples:
        """Return what the networks learn from."""
        raise NotImplementedError

    def architecture(self) -> tuple[str, dict[str, Any]]:
        """Return the name of the network and its arguments."""
        raise NotImplementedError

    def loss(self, output: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean loss of a batch."""
        raise NotImplementedError

    def settle(self, examples: Examples, held: Sequence[Index], patients: Any) -> None:
        """Learn what is learned from the examples each member did not learn from; *patients* are of all examples."""

    def learn(
        self, frame: "pd.DataFrame", target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> None:
        """Learn from the rows; see `WholeLearner.learn`."""
        self.check_parameters(self.setting)
        notes = list(self.inputs(frame, patients))
        assert self.body is not None
        self.columns = (*self.body.columns, *(self.beside.columns if self.beside else ()))
        examples = self.examples(frame, target)
        if not len(examples.origin):
            raise NotTrainable(self._own, "no row has both an input and an outcome", "Add rows, or look at quarantine")
        if len(np.unique(examples.origin)) < len(frame):
            notes.append("rows without a picture, a signal or an outcome were not learned from")
        self.network, self.shape = self.architecture()
        device = "cuda" if self.setting["device"] == "auto" and torch.cuda.is_available() else "cpu"
        if device != "cpu":
            notes.append("it was trained on a GPU")
        examples = replace(examples, rows=examples.rows.stacked())
        patients = np.asarray(patients)[examples.origin]
        self.members, held = self._trained(examples, patients, seed, device, progress)
        if not all(map(len, held)) and self.setting["patience"]:
            notes.append("too few patients to hold some out: all epochs were made, and nothing is calibrated")
        self.notes = tuple(notes)
        self.settle(examples, held, patients)

    def augmented(self, x: Tensor, wanted: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return a batch moved a little, as *augment* says; a flipped picture may be another finding, so none is unless
        asked for."""
        how = self.setting.get("augment", "none")
        if how == "none" or x.dim() < 3 or self.network == "recurrent":
            return x, wanted
        return shifted(x, generator, share=0.07, flip=how in ("flip", "turn")), wanted

    def ask(self, member: nn.Module, rows: Rows) -> list[NDArray[np.float32]]:
        """Return the output of one network for each row; a row gets the same bits in any company."""
        with settled():
            return asked(member, rows, by_row=self.network in BY_ROW)

    def prepared(self, frame: "pd.DataFrame") -> tuple[Index, Rows]:
        """Return which rows have an input, and their inputs."""
        assert self.body is not None, "it was not fitted"
        x = self.body.prepared(frame)
        there = np.array([place for place, each in enumerate(x) if each is not None], dtype=np.intp)
        plain = None
        if self.beside is not None:
            beside = self.beside.prepared(frame)
            plain = np.array([beside[i] for i in there], dtype=np.float32).reshape(len(there), self.beside.width)
        return there, Rows(x=[each for each in x if each is not None], plain=plain)

    def files(self) -> dict[str, bytes]:
        """Return the weights, and how features are prepared."""
        return {WEIGHTS: packed_weights(self.members), **files_of(self.body), **files_of(self.beside)}

    def facts(self) -> Mapping[str, Any]:
        """Return architecture, inputs and the meaning of the outputs."""
        assert self.body is not None
        return {
            "network": self.network,
            "shape": self.shape,
            "members": len(self.members),
            "body": facts_of(self.body),
            "beside": facts_of(self.beside) if self.beside else None,
            "meaning": {"kind": type(self.meaning).__name__.lower(), **asdict(self.meaning)}  # type: ignore[call-overload]
            if self.meaning
            else None,
        }

    def take(self, files: Mapping[str, bytes], facts: Mapping[str, Any], *, place: str) -> None:
        """Take over what `files` and `facts` gave."""
        self.network, self.shape = facts["network"], dict(facts["shape"])
        self.members = unpacked_networks(files[WEIGHTS], self.network, self.shape, int(facts["members"]), place=place)

        def input_of(said: Mapping[str, Any]) -> Input:
            if said["kind"] == "features":
                return features_from(said, files, place=place)
            made: Input = _validated(INPUTS[said["kind"]], said)
            return made

        self.body = input_of(facts["body"])
        if facts["beside"] is not None:
            self.beside = features_from(facts["beside"], files, place=place)
        if facts["meaning"] is not None:
            self.meaning = _validated(ANSWERS[facts["meaning"]["kind"]], facts["meaning"])

    def _trained(
        self, examples: Examples, patients: Any, seed: int, device: str, progress: Progress | None
    ) -> tuple[list[nn.Module], list[Index]]:
        members, held = [], []
        everyone = np.arange(len(examples.origin))
        count = int(self.setting["members"])
        for number in range(count):
            out = np.zeros(len(everyone), dtype=bool)
            if self.setting["patience"]:
                out = held_out(examples.strata, patients, seed=seed, fold=number)
            with settled(seed + number, device=device):
                network = built(self.network, self.shape)
                try:
                    trained(
                        network, examples.rows, examples.wanted, self.loss, learn=everyone[~out], held=everyone[out],
                        setting=self.setting, device=device, seed=seed + number, moved=self.augmented,
                        tell=_telling(progress, number, count),
                    )  # fmt: skip
                except FloatingPointError as error:
                    raise NotTrainable(self._own, f"{self.family}: {error}", "Lower learning_rate") from None
            members.append(network)
            held.append(everyone[out])
        return members, held


def subset(rows: Rows, index: Index) -> Rows:
    """Return the rows at *index*."""
    return Rows(x=[rows.x[i] for i in index], plain=None if rows.plain is None else rows.plain[index])


def _telling(progress: Progress | None, number: int, count: int) -> Progress:
    def tell(sentence: str, share: float) -> None:
        if progress is not None:
            own = f"network {number + 1} of {count}, " if count > 1 else ""
            progress(own + sentence, (number + share) / count)

    return tell


def _validated(made: type[Any], said: Mapping[str, Any]) -> Any:
    return TypeAdapter(made).validate_python({name: value for name, value in said.items() if name != "kind"})
