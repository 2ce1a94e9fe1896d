"""How a message was not taken, in words without secrets."""

from collections.abc import Mapping


class NotTaken(Exception):
    """The other side did not take a message; *final*: it never will until a person mends something.

    *wait* is how many seconds it asked to be left alone.
    """

    def __init__(self, detail: str, final: bool = False, wait: float = 0.0):
        super().__init__(detail, final, wait)
        self.detail = detail
        self.final = final
        self.wait = wait

    def __str__(self) -> str:
        return self.detail


def secret(variable: str, environment: Mapping[str, str]) -> str:
    """Return what the environment holds in *variable*.

    Raises:
        NotTaken: it holds nothing, which a person may mend at any moment.
    """
    if not (value := environment.get(variable)):
        raise NotTaken(f"the environment variable {variable} is not set where messages are sent")
    return value
