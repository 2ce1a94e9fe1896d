"""Predictions in the forms that hospital systems speak: CDS Hooks cards and FHIR R4 RiskAssessments."""

from wardround.serving.fhir.api import router

__all__ = ["router"]
