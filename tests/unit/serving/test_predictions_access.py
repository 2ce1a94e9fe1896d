"""Who may ask, and how often: keys are looked up rarely, and a revoked one is out within seconds."""

import asyncio
import threading
from datetime import timedelta

import pytest

from wardround import people
from wardround.domain import utc_now
from wardround.errors import StoreFailed
from wardround.serving.predictions import access
from wardround.serving.predictions.access import GRACE, STALE, Access, Bucket
from wardround.serving.predictions.refusals import Refused


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def looked_up(monkeypatch):
    """The tokens that were looked up in the store."""
    tokens = []
    real = people.authenticate_api_key

    def counted(store, token, *, now):
        tokens.append(token)
        return real(store, token, now=now)

    monkeypatch.setattr(people, "authenticate_api_key", counted)
    return tokens


@pytest.fixture
def door(ward, looked_up):
    """(clock, access, a good token, let somebody in)."""
    clock = Clock()
    door = Access(ward.store, rate=10**9, clock=clock)

    async def settled(token):
        try:
            return await door.caller(f"Bearer {token}")
        finally:
            await asyncio.gather(*(it.looking for it in door._known.values() if it.looking))

    with asyncio.Runner() as runner:
        yield clock, door, ward.key(), lambda token: runner.run(settled(token))


def test_a_key_is_looked_up_once_in_a_while_and_not_for_every_request(door, looked_up):
    clock, _, token, enter = door
    for _ in range(50):
        clock.now += 0.09
        assert enter(token).id in token
    assert len(looked_up) == 1
    clock.now += 2
    enter(token)
    assert len(looked_up) == 2


def test_a_flood_of_made_up_keys_does_not_drive_a_good_one_out(door, looked_up, monkeypatch):
    clock, door, token, enter = door
    monkeypatch.setattr(access, "MOST_KEYS", 5)
    enter(token)
    for number in range(20):
        clock.now += 0.05
        with pytest.raises(Refused, match="401"):
            enter(f"wr_{number:012x}_{'x' * 43}")
    door._lookups = Bucket(0.001, 0, clock=clock)
    door._lookups.take()
    assert enter(token).id in token
    assert len(door._known) == 5


def test_a_revoked_key_is_out_within_ten_seconds(door, ward):
    clock, _, token, enter = door
    key = enter(token)
    people.revoke_api_key(ward.store, key.id, by="chief", now=utc_now())
    clock.now += STALE + 0.1
    with pytest.raises(Refused, match="401"):
        enter(token)
    assert STALE <= 10


def test_a_busy_key_that_is_revoked_is_out_even_sooner(door, ward):
    clock, _, token, enter = door
    people.revoke_api_key(ward.store, enter(token).id, by="chief", now=utc_now())
    refused_after = None
    for _ in range(100):
        clock.now += 0.1
        try:
            enter(token)
        except Refused:
            refused_after = clock.now - 1000
            break
    assert refused_after is not None
    assert refused_after < STALE


def test_a_key_that_expires_is_out_at_once(ward, monkeypatch):
    clock = Clock()
    door = Access(ward.store, rate=10**9, clock=clock)
    token = ward.key(days=1)
    asyncio.run(door.caller(f"Bearer {token}"))
    later = utc_now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(access, "utc_now", lambda: later)
    with pytest.raises(Refused, match="401"):
        asyncio.run(door.caller(f"Bearer {token}"))


def test_while_the_store_is_away_a_known_key_goes_on_and_an_unknown_one_waits(door, ward, monkeypatch):
    clock, _, token, enter = door
    enter(token)

    def away(*_, **__):
        raise StoreFailed("http://s3", "no answer", "look")

    monkeypatch.setattr(people, "authenticate_api_key", away)
    for _ in range(5):
        clock.now += STALE + 1
        assert enter(token).id in token
    with pytest.raises(Refused, match="503"):
        enter(token[:-2] + "zz")
    clock.now += GRACE
    with pytest.raises(Refused, match="503"):
        enter(token)


def test_while_the_store_is_silent_nobody_waits_for_it_again_and_again(door, monkeypatch):
    clock, keys, token, enter = door
    enter(token)
    answer, waits = threading.Event(), []

    def silent(*_, **__):
        assert answer.wait(60)
        raise StoreFailed("http://s3", "no answer", "look")

    async def wait(tasks, timeout):
        waits.append(timeout)
        await asyncio.sleep(0)

    async def ask():
        return await keys.caller(f"Bearer {token}")

    async def outage():
        for _ in range(20):
            await ask()
            clock.now += 1.0
        answer.set()

    monkeypatch.setattr(people, "authenticate_api_key", silent)
    monkeypatch.setattr(access.asyncio, "wait", wait)
    clock.now += STALE + 1
    asyncio.run(outage())
    assert 1 <= len(waits) <= 4


def test_no_token_is_kept_in_memory(door):
    _, keys, token, enter = door
    enter(token)
    assert token.split("_", 2)[2] not in repr(vars(keys))  # the secret itself may have a "_"
    assert all(isinstance(name, bytes) and len(name) == 32 for name in keys._known)


def test_guessing_keys_neither_asks_the_store_without_end_nor_fills_the_memory(door, looked_up, monkeypatch):
    clock, keys, token, enter = door
    enter(token)
    refused = []
    for number in range(60):
        with pytest.raises(Refused) as caught:
            enter(f"wr_{number:012x}_{'x' * 43}")
        refused.append(caught.value.status)
    assert set(refused) == {401, 429}
    assert len(looked_up) < 30
    assert enter(token).id in token  # whoever is known comes in meanwhile
    monkeypatch.setattr(access, "MOST_KEYS", 10)
    clock.now += 60
    with pytest.raises(Refused):
        enter(f"wr_{'f' * 12}_{'y' * 43}")
    assert len(keys._known) <= 11


def test_a_bucket_gives_its_rate_and_a_burst():
    clock = Clock()
    bucket = Bucket(2.0, 10, clock=clock)
    assert [bucket.take() for _ in range(10)] == [0.0] * 10
    assert bucket.take() == pytest.approx(0.5)
    clock.now += 0.5
    assert bucket.take() == 0
    assert bucket.take() > 0
    clock.now += 3600
    assert [bucket.take() for _ in range(10)] == [0.0] * 10
    assert bucket.take() > 0
