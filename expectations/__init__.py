"""What data must look like: one module per dataset, beside what its use case implies anyway."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

    from wardround.use_cases.base import UseCase


def suite_for(use_case: "UseCase") -> "ExpectationSuite":
    """Return the suite of *use_case*: its own module's ``suite()`` where it names one, else the derived suite.

    Raises:
        UseCaseInvalid: the module is not there, has no ``suite()``, or holds expectations nobody knows.
    """
    from wardround.errors import UseCaseInvalid
    from wardround.validation.suites import derived_suite

    if use_case.expectations is None:
        return derived_suite(use_case)
    try:
        module = import_module(use_case.expectations)
    except ModuleNotFoundError as error:
        fault = f"expectations: there is no module {error.name}"
        raise UseCaseInvalid(use_case.name, (fault,)) from None
    if not hasattr(module, "suite"):
        raise UseCaseInvalid(use_case.name, (f"expectations: {use_case.expectations} has no function suite()",))
    built: ExpectationSuite = module.suite()
    return built
