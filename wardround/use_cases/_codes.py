"""What a feature is called in a patient's electronic record (HL7 FHIR R4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

LOINC = "http://loinc.org"

PATIENT = "Patient"
"""The system of what is read from the patient instead of an Observation."""

PATIENT_ELEMENTS = ("birthDate", "gender")


@dataclass(frozen=True, kw_only=True)
class Code:
    """Where a FHIR record holds a feature.

    *system* and *code* name an Observation (``http://loinc.org``, ``2093-3``) or, with the system ``Patient``, an
    element of the patient: ``birthDate`` (as completed years) or ``gender``. *synonyms* are codes of the same system
    for the same quantity, such as a substance by moles instead of mass; *panel* is the code of an Observation that
    holds it as a component. *levels* maps a coded value to the feature's level. *above* makes a boolean of a number:
    true above it, in *unit*; *other_units* maps further units to the factor from them to *unit*. A numeric feature
    has units of its own.
    """

    system: str
    code: str
    display: str = ""
    synonyms: tuple[str, ...] = ()
    panel: str | None = None
    levels: Mapping[str, str] = field(default_factory=dict)
    above: float | None = None
    unit: str | None = None
    other_units: Mapping[str, float] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The codes that name the measurement itself: *code*, then its *synonyms*."""
        return (self.code, *self.synonyms)
