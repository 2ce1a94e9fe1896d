"""wardround makes the rounds of a hospital's models: everything here is true without an orchestrator."""

__version__ = "0.1.0"
