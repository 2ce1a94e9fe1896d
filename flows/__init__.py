"""When: one deployable Prefect flow per module; no logic here."""
