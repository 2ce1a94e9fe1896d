"""Training: from accepted batches to a registered model version, with everything needed to make it again.

`train` touches the store; `fit_and_evaluate` does the learning on a frame and touches nothing.
"""

from wardround.training.fitting import Trained, fit_and_evaluate
from wardround.training.running import TRUTH, out_of_fold, out_of_fold_key, retrain_from, train, truth_hashes

__all__ = [
    "TRUTH", "Trained", "fit_and_evaluate", "out_of_fold", "out_of_fold_key", "retrain_from", "train", "truth_hashes",
]  # fmt: skip
