"""Every error a user can meet: one root, the facts as fields, a sentence that says what to do.

The exit code tells whose turn it is: 1 the pipeline said no, 2 the input or the configuration is wrong,
3 something outside failed. ``args`` are the fields and ``__str__`` is the sentence, so that an error
survives the trip from another process. No field may hold a value of a patient row.
"""

from wardround.errors.access import (
    AlertFailed,
    ApprovalNeeded,
    ApprovalRefused,
    NotAllowed,
    SignInRefused,
    TicketClosed,
)
from wardround.errors.online import LogFull, NothingNew
from wardround.errors.roots import OutsideFailed, PipelineRefused, WardroundError
from wardround.errors.stored import AlreadyExists, Conflict, Corrupted, NotFound, StoreFailed

__all__ = [
    "AlertFailed", "AlreadyExists", "ApprovalNeeded", "ApprovalRefused", "BatchRefused", "CallInvalid", "Conflict",
    "Corrupted", "InputFault", "LeakFound", "LogFull", "MonitorNotArmed", "NoChampion", "NotAllowed", "NotFound",
    "NotTrainable", "NothingNew", "NothingReleased", "OutsideFailed", "PipelineRefused", "PrivacyBroken",
    "PromotionRefused", "RetrainingNotAsked", "ServiceFailed", "SettingsInvalid", "SignInRefused", "StoreFailed",
    "TicketClosed", "UseCaseInvalid", "UseCaseNotFound", "WardroundError",
]  # fmt: skip


class UseCaseInvalid(WardroundError):
    """A use case has faults; *faults* names every one of them, each beginning with its field."""

    def __init__(self, name: str, faults: tuple[str, ...]):
        super().__init__(name, faults)
        self.name = name
        self.faults = faults

    def __str__(self) -> str:
        lines = "\n".join(f"  - {fault}" for fault in self.faults)
        return f"the use case {self.name!r} has {len(self.faults)} fault(s); mend each and load it again:\n{lines}"


class UseCaseNotFound(WardroundError):
    """No use case has that name, and no file is at that path."""

    def __init__(self, name: str, known: tuple[str, ...]):
        super().__init__(name, known)
        self.name = name
        self.known = known

    def __str__(self) -> str:
        return (
            f"there is no use case {self.name!r}: choose one of {', '.join(self.known)}, "
            "or give the path of a Python file that defines USE_CASE"
        )


class InputFault(WardroundError):
    """A source cannot be read as the use case describes it.

    *place* names the file or table, *fault* says what is wrong (columns and counts, never values),
    *remedy* what to do about it.
    """

    def __init__(self, place: str, fault: str, remedy: str):
        super().__init__(place, fault, remedy)
        self.place = place
        self.fault = fault
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.place}: {self.fault}. {self.remedy}"


class PrivacyBroken(WardroundError):
    """Something that could name a patient was about to leave ingest; it did not. *faults* hold counts only."""

    def __init__(self, use_case: str, faults: tuple[str, ...]):
        super().__init__(use_case, faults)
        self.use_case = use_case
        self.faults = faults

    def __str__(self) -> str:
        lines = "\n".join(f"  - {fault}" for fault in self.faults)
        return (
            f"{self.use_case}: nothing was written, since this would have left ingest:\n{lines}\n"
            "Mend the use case: name the column in `identifiers` or `ignored`, or coarsen it at the source."
        )


class BatchRefused(PipelineRefused):
    """A batch failed its batch-level checks; its rows are in quarantine and nothing learned from them."""

    def __init__(self, label: str, batch: str, faults: tuple[str, ...]):
        super().__init__(label, batch, faults)
        self.label = label
        self.batch = batch
        self.faults = faults

    def __str__(self) -> str:
        lines = "\n".join(f"  - {fault}" for fault in self.faults)
        return (
            f"the batch {self.label!r} was refused and all its rows are in quarantine:\n{lines}\n"
            f"Look with `wardround quarantine show {self.batch[:12]} --use-case ...`; mend the source and "
            "ingest it again."
        )


