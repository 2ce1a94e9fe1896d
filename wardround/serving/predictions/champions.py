"""The champion that answers: looked for every second, proven intact and warmed before it takes over.

What is wrong with a new champion is said, and the one before goes on answering; requests under way finish with theirs.
"""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wardround import registry
from wardround.domain import ModelVersion, from_json
from wardround.errors import Corrupted, NotFound, WardroundError
from wardround.models import Learner
from wardround.scoring import load_learner
from wardround.serving.predictions import contents
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    from wardround.store import Store

AGAIN = 15.0
"""Seconds before a champion that was refused is looked at again."""
WIDTH = 3.0
"""Standard deviations from the training mean beyond which, outside the outermost bins too, a number is far out."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A champion ready to answer; it learned from *ranges* (low, high) of numbers and *levels* of categories.

    *inputs* are what its explanations speak of, in their order.
    """

    version: ModelVersion
    learner: Learner
    inputs: tuple[str, ...]
    ranges: dict[str, tuple[float, float]]
    levels: dict[str, frozenset[str]]
    since: datetime
    sequence: int


class Champions:
    """The champion of one use case, kept fresh by `refresh`; `serving` is replaced in one step and never changed."""

    def __init__(self, use_case: UseCase, *, store: "Store"):
        self.use_case = use_case
        self.store = store
        self.serving: Serving | None = None
        self.trouble = ""
        self.store_trouble = ""
        self.answered_at: float | None = None
        self._refused: tuple[int, float] | None = None
        self._turn = threading.Lock()  # of two who look, the one who saw less must not come last

    def refresh(self) -> bool:
        """Look where the pointer points and take over what is new; return whether the champion changed.

        Never raises: `trouble` (the new champion is not used) and `store_trouble` say what is wrong.
        """
        with self._turn:
            return self._refresh()

    def _refresh(self) -> bool:
        try:
            pointer = registry.champion(self.store, self.use_case.name)
            self.answered_at, self.store_trouble = time.monotonic(), ""
            if pointer is None:
                self.trouble = "" if self.serving is None else "the champion's pointer is gone; the last one serves on"
                return False
            if self.serving is not None and pointer.sequence == self.serving.sequence:
                self.trouble, self._refused = "", None
                return False
            if (
                self._refused is not None
                and pointer.sequence == self._refused[0]
                and time.monotonic() < self._refused[1]
            ):
                return False
            try:
                fresh = self._ready(pointer.version, pointer.moved_at, pointer.sequence)
            except Exception as error:  # one thread looks for all use cases: no fault in one may end it
                if isinstance(error, WardroundError) and not isinstance(error, (Corrupted, NotFound)):
                    raise
                told = isinstance(error, (WardroundError, _Unfit))  # other words may quote a value
                self._refuse(str(error) if told else f"it cannot be made ready ({type(error).__name__})")
                self._refused = (pointer.sequence, time.monotonic() + AGAIN)
                return False
            self.serving, self.trouble, self._refused = fresh, "", None
            _log.info("%s: %s (%s) answers now", self.use_case.name, pointer.version, fresh.version.family)
            return True
        except (Corrupted, NotFound) as error:
            self._refuse(str(error))
        except WardroundError as error:
            if not self.store_trouble:
                _log.warning("%s: the champion cannot be looked up: %s", self.use_case.name, error)
            self.store_trouble = str(error)
        return False

    def _refuse(self, why: str) -> None:
        if why != self.trouble:
            _log.error("%s: the new champion is not used: %s", self.use_case.name, why)
        self.trouble = why

    def _ready(self, name: str, since: datetime, sequence: int) -> Serving:
        from wardround.monitoring.profile import Profile

        version = registry.load(self.store, self.use_case.name, name)
        learner = load_learner(self.store, version)
        if version.problem != self.use_case.problem or not set(learner.columns) <= set(self.use_case.input_names):
            raise _Unfit(f"{name} was trained for another declaration of {self.use_case.name}: train again")
        try:
            profile = from_json(Profile, registry.read_file(self.store, version, "profile.json"))
        except ValueError:
            raise Corrupted(version.file_key("profile.json"), "it is not a profile") from None
        ranges = {
            column.name: (
                min((column.mean - WIDTH * column.sd, *column.edges[:1])),
                max((column.mean + WIDTH * column.sd, *column.edges[-1:])),
            )
            for column in profile.numeric
            if column.edges
        }
        levels = {name: frozenset(known) for name, known in learner.levels.items()}
        inputs = self._asked_once(learner)
        return Serving(
            version=version, learner=learner, inputs=inputs, ranges=ranges, levels=levels, since=since,
            sequence=sequence,
        )  # fmt: skip

    def _asked_once(self, learner: Learner) -> tuple[str, ...]:
        """Ask about nobody, since the first call of an estimator is the slow one; return what explanations speak of."""
        import pandas as pd

        nobody = contents.nobody(self.use_case)
        learner.answer(nobody)
        return tuple(str(name) for name in learner.explain(pd.DataFrame(nobody)).columns)


class _Unfit(Exception):
    """A champion that is intact and still cannot answer for this use case as declared."""
