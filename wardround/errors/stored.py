"""Errors about what is stored: missing, damaged, there already, moved by somebody else, out of reach."""

from wardround.errors.roots import OutsideFailed, PipelineRefused, WardroundError


class NotFound(WardroundError):
    """*what* (a batch, a model version, a champion, an object) does not exist at *key*."""

    def __init__(self, what: str, key: str, remedy: str):
        super().__init__(what, key, remedy)
        self.what = what
        self.key = key
        self.remedy = remedy

    def __str__(self) -> str:
        return f"there is no {self.what} {self.key!r}. {self.remedy}"


class Corrupted(PipelineRefused):
    """The bytes stored at *key* are not the bytes that were written there; they are not used."""

    def __init__(self, key: str, detail: str):
        super().__init__(key, detail)
        self.key = key
        self.detail = detail

    def __str__(self) -> str:
        return (
            f"{self.key} was altered or damaged ({self.detail}) and is not used. "
            "Run `wardround verify`, then restore the object from a backup or train again."
        )


class Conflict(PipelineRefused):
    """Somebody else moved *key* first; nothing was overwritten."""

    def __init__(self, key: str):
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"{self.key} was moved by somebody else in the meantime; look at it and decide again"


class AlreadyExists(PipelineRefused):
    """A create-only object is already there with other content."""

    def __init__(self, key: str):
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"{self.key} exists already with other content and is never overwritten"


class StoreFailed(OutsideFailed):
    """The object store did not do what was asked; *detail* says what it answered."""

    def __init__(self, endpoint: str, detail: str, remedy: str):
        super().__init__(endpoint, detail, remedy)
        self.endpoint = endpoint
        self.detail = detail
        self.remedy = remedy

    def __str__(self) -> str:
        return f"the object store at {self.endpoint} failed: {self.detail}. {self.remedy}"
