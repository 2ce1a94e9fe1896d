"""Errors about people: who they are, what they may do, what they signed, and how they are told."""

from wardround.errors.roots import OutsideFailed, PipelineRefused, WardroundError


class SignInRefused(WardroundError):
    """Name and passphrase, or the API key, do not belong to anybody who may come in; it never says which of them."""

    def __init__(self, remedy: str = "Try again, or ask an administrator"):
        super().__init__(remedy)
        self.remedy = remedy

    def __str__(self) -> str:
        return f"this name and passphrase, or this key, do not let anybody in. {self.remedy}"


class NotAllowed(PipelineRefused):
    """*person* has a role that does not include *right*."""

    def __init__(self, person: str, right: str, roles: tuple[str, ...]):
        super().__init__(person, right, roles)
        self.person = person
        self.right = right
        self.roles = roles

    def __str__(self) -> str:
        return f"{self.person} may not {self.right}: it takes the role {' or '.join(self.roles)}"


class ApprovalRefused(PipelineRefused):
    """An approval may not be given, or does not count; *reasons* name each rule it breaks."""

    def __init__(self, use_case: str, version: str, reasons: tuple[str, ...]):
        super().__init__(use_case, version, reasons)
        self.use_case = use_case
        self.version = version
        self.reasons = reasons

    def __str__(self) -> str:
        lines = "\n".join(f"  - {reason}" for reason in self.reasons)
        return f"{self.use_case}: the approval of {self.version} does not count:\n{lines}"


class ApprovalNeeded(PipelineRefused):
    """A version may be promoted only with the approval of persons who have not given it (yet); *missing* says whose."""

    def __init__(self, use_case: str, version: str, missing: str, refused: tuple[str, ...] = ()):
        super().__init__(use_case, version, missing, refused)
        self.use_case = use_case
        self.version = version
        self.missing = missing
        self.refused = refused

    def __str__(self) -> str:
        lines = "".join(f"\n  - {reason}" for reason in self.refused)
        return f"{self.use_case}: version {self.version} waits for {self.missing}{lines}"


class AlertFailed(OutsideFailed):
    """A message to people could not be handed over at *sink*; it stays in the outbox and is tried again."""

    def __init__(self, sink: str, detail: str):
        super().__init__(sink, detail)
        self.sink = sink
        self.detail = detail

    def __str__(self) -> str:
        return f"the alert sink {self.sink!r} did not take the message: {self.detail}. It is tried again later"


class TicketClosed(PipelineRefused):
    """A ticket is closed already, by *by*: it can be neither acknowledged nor closed by somebody else."""

    def __init__(self, ticket: str, by: str):
        super().__init__(ticket, by)
        self.ticket = ticket
        self.by = by

    def __str__(self) -> str:
        return f"the ticket {self.ticket} was closed by {self.by}; if its cause comes back, a round opens another one"
