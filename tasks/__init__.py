"""Where it touches the world: one retryable effect per task, called with keys and small frozen values."""
