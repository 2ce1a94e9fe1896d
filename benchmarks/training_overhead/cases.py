"""What is trained: a case for every family of every problem, its rows, and the plain script beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import rows
from rows import Rows


@dataclass(frozen=True, kw_only=True)
class Case:
    """*family* trained on *count* rows of *make*, beside the function *plain* of the module of that name.

    *plain* is called with *first*, the rows, the folder, and the number of *epochs* of a network. *problems* are those
    that it stands for; the first is trained. Where nothing is learned, *plain* is empty and there is no ratio.
    """

    family: str
    problems: tuple[str, ...]
    make: Callable[[int], Rows]
    count: int
    plain: str
    first: str
    epochs: int | None = None
    setting: Mapping[str, Any] = field(default_factory=dict)
    of: str = ""

    @property
    def name(self) -> str:
        """What it is called in the table."""
        return f"{self.family}, {self.of or self.problems[0]}"

    @property
    def parameters(self) -> dict[str, Any]:
        """What wardround is told beyond its defaults."""
        own = {} if self.epochs is None else {"epochs": self.epochs, "patience": self.epochs}
        return {**own, **self.setting}


def _tables(problem: str, make: Callable[[int], Rows], plain: str, counts: Mapping[str, int]) -> tuple[Case, ...]:
    return tuple(
        Case(family=family, problems=(problem,), make=make, count=count, plain=plain, first=family)
        for family, count in counts.items()
    )


def _texts(plain: str, make: Callable[[int], Rows], problem: str, count: int, family: str = "") -> Case:
    return Case(
        family=family or plain, problems=(problem,), make=make, count=count,
        plain=plain and f"plain_texts:{plain}", first=problem,
    )  # fmt: skip


def _network(
    family: str, problems: tuple[str, ...], make: Callable[[int], Rows], count: int, epochs: int, plain: str, of: str
) -> Case:
    setting = {"augment": "none"} if family in ("cnn", "unet") else {}
    return Case(
        family=family, problems=problems, make=make, count=count, epochs=epochs, of=of, setting=setting,
        plain=f"plain_networks:{plain}", first=family,
    )  # fmt: skip


_OUTCOMES = ("classification", "regression", "multiclass")

CASES: tuple[Case, ...] = (
    *_tables("classification", rows.two_classes, "plain_tables:classification", {
        "logistic": 120_000, "linear_svm": 10_000, "rbf_svm": 3_000, "random_forest": 6_000, "boosting": 20_000,
        "neighbours": 40_000,
    }),
    *_tables("classification", rows.few_outcomes, "plain_tables:self_training", {"self_training": 40_000}),
    *_tables("regression", rows.number, "plain_tables:regression", {
        "linear": 30_000, "ridge": 30_000, "lasso": 30_000, "elastic_net": 30_000, "linear_svm": 15_000,
        "rbf_svm": 3_000, "random_forest": 1_000, "boosting": 5_000, "neighbours": 6_000,
    }),
    *_tables("multiclass", rows.classes, "plain_tables:classification", {
        "logistic": 80_000, "random_forest": 6_000, "boosting": 6_000,
    }),
    *_tables("clustering", rows.no_outcome, "plain_groups:groups", {"kmeans": 10_000, "gaussian_mixture": 6_000}),
    *_tables("anomaly", rows.no_outcome, "plain_groups:isolation_forest", {"isolation_forest": 20_000}),
    *_tables("anomaly", rows.no_outcome, "plain_groups:principal_components", {"principal_components": 30_000}),
    _texts("bag_of_words", rows.reports_of_two, "classification", 6_000),
    _texts("bag_of_words", rows.reports_of_topics, "multiclass", 4_000),
    _texts("bag_of_words", rows.reports_of_labels, "multilabel", 4_000),
    _texts("dictionary", rows.reports_with_entities, "tagging", 8_000),
    _texts("crf", rows.reports_with_entities, "tagging", 600),
    _texts("sentence_ranking", rows.reports_with_summaries, "summary", 3_000),
    _texts("", rows.reports_with_summaries, "summary", 3_000, family="lead"),
    _texts("", rows.reports_with_summaries, "summary", 3_000, family="textrank"),
    Case(family="thresholding", problems=("segmentation",), make=rows.objects, count=1_500, first="thresholding",
         plain="plain_objects:thresholding"),
    _network("dense", _OUTCOMES, rows.numbers, 6_000, 40, "of_numbers", "numbers"),
    _network("autoencoder_features", ("classification",), rows.numbers, 6_000, 40, "of_numbers", "numbers"),
    _network("cnn", _OUTCOMES, rows.pictures, 500, 12, "cnn", "pictures"),
    _network("cnn", _OUTCOMES, rows.signals, 600, 20, "cnn", "signals"),
    _network("recurrent", _OUTCOMES, rows.series, 500, 20, "recurrent", "series"),
    _network("unet", ("segmentation",), rows.objects, 48, 20, "unet", "pictures"),
    _network("autoencoder", ("anomaly",), rows.numbers, 6_000, 40, "of_numbers", "numbers"),
)  # fmt: skip


def forgotten() -> list[str]:
    """Return the families of wardround that no case trains."""
    from wardround.models import FAMILIES

    known = {(problem, case.family) for case in CASES for problem in case.problems}
    return [f"{name} ({problem})" for problem, name in FAMILIES if (problem, name) not in known]
