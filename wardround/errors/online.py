"""Errors about predictions that were answered online: keeping them, and reading them back."""

from wardround.errors.roots import OutsideFailed, PipelineRefused


class NothingNew(PipelineRefused):
    """Every prediction that was answered online belongs to a batch already, so there is nothing to read."""

    def __init__(self, use_case: str):
        super().__init__(use_case)
        self.use_case = use_case

    def __str__(self) -> str:
        return (
            f"{self.use_case}: no prediction was answered since the last batch of log:online, or none is in the store "
            "yet. What a running API answered arrives within a minute"
        )


class LogFull(OutsideFailed):
    """A prediction could not be kept on this machine, so it must not be answered; *fault* says what is full."""

    def __init__(self, folder: str, fault: str, remedy: str):
        super().__init__(folder, fault, remedy)
        self.folder = folder
        self.fault = fault
        self.remedy = remedy

    def __str__(self) -> str:
        return f"predictions cannot be kept in {self.folder}: {self.fault}. {self.remedy}"
