"""A file with one line of JSON per message, for machines that read logs."""

import fcntl
import os

from wardround.alerts.config import FileSink
from wardround.alerts.messages import Message
from wardround.alerts.sinks.outcome import NotTaken

MODE = 0o640


def append(sink: FileSink, message: Message) -> str:
    """Add *message* as one line that is on the disk when this returns; a torn last line is ended first.

    Raises:
        NotTaken: the file cannot be written.
    """
    try:
        descriptor = os.open(sink.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, MODE)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            line = (b"\n" if torn else b"") + message.json() + b"\n"
            if file.write(line) != len(line):
                raise NotTaken(f"{sink.path}: the disk is full")
            os.fsync(descriptor)
    except OSError as error:
        raise NotTaken(f"{sink.path}: {error.strerror}") from None
    return ""
