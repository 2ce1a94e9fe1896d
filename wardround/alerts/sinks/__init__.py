"""The ways a message leaves the house: webhook, mail, file."""

import queue
import threading
from collections.abc import Callable, Mapping

from wardround.alerts.config import FileSink, MailSink, WebhookSink
from wardround.alerts.messages import Message
from wardround.alerts.sinks import file, mail, webhook
from wardround.alerts.sinks.outcome import NotTaken

__all__ = ["NotTaken", "send"]


def send(sink: WebhookSink | MailSink | FileSink, message: Message, *, environment: Mapping[str, str]) -> str:
    """Hand *message* over and return a remark about it, mostly empty; it takes no longer than the sink's timeout.

    Raises:
        NotTaken: the other side did not take it; the words hold no secret.
    """
    match sink:
        case WebhookSink():
            return _in_time(sink.timeout, lambda: webhook.post(sink, message, environment=environment))
        case MailSink():
            return _in_time(sink.timeout, lambda: mail.send(sink, message, environment=environment))
        case FileSink():
            return _in_time(sink.timeout, lambda: file.append(sink, message))


def _in_time(seconds: float, act: Callable[[], str]) -> str:
    """Do *act* in at most *seconds*: a socket's timeout begins anew with every byte of a dripping server."""
    answers: queue.SimpleQueue[str | Exception] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put(act())
        except Exception as error:
            answers.put(error)

    threading.Thread(target=work, daemon=True, name="wardround-alert").start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise NotTaken(f"no answer within {seconds:g} seconds") from None
    if isinstance(answer, NotTaken):
        raise answer
    if isinstance(answer, Exception):  # its own words may quote an address or a password
        raise NotTaken(f"it failed with {type(answer).__name__}") from None
    return answer
