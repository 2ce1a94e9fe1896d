"""The queue: what waits is answered together, nobody waits for company, and none suffers for another."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from wardround.serving.predictions.engine import MOST_ROWS, Engine
from wardround.serving.predictions.exchange import exchange
from wardround.serving.predictions.refusals import Refused
from wardround.settings import Settings
from wardround.use_cases import load


class Held:
    """Work that can be held up, and remembers what came together."""

    def __init__(self):
        self.batches = []
        self.go = threading.Event()
        self.go.set()
        self.begun = threading.Event()

    def __call__(self, asked):
        self.begun.set()
        assert self.go.wait(30)
        self.batches.append(list(asked))
        if "poison" in asked:
            raise ValueError("poison")
        return [f"answer to {one}" for one in asked]


@pytest.fixture
def held():
    return Held()


@pytest.fixture
def engine(held):
    made = Engine("test", held, most_waiting=100)
    made.start()
    yield made
    held.go.set()
    made.stop()


async def _behind(engine, held, asked, rows=1):
    """Submit one request, and the others while it is being answered; return all results or errors."""
    held.go.clear()
    first = engine.submit("first", rows=1)
    await asyncio.to_thread(held.begun.wait, 30)
    others = [engine.submit(one, rows=rows) for one in asked]
    held.go.set()
    return await asyncio.gather(first, *others, return_exceptions=True)


def test_what_waits_is_answered_together_each_with_its_own(engine, held):
    found = asyncio.run(_behind(engine, held, [str(i) for i in range(20)]))
    assert found == ["answer to first", *(f"answer to {i}" for i in range(20))]
    assert held.batches == [["first"], [str(i) for i in range(20)]]


def test_a_lone_request_goes_at_once(engine, held):
    async def lone():
        return await engine.submit("me", rows=1)

    assert asyncio.run(lone()) == "answer to me"
    assert held.batches == [["me"]]


def test_a_call_holds_a_bounded_number_of_rows_and_a_large_request_comes_alone(engine, held):
    asyncio.run(_behind(engine, held, ["a", "b", "c"], rows=MOST_ROWS // 2))
    assert held.batches == [["first"], ["a", "b"], ["c"]]
    held.batches.clear()
    asyncio.run(_behind(engine, held, ["huge", "next"], rows=10 * MOST_ROWS))
    assert held.batches == [["first"], ["huge"], ["next"]]


def test_a_request_that_fails_takes_no_other_with_it(engine, held, caplog):
    found = asyncio.run(_behind(engine, held, ["a", "poison", "b"]))
    assert found[1] == "answer to a"
    assert isinstance(found[2], ValueError)
    assert found[3] == "answer to b"
    assert "could not be answered (ValueError)" in caplog.text


def test_too_many_are_refused_before_they_wait(held):
    engine = Engine("test", held, most_waiting=2)
    engine.start()
    found = asyncio.run(_behind_full(engine, held))
    engine.stop()
    assert found == "429"


async def _behind_full(engine, held):
    held.go.clear()
    waiting = [engine.submit("first", rows=1)]
    await asyncio.to_thread(held.begun.wait, 30)
    waiting += [engine.submit(one, rows=1) for one in "ab"]
    try:
        with pytest.raises(Refused) as caught:
            engine.submit("c", rows=1)
    finally:
        held.go.set()
        await asyncio.gather(*waiting)
    return str(caught.value.status)


def test_stopping_answers_what_waits_and_takes_nothing_more(engine, held):
    async def stopped():
        held.go.clear()
        first = engine.submit("first", rows=1)
        await asyncio.to_thread(held.begun.wait, 30)
        second = engine.submit("second", rows=1)
        ending = asyncio.create_task(asyncio.to_thread(engine.stop))
        held.go.set()
        await ending
        with pytest.raises(Refused, match="503"):
            engine.submit("third", rows=1)
        return await asyncio.gather(first, second)

    assert asyncio.run(stopped()) == ["answer to first", "answer to second"]
    assert not engine.alive


def test_a_caller_who_went_away_harms_nobody(engine, held):
    async def gone():
        held.go.clear()
        first = engine.submit("first", rows=1)
        await asyncio.to_thread(held.begun.wait, 30)
        second, third = engine.submit("second", rows=1), engine.submit("third", rows=1)
        second.cancel()
        held.go.set()
        await first
        return await third

    assert asyncio.run(gone()) == "answer to third"


def test_answers_for_a_loop_that_was_closed_are_dropped(engine, held, caplog):
    held.go.clear()

    async def leave():
        engine.submit("first", rows=1)

    asyncio.run(leave())
    held.go.set()
    found = asyncio.run(_behind(engine, held, ["a"]))
    assert found[-1] == "answer to a"
    assert "came too late" in caplog.text


def test_what_fails_outside_the_engine_is_written_down_without_its_words(caplog):
    async def allowed(*_):
        raise ValueError("could not convert 'Ada Lindqvist'")

    predictors = SimpleNamespace(
        settings=Settings(), access=SimpleNamespace(allowed=allowed), metrics=SimpleNamespace(request=lambda *_: None)
    )
    predictor = SimpleNamespace(use_case=load("heart_disease"), form=SimpleNamespace(records=None))
    status, _, body = asyncio.run(exchange(predictors, predictor)([], None))
    assert status == 500
    assert "unexpected ValueError at" in caplog.text
    assert "Lindqvist" not in caplog.text + body.decode()
