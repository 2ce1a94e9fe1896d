"""Real heart-disease patients, written as the FHIR resources a hospital would send."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
from fhir.resources.R4B import get_fhir_model_class

from wardround.settings import Settings
from wardround.sources import read
from wardround.sources.canonical import canonical
from wardround.use_cases.heart_disease import USE_CASE

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
OFFICIAL = Path(__file__).parent / "official"
Row = Mapping[str, Any]


class Chart:
    """Writes FHIR resources of one patient."""

    now = NOW
    system = "urn:x-wardround:heart_disease"

    def patient(self, row: Row, identity: str = "p1") -> dict[str, Any]:
        """Return the Patient, born on the first of January so that the age is the row's."""
        return {
            "resourceType": "Patient",
            "id": identity,
            "gender": {"Male": "male", "Female": "female"}[row["sex"]],
            "birthDate": f"{NOW.year - int(row['age'])}-01-01",
        }

    def observation(
        self, code: str, system: str = "http://loinc.org", *, patient: str = "p1", at: str = "2026-11-20T08:00:00Z",
        status: str = "final", identity: str | None = None, **value: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """Return an Observation; *value* is its value[x]."""
        return {
            "resourceType": "Observation",
            "id": identity or f"o-{code}",
            "status": status,
            "code": {"coding": [{"system": system, "code": code}]},
            "subject": {"reference": f"Patient/{patient}"},
            "effectiveDateTime": at,
            **value,
        }

    def quantity(self, value: float, unit: str) -> dict[str, Any]:
        """Return a valueQuantity in UCUM."""
        return {"valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}}

    def pressure(self, systolic: float, diastolic: float = 80.0, *, patient: str = "p1") -> dict[str, Any]:
        """Return a blood pressure as the vital-signs profile has it: a panel with two components."""
        component = [
            {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, **self.quantity(value, "mm[Hg]")}
            for code, value in (("8462-4", diastolic), ("8480-6", systolic))
        ]
        return self.observation("85354-9", patient=patient, component=component)

    def standard(self, row: Row, patient: str = "p1") -> dict[str, dict[str, Any] | None]:
        """Return the row's values that have a standard code, by feature; None where the row has none."""
        high = row["fasting_sugar_high"]
        sugar = None if pd.isna(high) else self.quantity(131.0 if high in (True, "true") else 95.0, "mg/dL")
        return {
            "resting_blood_pressure": None
            if pd.isna(row["resting_blood_pressure"])
            else self.pressure(row["resting_blood_pressure"], patient=patient),
            "cholesterol": None
            if pd.isna(row["cholesterol"])
            else self.observation("2093-3", patient=patient, **self.quantity(row["cholesterol"], "mg/dL")),
            "fasting_sugar_high": None if sugar is None else self.observation("1558-6", patient=patient, **sugar),
        }

    def own(self, row: Row, patient: str = "p1") -> list[dict[str, Any]]:
        """Return the row's other values, in the use case's own code system."""
        made = []
        for feature in USE_CASE.features:
            value = row[feature.name]
            if feature.code is not None or pd.isna(value):
                continue
            if feature.kind == "numeric":
                held = {"valueQuantity": {"value": value, "unit": feature.unit}}
            elif feature.kind == "boolean":
                held = {"valueBoolean": value in (True, "true")}
            else:
                held = {"valueCodeableConcept": {"coding": [{"system": self.system, "code": value}]}}
            made.append(
                self.observation(feature.name, self.system, patient=patient, identity=_id(feature.name), **held)
            )
        return made

    def bundle(self, *resources: dict[str, Any] | None, kind: str = "collection") -> dict[str, Any]:
        """Return a Bundle of *resources*, without those that are None."""
        entry = [{"resource": each} for each in resources if each is not None]
        return {"resourceType": "Bundle", "type": kind, **({"entry": entry} if entry else {})}

    def whole(self, row: Row) -> dict[str, Any]:
        """Return a Bundle with all that is known of the row."""
        return self.bundle(self.patient(row), *self.standard(row).values(), *self.own(row))

    def hook(self, row: Row, **changes: Any) -> dict[str, Any]:
        """Return a CDS Hooks request with the prefetch that the service asks for."""
        prefetch: dict[str, Any] = {"patient": self.patient(row)}
        for name, each in self.standard(row).items():
            prefetch[name] = None if each is None else self.bundle(each, kind="searchset")
        return {
            "hook": "patient-view",
            "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
            "context": {"userId": "Practitioner/example", "patientId": "p1"},
            "prefetch": {**prefetch, **changes},
        }


def _id(name: str) -> str:
    return f"o-{name}".replace("_", "-")


@pytest.fixture(scope="session")
def chart() -> Chart:
    """Writes FHIR resources."""
    return Chart()


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """All accepted heart-disease rows, canonical."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), pseudonym_key="a fixed key, for tests and nothing else")
    return canonical(USE_CASE, read(USE_CASE, USE_CASE.source, settings), settings, place="heart disease")


@pytest.fixture(scope="session")
def patient_row(rows: pd.DataFrame) -> Row:
    """One real patient of whom everything is known."""
    return rows.dropna(subset=list(USE_CASE.feature_names)).iloc[0].to_dict()


@pytest.fixture(scope="session")
def fhir_valid() -> Callable[[Any], None]:
    """Check a resource against the JSON schema of FHIR R4, and against R4B's definitions, which ask for more.

    Raises jsonschema.ValidationError or pydantic.ValidationError.
    """
    schema = jsonschema.Draft6Validator(json.loads((OFFICIAL / "fhir-r4.schema.json").read_text()))

    def check(resource: Any) -> None:
        schema.validate(resource)
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)

    return check


@pytest.fixture(scope="session")
def hooks_valid() -> Callable[[str, Any], None]:
    """Check a document against a definition of CDS Hooks 2.0; raises jsonschema.ValidationError."""
    schema = json.loads((OFFICIAL / "cds-hooks-2.0.schema.json").read_text())

    def check(name: str, document: Any) -> None:
        jsonschema.Draft7Validator({**schema, "$ref": f"#/definitions/{name}"}).validate(document)

    return check
