"""Whether saliency tells what a network has learned: weights drawn anew must show something else."""

import numpy as np
import pandas as pd
import pytest
import torch

from wardround import models
from wardround.contents.arrays import packed


def with_decoy(kind, count=96):
    """Pictures or signals of noise: one mark that tells the outcome and one as loud, elsewhere, that tells nothing.

    Returned are the rows, the outcome, which rows have both marks, and where each mark is.
    """
    generator = np.random.default_rng(0)
    tells, decoy = np.arange(count) % 2 == 1, np.arange(count) // 2 % 2 == 1
    if kind == "picture":
        there, elsewhere = (slice(10, 14), slice(2, 6)), (slice(2, 6), slice(10, 14))
        drawn = generator.normal(100, 10, (count, 16, 16))
        drawn[tells, 10:14, 2:6] += 60
        drawn[decoy, 2:6, 10:14] += 60
        cells = [packed(each.clip(0, 255).astype(np.uint8)) for each in drawn]
    else:
        there, elsewhere = (slice(32, 40),), (slice(8, 16),)
        drawn = generator.normal(0, 0.5, (count, 48, 2))
        drawn[tells, 32:40, 0] += 3
        drawn[decoy, 8:16, 1] += 3
        cells = [packed(np.column_stack([np.arange(48) / 8, each]).astype(np.float32)) for each in drawn]
    frame = pd.DataFrame({"patient_id": [f"p{i}" for i in range(count)], kind: pd.Series(cells, dtype=object)})
    return frame, tells.astype(float), tells & decoy, there, elsewhere


@pytest.mark.parametrize(
    ("kind", "more"), [("picture", {"epochs": 40}), ("series", {"epochs": 60, "learning_rate": 0.01})]
)
def test_saliency_is_of_what_was_learned_and_not_of_what_is_loud_in_a_content(hand, kind, more):
    """The check of Adebayo et al. (2018): weights drawn anew must change the map. They make it follow the loud."""
    frame, outcome, both, there, elsewhere = with_decoy(kind)
    content = {"picture": hand.PICTURE, "series": hand.SERIES}[kind]
    setting = {"width": 4, "blocks": 2, "augment": "none", "patience": 0, **more}
    learner = models.learner("cnn", hand.use_case_of("classification", (content,)), setting).fit(frame, outcome)

    def share_on_what_tells():
        shown = [np.abs(each) for each in learner.saliency(frame[both])]
        return np.mean([each[there].sum() / (each[there].sum() + each[elsewhere].sum()) for each in shown])

    trained, untrained = share_on_what_tells(), []
    for seed in range(3):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            for part in learner.members[0].modules():
                if hasattr(part, "reset_parameters"):
                    part.reset_parameters()
        untrained.append(share_on_what_tells())
    assert trained > 0.8
    assert max(untrained) < 0.65
