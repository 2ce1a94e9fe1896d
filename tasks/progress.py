"""How far a long work is: sentences in the run's log, and a bar in the Prefect UI."""

import time

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from tasks.policy import say

EVERY = 5.0
"""Seconds between two sentences about the same work: an epoch may take a hundredth of one."""


class Progress:
    """Told of each step, it says what is new, and draws the shares of a work that states them as the bar *key*."""

    def __init__(self, key: str):
        self.key = key
        self._bar: object = None
        self._last = -EVERY

    def __call__(self, sentence: str, share: float | None = None) -> None:
        """Tell of a step; *share* (0 to 1) is that of the whole work that is done."""
        if share is None:
            say(sentence)
            return
        if time.monotonic() - self._last < EVERY:
            return
        self._last = time.monotonic()
        say(f"{sentence} ({share:.0%} done)")
        if self._bar is None:
            self._bar = create_progress_artifact(progress=100 * share, key=self.key, description=sentence)
        else:
            update_progress_artifact(self._bar, progress=100 * share, description=sentence)

    def finish(self) -> None:
        """Fill the bar, if there is one."""
        if self._bar is not None:
            update_progress_artifact(self._bar, progress=100.0, description="done")
