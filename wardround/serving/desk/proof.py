"""Checking a passphrase: one try at a time counts, guessing gets slower, and a flood of tries does not fill memory."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from fastapi import Request

from wardround.errors import SignInRefused
from wardround.serving.desk.frame import Desk
from wardround.serving.desk.throttle import Key

T = TypeVar("T")
FREE_FOR_NAME_AND_ADDRESS = 5
FREE_FOR_NAME = 30
FREE_FOR_ADDRESS = 60
"""Many people of one hospital come from one address."""
BUSY = timedelta(seconds=5)


class TooManyTries(Exception):
    """So many passphrases were wrong that the next try must wait."""

    def __init__(self, wait: timedelta):
        super().__init__(wait)
        self.wait = wait

    @property
    def seconds(self) -> int:
        """How long, in whole seconds, at least one."""
        return max(1, round(self.wait.total_seconds()))


def proven(request: Request, desk: Desk, name: str, act: Callable[[], T]) -> T:
    """Do *act*, which checks the passphrase of *name*, and return what it returns.

    Raises:
        TooManyTries: by this name or from this address too many were wrong.
        SignInRefused: this one was wrong.
    """
    address = request.client.host if request.client else ""
    name = name.strip().lower()[:64]
    limits: dict[Key, int] = {
        ("both", name, address): FREE_FOR_NAME_AND_ADDRESS,
        ("name", name): FREE_FOR_NAME,
        ("address", address): FREE_FOR_ADDRESS,
    }
    if wait := desk.throttle.begin(limits, desk.clock()):
        raise TooManyTries(wait)
    if not desk.checks.acquire(timeout=BUSY.total_seconds()):  # each check takes a deal of memory by design
        desk.throttle.take_back(limits)
        raise TooManyTries(BUSY)
    try:
        result = act()
    except SignInRefused:
        raise
    except BaseException:
        desk.throttle.take_back(limits)
        raise
    finally:
        desk.checks.release()
    desk.throttle.forgive(key for key in limits if key[0] != "address")
    desk.throttle.take_back(key for key in limits if key[0] == "address")  # else one account would buy more guesses
    return result
