"""De-identification of notes: the identifiers of 45 CFR 164.514(b)(2) leave a text, the year and the state may stay.

``deidentified(texts, language=..., key=settings.pseudonym_secret, patients=...)`` is called at ingest for every text
content whose ``deidentified`` is empty, with the canonical texts and the raw patient ids; its ``moved`` carries spans
over to the new texts, and its ``counts`` are the only thing of it that may be shown.
"""

from wardround.privacy.notes.engine import Notes, deidentified
from wardround.privacy.notes.rules import CATEGORIES

__all__ = ["CATEGORIES", "Notes", "deidentified"]
