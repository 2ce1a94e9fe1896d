"""Networks behind the `Learner` protocol, trained with PyTorch."""
