"""Predictions while somebody waits: one champion per use case, asked over HTTP, to the last bit as in a batch."""

from wardround.serving.predictions.answers import Answer, Predicted, Warned
from wardround.serving.predictions.exchange import Lane
from wardround.serving.predictions.predictor import Predictor, Predictors
from wardround.serving.predictions.refusals import Refused
from wardround.serving.predictions.routes import router

__all__ = ["Answer", "Lane", "Predicted", "Predictor", "Predictors", "Refused", "Warned", "router"]
