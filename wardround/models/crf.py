"""A conditional random field that marks entities; it needs crfsuite."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pycrfsuite

from wardround.errors import Corrupted
from wardround.models.facts import FACTS
from wardround.models.limits import beneath
from wardround.models.preprocessing import RARE
from wardround.models.sequences import features, shared, split, tagged, untagged
from wardround.models.tagging import Spans, Tagger
from wardround.models.whole import Progress
from wardround.problems.base import Floats

if TYPE_CHECKING:
    import pandas as pd

FIELD = "model.crf"


@dataclass(kw_only=True, eq=False)
class ConditionalField(Tagger):
    """A linear-chain conditional random field (Lafferty, McCallum & Pereira 2001), fitted by L-BFGS with penalties *c1*
    (absolute) and *c2* (squared), in at most *iterations* steps; crfsuite (Okazaki 2007) does the work.

    Its file is crfsuite's own: numbers and names of features, no code. crfsuite trusts every offset in it, and one that
    is wrong ends the process, so that the hash is looked at before.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"c1": 0.1, "c2": 0.1, "iterations": 60}

    body: bytes = b""

    def learn(
        self, frame: "pd.DataFrame", target: Floats, patients: Any, *, seed: int, progress: Progress | None
    ) -> None:
        """Learn from the rows; see `WholeLearner.learn`."""
        sequences = []
        for who, text, marked in self.examples(frame, patients):
            for tokens in split(text, self.language):
                sequences.append((who, features(text, tokens), tagged(tokens, marked)))
        known = shared(((who, (one for each in own for one in each)) for who, own, _ in sequences), RARE)
        steps = int(self.setting["iterations"])
        penalties = {"c1": float(self.setting["c1"]), "c2": float(self.setting["c2"])}
        trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
        with beneath():
            trainer.set_params({**penalties, "max_iterations": steps, "feature.possible_transitions": True})
        for _, own, tags in sequences:
            trainer.append([[one for one in each if one in known] for each in own], tags)
        if progress is not None:
            progress(f"fitting to {len(sequences)} sentences, at most {steps} steps", 0.1)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / FIELD
            with beneath():
                trainer.train(str(path))
            self.body = path.read_bytes()

    def found(self, texts: Sequence[str]) -> list[Spans]:
        """Return the spans of each text, sorted."""
        tagger = pycrfsuite.Tagger()  # one that another thread does not use at the same time
        tagger.open_inmemory(self.body)
        out = []
        for text in texts:
            marked: Spans = []
            for tokens in split(text, self.language):
                marked.extend(untagged(tokens, tagger.tag(features(text, tokens))))
            out.append(marked)
        return out

    def files(self) -> dict[str, bytes]:
        """Return what it learned as files by name."""
        return {FIELD: self.body}

    def facts(self) -> Mapping[str, Any]:
        """Return what `Tagger.facts` does, and the hash of the file."""
        return {**super().facts(), "sha256": hashlib.sha256(self.body).hexdigest()}

    def take(self, files: Mapping[str, bytes], facts: Mapping[str, Any], *, place: str) -> None:
        """Take over what `files` and `facts` gave; see `WholeLearner.take`."""
        super().take(files, facts, place=place)
        self.body = files[FIELD]
        if hashlib.sha256(self.body).hexdigest() != facts["sha256"]:
            raise Corrupted(f"{place}/{FIELD}", f"it is not the file that {FACTS} was saved with")
