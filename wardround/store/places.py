"""Which keys there are, and which of them may hold rows of patients."""

from wardround.domain import Sensitivity

ROW_LEVEL_PREFIXES = ("batches/", "quarantine/", "labels/", "predictions/", "models-row-level/")
AGGREGATE_PREFIXES = ("models/", "champions/", "rounds/", "ledger/", "monitors/", "approvals/", "tickets/")
CREDENTIAL_PREFIXES = ("people/",)
"""Who may come in: no patient, but hashes of passphrases and sealed keys of the people on duty."""
_HOMES = {
    Sensitivity.ROW_LEVEL: ROW_LEVEL_PREFIXES,
    Sensitivity.CREDENTIAL: CREDENTIAL_PREFIXES,
    Sensitivity.AGGREGATE: ROW_LEVEL_PREFIXES + AGGREGATE_PREFIXES,
}


def check_place(key: str, sensitivity: Sensitivity) -> None:
    """Make sure *key* may hold what is *sensitivity*.

    Raises:
        ValueError: it is not under a prefix for that, or not a key every store takes.
    """
    home = _HOMES[sensitivity]
    if not key.startswith(home):
        raise ValueError(f"{key} is not a place for {sensitivity.value} objects: one of {', '.join(home)}")
    if not is_key(key):
        raise ValueError(f"{key} has an empty, relative or too long part, which some stores refuse")


def is_key(key: str) -> bool:
    """Whether every store takes *key*: no empty or relative part, none over 255 bytes."""
    return all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in key.split("/"))
