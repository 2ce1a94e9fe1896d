"""What keeps a patient unknown: pseudonyms, the column policy, small-cell suppression."""

from wardround.privacy.columns import enforce, leaving, policy_faults
from wardround.privacy.pseudonyms import pseudonym, pseudonyms
from wardround.privacy.suppression import (
    beside,
    delivery_in_words,
    in_words,
    near,
    rounded_in_words,
    suppress_counts,
    suppress_subgroups,
    suppressed,
    whole,
)
from wardround.privacy.times import coarsen

__all__ = [
    "beside",
    "coarsen",
    "delivery_in_words",
    "enforce",
    "in_words",
    "leaving",
    "near",
    "policy_faults",
    "pseudonym",
    "pseudonyms",
    "rounded_in_words",
    "suppress_counts",
    "suppress_subgroups",
    "suppressed",
    "whole",
]
