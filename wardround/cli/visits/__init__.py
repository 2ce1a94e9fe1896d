"""What arrives in the demo of each use case: one module a use case, with ``deliver(inbox, settings)``."""
