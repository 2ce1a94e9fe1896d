"""What is written down beside a model: how it came about, with which code, and its card."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from wardround.domain import Evaluation, ModelVersion
from wardround.evaluation.wording import metric_name
from wardround.models import FAMILIES
from wardround.monitoring.saliency import SALIENCY, MeanSaliency, saliency_alt
from wardround.monitoring.story import evaluation_markdown
from wardround.privacy import in_words
from wardround.problems import problem_of
from wardround.problems.answering import shape_of
from wardround.use_cases.base import UseCase

PACKAGES = ("numpy", "pandas", "scikit-learn", "scipy", "skops")


@dataclass(frozen=True, kw_only=True)
class Record:
    """How a version came about: ``training.json``.

    *candidates* are (family, out-of-fold primary metric) of all that were tried, *failed* (family, reason) of those
    that cannot be trained; *unlabelled* rows had no outcome and cannot be judged, *again* is how many rows a later
    batch replaced; None: too few to say how many.
    """

    out_of_fold_sha256: str
    candidates: tuple[tuple[str, float | None], ...]
    unlabelled: int | None
    again: int | None
    calibrated: bool
    holds_rows: bool
    notes: tuple[str, ...]
    failed: tuple[tuple[str, str], ...] = ()


@cache
def code_version() -> str:
    """Return wardround's release and the hash of its source, so that an unreleased change is told apart."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"{metadata.version('wardround')}+{digest.hexdigest()[:12]}"


@cache
def package_versions() -> dict[str, str]:
    """Return the releases of the packages a prediction depends on."""
    return {name: metadata.version(name) for name in PACKAGES}


def card(
    use_case: UseCase,
    version: ModelVersion,
    evaluation: Evaluation,
    record: Record,
    where: MeanSaliency | None = None,
    *,
    small_cell: int,
) -> str:
    """Return the model card (Mitchell et al. 2019) in markdown; it names neither the hour nor its own version.

    *where* in a content the answers come from, if that is known.
    """
    metric = metric_name(use_case.primary_metric or "the loss per row")
    answer = shape_of(use_case).words(use_case)
    outcome = "rows with an outcome" if problem_of(use_case).supervised else "rows"
    learns = FAMILIES[version.problem, version.family].uses_unlabelled
    unlabelled = "learned from, too, but not evaluated on" if learns else "left out"
    parameters = ", ".join(f"{name} {value}" for name, value in sorted(version.parameters.items())) or "defaults"
    tried = ", ".join(
        f"{family.replace('_', ' ')} {'not measurable' if score is None else f'{score:.4f}'}"
        for family, score in record.candidates
    )
    limits = [
        "It was evaluated on patients like those it learned from; elsewhere its figures may be worse.",
        "An association it uses need not be a cause, and a contribution to a prediction is not a reason to treat.",
    ]
    hidden = sum(group.suppressed for group in evaluation.subgroups)
    if hidden:
        limits.append(f"{hidden} group(s) had fewer than {small_cell} patients: nothing is known about them.")
    unmeasured = [figure.metric for figure in evaluation.figures if figure.value is None]
    if unmeasured:
        limits.append(f"Not measurable on these rows: {', '.join(metric_name(each) for each in unmeasured)}.")
    if record.holds_rows:
        limits.append("Its file contains scaled rows of the patients it learned from: guard it as you guard those.")
    limits += [f"While fitting: {note}." for note in record.notes]
    return "\n".join(
        [
            f"# A model for {use_case.name}",
            "",
            f"**Question.** {use_case.question}",
            "",
            f"**Intended use.** Decision support where a person decides. It answers with {answer}.",
            "",
            f"**Inputs.** {_inputs(use_case, version)}",
            "",
            f"**Model.** {version.family.replace('_', ' ')} ({parameters})"
            + (", probabilities calibrated on held-out folds" if record.calibrated else "")
            + f". Trained because: {version.cause}.",
            "",
            f"**Data.** {version.rows:,} {outcome}, {version.patients:,} patients, {len(version.batches)} "
            f"batch(es), {len(version.label_sets)} later delivery(ies) of outcomes. "
            + _left_out(f"row(s) without an outcome were {unlabelled}", record.unlabelled, small_cell)
            + _left_out("row(s) were replaced by a later delivery of the same record", record.again, small_cell)
            + use_case.attribution,
            "",
            f"**Candidates** by {metric}, out of fold: {tried}.",
            "",
            *_failed(record),
            evaluation_markdown(evaluation).rstrip(),
            "",
            *_whole(use_case, version, where),
            "## Limits",
            "",
            *(f"- {limit}" for limit in limits),
            "",
            "## Lineage",
            "",
            f"Follows {version.parent or 'no earlier model'}. Data {version.data_hash[:16]}, use case "
            f"{version.use_case_hash[:16]}, code {version.code_version}, seed {version.seed}, "
            + ", ".join(f"{name} {release}" for name, release in sorted(version.packages.items()))
            + ".",
            "",
        ]
    )


def _failed(record: Record) -> list[str]:
    said = (f"**Cannot be trained here:** {family.replace('_', ' ')}: {reason}." for family, reason in record.failed)
    return [line for sentence in said for line in (sentence, "")]


def _inputs(use_case: UseCase, version: ModelVersion) -> str:
    """Return what the model reads, in words: contents by name, features by how many there are."""
    read = [each for each in use_case.contents if each.name in version.features]
    features = [each for each in use_case.features if each.name in version.features]
    measured = sum(each.of is not None for each in features)
    said = [f"{each.name.replace('_', ' ')} ({each.description or each.kind}), as it is" for each in read]
    if features:
        named = ", ".join(dict.fromkeys(each.of.replace("_", " ") for each in features if each.of))
        said.append(f"{len(features)} feature(s)" + (f", {measured} of them measured of {named}" if measured else ""))
    return "; ".join(said) + "."


def _whole(use_case: UseCase, version: ModelVersion, where: MeanSaliency | None) -> list[str]:
    """Return what the importance of a content means, and where in it the answers come from."""
    read = [each.name for each in use_case.contents if each.name in version.features]
    said = [
        f"`{name}` was exchanged as a whole, for that of another row: the figure says how much the answers rest on it "
        "at all, not on what in it."
        for name in read
    ]
    if where is not None:
        said.append(f"{saliency_alt(where)} The whole of it is in `{SALIENCY}`, and drawn at the review desk.")
    return [line for sentence in said for line in (sentence, "")]


def _left_out(what: str, count: int | None, small_cell: int) -> str:
    shown = f"fewer than {small_cell}" if count is None else in_words(count, small_cell)
    return "" if count == 0 else f"{shown} {what}. "
