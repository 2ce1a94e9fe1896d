"""Dynamic micro-batching: whatever waits when the worker is free goes through the learner in one call.

Nobody is made to wait for company: a lone request goes at once, and under load the batches grow by themselves
(as in Clipper, Crankshaw et al. 2017, without its delay).
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from wardround.serving.predictions.refusals import Refused

MOST_ROWS = 256
"""Rows of one call to the learner, unless a single request has more: a large request must not hold up the small."""
_log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")


@dataclass(eq=False, slots=True)
class Job(Generic[T, R]):
    """One request in the queue: what is asked, how many rows it has, and who waits for the answer."""

    asked: T
    rows: int
    waiting: "asyncio.Future[R]"
    loop: asyncio.AbstractEventLoop


Done = tuple[Job[T, R], R | None, Exception | None]


class Engine(Generic[T, R]):
    """A queue and one worker thread; *work* answers several requests at once, in their order.

    If *work* fails, each of its requests is tried alone, so that none suffers for another.
    """

    def __init__(self, name: str, work: Callable[[Sequence[T]], Sequence[R]], *, most_waiting: int):
        self.name = name
        self.most_waiting = most_waiting
        self._work = work
        self._jobs: deque[Job[T, R]] = deque()
        self._turn = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def start(self) -> None:
        """Start the worker."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"predict-{self.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer what waits, then end the worker."""
        with self._turn:
            self._stopping = True
            self._turn.notify()
        if self._thread is not None:
            self._thread.join(timeout=30)

    @property
    def alive(self) -> bool:
        """Whether the worker runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._jobs)

    def submit(self, asked: T, *, rows: int) -> "asyncio.Future[R]":
        """Put a request into the queue; to be called on the event loop that awaits the result.

        Raises:
            Refused: 429, too many wait already; 503, the worker has ended.
        """
        if len(self._jobs) >= self.most_waiting:
            raise Refused(429, "too many requests wait already: try again in a moment", headers={"Retry-After": "1"})
        if self._stopping or not self.alive:
            raise Refused(503, "this server is stopping", headers={"Retry-After": "5"})
        loop = asyncio.get_running_loop()
        job = Job(asked=asked, rows=rows, waiting=loop.create_future(), loop=loop)
        with self._turn:
            self._jobs.append(job)
            self._turn.notify()
        return job.waiting

    def _run(self) -> None:
        while jobs := self._next():
            self._answer(jobs)

    def _next(self) -> list[Job[T, R]]:
        with self._turn:
            while not self._jobs:
                if self._stopping:
                    return []
                self._turn.wait()
            jobs = [self._jobs.popleft()]
            rows = jobs[0].rows
            while self._jobs and rows + self._jobs[0].rows <= MOST_ROWS:
                jobs.append(self._jobs.popleft())
                rows += jobs[-1].rows
        return jobs

    def _answer(self, jobs: list[Job[T, R]]) -> None:
        try:
            answers = self._work([job.asked for job in jobs])
        except Exception as error:
            if len(jobs) > 1 and not isinstance(error, Refused):
                for job in jobs:
                    self._answer([job])
                return
            if not isinstance(error, Refused):  # its text may quote a value
                _log.error("%s: a request could not be answered (%s)", self.name, type(error).__name__)
            failed: list[Done[T, R]] = [(job, None, error) for job in jobs]
            _tell(failed)
            return
        _tell([(job, answer, None) for job, answer in zip(jobs, answers, strict=True)])


def _tell(done: list[Done[T, R]]) -> None:
    """Hand the answers over to those who wait, all of one event loop at once."""
    for loop in {job.loop for job, _, _ in done}:
        own = [each for each in done if each[0].loop is loop]
        try:
            loop.call_soon_threadsafe(_hand_over, own)
        except RuntimeError:  # the loop was closed: nobody is there to be told
            _log.warning("%d answer(s) came too late: the server had stopped", len(own))


def _hand_over(done: list[Done[T, R]]) -> None:
    for job, answer, error in done:
        if job.waiting.done():  # the caller went away
            continue
        if error is not None:
            job.waiting.set_exception(error)
        else:
            job.waiting.set_result(answer)  # type: ignore[arg-type]
