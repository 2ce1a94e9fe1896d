"""What a prediction is called before clinicians: an estimate with its reasons and its gaps, never a diagnosis."""

from collections.abc import Iterator, Mapping

from wardround.problems.answering import shape_of
from wardround.serving.predictions import Answer, Predicted
from wardround.serving.predictions.answers import SAID
from wardround.use_cases.base import UseCase

CAUTION = "An estimate of a statistical model, not a diagnosis."
MOST_REASONS = 5


def title(use_case: UseCase) -> str:
    """Return the use case's name as people write it."""
    return use_case.name.replace("_", " ").capitalize()


def estimate(use_case: UseCase, each: Predicted) -> str:
    """Return the prediction in half a sentence."""
    if each.above is not None:
        side = "at or above" if each.above else "below"
        return f"estimated probability {_percent(each.value)}, {side} the threshold of {_percent(use_case.threshold)}"
    unit = f" {use_case.target.unit}" if use_case.target.unit else ""
    between = "" if each.low is None or each.high is None else f" (90 % interval {each.low:.3g} to {each.high:.3g})"
    return f"estimated {each.value:.3g}{unit}{between}"


def sentence(text: str) -> str:
    """Return *text* with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def missing(each: Predicted) -> tuple[str, ...]:
    """Return the features that were not given."""
    return tuple(it.field for it in each.warnings if it.kind == "missing")


def reasons(use_case: UseCase, each: Predicted) -> Iterator[str]:
    """Yield the features that moved the prediction most, with sign and unit; what is not known moves it too."""
    unit, unknown = shape_of(use_case).unit(use_case), missing(each)
    for name, size in each.reasons[:MOST_REASONS]:
        if size:
            known = "" if name not in unknown else " (not known)"
            yield f"{_described(use_case, name)}{known}: {'raises' if size > 0 else 'lowers'} it ({size:+.2f} {unit})"


def warnings(use_case: UseCase, each: Predicted, gaps: Mapping[str, str]) -> Iterator[str]:
    """Yield what the prediction is to be distrusted for; *gaps* say why a value was not found in the record."""
    for it in each.warnings:
        if it.kind != "missing":
            yield f"{_described(use_case, it.field)}: {it.detail}"
    why: dict[str, list[str]] = {}
    for name in missing(each):
        why.setdefault(gaps.get(name, SAID["missing"]), []).append(_described(use_case, name))
    for reason, names in why.items():
        yield f"not known ({reason}): {', '.join(names)}"


def _described(use_case: UseCase, name: str) -> str:
    return use_case.feature(name).description or name


def model(use_case: UseCase, answer: Answer) -> str:
    """Return who predicted."""
    return f"{answer.family.replace('_', ' ')} for {use_case.name}, version {answer.version}"


def _percent(share: float) -> str:
    whole = round(100 * share)
    return "under 1 %" if whole < 1 else "over 99 %" if whole > 99 else f"{whole} %"
