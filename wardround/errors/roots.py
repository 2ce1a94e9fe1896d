"""The root of all errors, and whose turn it is."""


class WardroundError(Exception):
    """The root of all errors wardround raises on purpose; shown to people without a traceback."""

    exit_code = 2


class PipelineRefused(WardroundError):
    """The pipeline did its work and the answer is no: a batch or a model was rejected."""

    exit_code = 1


class OutsideFailed(WardroundError):
    """Something wardround depends on (S3, Prefect, the disk) failed; trying again may help."""

    exit_code = 3
