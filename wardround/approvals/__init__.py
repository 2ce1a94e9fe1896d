"""Approvals: what persons sign about a version, which of it counts, and what a promotion still waits for."""

from wardround.approvals.approval import Act, Approval, of, settle
from wardround.approvals.checks import is_called
from wardround.approvals.counting import Standing, persons_of, standing, waiting, whose_count
from wardround.approvals.giving import LONGEST, give

__all__ = [
    "LONGEST", "Act", "Approval", "Standing", "give", "is_called", "of", "persons_of", "settle", "standing", "waiting",
    "whose_count",
]  # fmt: skip
