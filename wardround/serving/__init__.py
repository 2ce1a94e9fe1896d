"""What people and systems talk to over HTTP: predictions, FHIR, and the review desk."""
