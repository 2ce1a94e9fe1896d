"""What keeps a patient unknown: pseudonyms, the column policy, small-cell suppression."""

from wardround.privacy.columns import enforce, leaving, policy_faults
from wardround.privacy.pseudonyms import pseudonym, pseudonyms
from wardround.privacy.suppression import in_words, suppress_counts, suppress_subgroups, suppressed
from wardround.privacy.times import coarsen

__all__ = [
    "coarsen",
    "enforce",
    "in_words",
    "leaving",
    "policy_faults",
    "pseudonym",
    "pseudonyms",
    "suppress_counts",
    "suppress_subgroups",
    "suppressed",
]
