"""The prediction log: every answer is kept on this machine before it goes out, and shipped to the store in batches."""

from wardround.serving.log.entries import Entry, names
from wardround.serving.log.log import PredictionLog

__all__ = ["Entry", "PredictionLog", "names"]