class NothingReleased(PipelineRefused):
    """No quarantined row of the batch *label* may be released; *reasons* are the rules that still fail."""

    def __init__(self, label: str, reasons: tuple[str, ...]):
        super().__init__(label, reasons)
        self.label = label
        self.reasons = reasons

    def __str__(self) -> str:
        return (
            f"no row of {self.label!r} was released, they still fail: {'; '.join(self.reasons)}. "
            "Mend the rule or the source first, or drop them with `wardround quarantine drop`"
        )


class LeakFound(PipelineRefused):
    """Training stopped because *guard* found that the future or the answer leaks into the features."""

    def __init__(self, guard: str, detail: str, remedy: str):
        super().__init__(guard, detail, remedy)
        self.guard = guard
        self.detail = detail
        self.remedy = remedy

    def __str__(self) -> str:
        return f"training stopped, leak guard {self.guard!r}: {self.detail}. {self.remedy}"


class NotTrainable(PipelineRefused):
    """The accepted rows cannot train this use case (too few, one class, no outcome); *detail* has the counts."""

    def __init__(self, use_case: str, detail: str, remedy: str):
        super().__init__(use_case, detail, remedy)
        self.use_case = use_case
        self.detail = detail
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.use_case} cannot be trained: {self.detail}. {self.remedy}"


class PromotionRefused(PipelineRefused):
    """A version may not become champion; *reasons* are the failed criteria or the rule that forbids it."""

    def __init__(self, use_case: str, version: str, reasons: tuple[str, ...]):
        super().__init__(use_case, version, reasons)
        self.use_case = use_case
        self.version = version
        self.reasons = reasons

    def __str__(self) -> str:
        lines = "\n".join(f"  - {reason}" for reason in self.reasons)
        return f"{self.use_case}: version {self.version} was not promoted:\n{lines}"


class NoChampion(PipelineRefused):
    """A use case has no champion yet, so nothing can be scored, watched or rolled back."""

    def __init__(self, use_case: str):
        super().__init__(use_case)
        self.use_case = use_case

    def __str__(self) -> str:
        return f"{self.use_case} has no champion yet: train one first with `wardround train --use-case {self.use_case}`"


class RetrainingNotAsked(PipelineRefused):
    """A retraining was started for a batch whose decision is another one; broken data never starts training."""

    def __init__(self, label: str, action: str, cause: str):
        super().__init__(label, action, cause)
        self.label = label
        self.action = action
        self.cause = cause

    def __str__(self) -> str:
        return (
            f"the decision about {self.label!r} is {self.action!r} (cause: {self.cause}), which does not ask for "
            "retraining. To train anyway, name the batches to learn from: `wardround train BATCH ...`"
        )


class MonitorNotArmed(PipelineRefused):
    """A monitor's replayed false-alarm rate is over the declared budget, so it may not decide."""

    def __init__(self, use_case: str, measured: float, budget: float):
        super().__init__(use_case, measured, budget)
        self.use_case = use_case
        self.measured = measured
        self.budget = budget

    def __str__(self) -> str:
        return (
            f"the monitor of {self.use_case} stays unarmed: replaying its reference gave {self.measured:.2f} "
            f"false alarms a year, the budget is {self.budget:.2f}. Raise monitoring.material_effect or the budget."
        )


class ServiceFailed(OutsideFailed):
    """A child process or service (embedded S3, Prefect, the disk) failed; *detail* has no patient data."""

    def __init__(self, service: str, detail: str, remedy: str):
        super().__init__(service, detail, remedy)
        self.service = service
        self.detail = detail
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.service} failed: {self.detail}. {self.remedy}"


class SettingsInvalid(WardroundError):
    """An environment setting is missing or wrong; *variable* is its full name."""

    def __init__(self, variable: str, fault: str):
        super().__init__(variable, fault)
        self.variable = variable
        self.fault = fault

    def __str__(self) -> str:
        return f"{self.variable}: {self.fault}"


class CallInvalid(WardroundError):
    """A command or a flow was called with a parameter it does not take; *fault* names it."""

    def __init__(self, fault: str):
        super().__init__(fault)
        self.fault = fault

    def __str__(self) -> str:
        return self.fault
