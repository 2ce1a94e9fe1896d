"""The `wardround` command: the edge where people, flows and the library meet.

Light by design: nothing heavy is imported before a command needs it.
"""

import os

from wardround.cli.app import main

__all__ = ["main"]

os.environ.setdefault("OMP_NUM_THREADS", "1")
