"""An optional part of the installation that is not there."""

from wardround.errors.roots import WardroundError


class ExtraMissing(WardroundError):
    """*what* needs the optional part *extra* of wardround, whose *module* cannot be imported here."""

    def __init__(self, what: str, extra: str, module: str):
        super().__init__(what, extra, module)
        self.what = what
        self.extra = extra
        self.module = module

    def __str__(self) -> str:
        return f"{self.what} needs {self.module}, which is not installed: run `pip install 'wardround[{self.extra}]'`"
