"""Training against the store: gather, fit, evaluate, describe, register. Whatever is killed half-way does not exist."""

import hashlib
import io
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from wardround import ledger, predicted, registry
from wardround.domain import ModelVersion, Sensitivity, from_json, to_json
from wardround.errors import Corrupted, NotFound, NotTrainable, UseCaseInvalid
from wardround.monitoring.profile import build_profile
from wardround.monitoring.saliency import SALIENCY, mean_saliency
from wardround.monitoring.sites import with_sites
from wardround.privacy import suppressed
from wardround.problems import problem_of
from wardround.problems.base import with_answer
from wardround.sources.identity import canonical_id
from wardround.training.description import Record, card, code_version, package_versions
from wardround.training.fitting import Progress, Trained, fit_and_evaluate
from wardround.training.gathering import Gathered, gather
from wardround.use_cases.base import UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings
    from wardround.store import Store

EVALUATION, PROFILE, RECORD, CARD = "evaluation.json", "profile.json", "training.json", "card.md"
TRUTH = "truth_sha256"
"""The column that says by which truth the out-of-fold parts of a row were judged."""


def train(
    use_case: UseCase,
    batch_ids: Sequence[str],
    *,
    store: "Store",
    settings: "Settings",
    seed: int,
    cause: str,
    parent: str | None,
    now: datetime,
    progress: Progress | None = None,
    label_sets: Sequence[str] | None = None,
) -> ModelVersion:
    """Train the candidates of *use_case* on the accepted rows of the batches and register the best one.

    The same rows, use case, seed, cause, parent, code and packages give the same version, whenever it is done.
    *label_sets*: the late outcomes that may be used (None: all). Nothing is promoted.

    Raises:
        NotFound: there is no such batch.
        NotTrainable: the rows can teach nothing, or none of several candidates can be trained.
        LeakFound: a guard found the answer among the features.
        UseCaseInvalid: a candidate has a parameter that its family has not, or may not have such a value.
        ExtraMissing: the only candidate needs a part of wardround that is not installed here.
        StoreFailed: the store did not take it; then the version does not exist.
    """
    tell = progress or (lambda _: None)
    tell("gathering the rows")
    gathered = gather(use_case, batch_ids, store=store, label_sets=label_sets)
    trained = fit_and_evaluate(use_case, gathered.frame, seed, small_cell=settings.small_cell, progress=progress)
    tell("describing the patients it learned from")
    predictions = _encoded(use_case, trained)
    version = _manifest(use_case, gathered, trained, seed=seed, cause=cause, parent=parent, now=now)
    files = _files(use_case, gathered, trained, version, predictions, small_cell=settings.small_cell)
    version = registry.seal(version, files)
    store.put(out_of_fold_key(version), predictions, sensitivity=Sensitivity.ROW_LEVEL)
    version = registry.register(store, version, files)
    hashes = registry.hashes(store, version) | {out_of_fold_key(version): hashlib.sha256(predictions).hexdigest()}
    ledger.append(
        store, act=f"model:{version.use_case}:{version.version}", kind="model", use_case=version.use_case,
        actor=settings.actor, subject=version.version, hashes=hashes, reason=cause, now=version.created_at,
    )  # fmt: skip
    tell(f"registered {version.version}")
    return version


def retrain_from(
    use_case: UseCase,
    version: ModelVersion,
    *,
    store: "Store",
    settings: "Settings",
    now: datetime,
    progress: Progress | None = None,
) -> ModelVersion:
    """Train *version* again from its manifest alone; with the same code and packages the same version comes out.

    Raises:
        UseCaseInvalid: *use_case* is not what the version was trained for.
        NotTrainable: its rows are not there any more as they were.
    """
    if use_case.content_hash() != version.use_case_hash:
        raise UseCaseInvalid(use_case.name, (f"it has changed since version {version.version} was trained for it",))
    gathered = gather(use_case, version.batches, store=store, label_sets=version.label_sets)
    if _data_hash(use_case, gathered.frame) != version.data_hash:
        raise NotTrainable(
            use_case.name,
            f"the rows are not those that version {version.version} learned from",
            "Run `wardround verify`",
        )
    return train(
        use_case, version.batches, store=store, settings=settings, seed=version.seed, cause=version.cause,
        parent=version.parent, now=now, progress=progress, label_sets=version.label_sets,
    )  # fmt: skip


def out_of_fold_key(version: ModelVersion) -> str:
    """Return where the out-of-fold predictions of *version* are (Parquet, row level)."""
    return f"predictions/{version.use_case}/out-of-fold/{version.version}.parquet"


def out_of_fold(store: "Store", version: ModelVersion) -> "pd.DataFrame":
    """Return record_id, patient_id, target and prediction of every row *version* learned from, in its order.

    Each prediction is by a learner that did not see the row's patient; NaN: the split never tests the row. Where the
    answer is no number its parts are judged by the truth, and the row's loss stands beside them, and `TRUTH`.

    Raises:
        Corrupted: they are missing, or not those that were written.
    """
    import pandas as pd

    key = out_of_fold_key(version)
    try:
        body = store.get(key)
    except NotFound:
        raise Corrupted(key, "it is missing") from None
    record = from_json(Record, registry.read_file(store, version, RECORD))
    if hashlib.sha256(body).hexdigest() != record.out_of_fold_sha256:
        raise Corrupted(key, "its hash is not the one the version states")
    return pd.read_parquet(io.BytesIO(body))


def truth_hashes(frame: "pd.DataFrame") -> list[str]:
    """Return the sha256 of the truth of each row of *frame* (n,), which must be there."""
    truths = (truth if isinstance(truth, bytes) else truth.encode() for truth in frame["truth"])
    return [hashlib.sha256(truth).hexdigest() for truth in truths]


def _encoded(use_case: UseCase, trained: Trained) -> bytes:
    import pandas as pd
    import pyarrow as pa

    from wardround.rows import encode

    problem = problem_of(use_case)
    target = trained.frame["target"].to_numpy(dtype=float)
    table = pd.DataFrame(
        {
            "record_id": trained.frame["record_id"],
            "patient_id": trained.frame["patient_id"],
            "target": trained.frame["target"],
            **predicted.columns(problem, trained.out_of_fold, output=False),
        }
    )
    fields = [("record_id", pa.string()), ("patient_id", pa.string()), ("target", pa.float64())]
    form = pa.schema([*fields, *predicted.fields(problem, output=False)])
    if not problem.scalar:
        table["loss"] = problem.losses(target, trained.out_of_fold)
        form = form.append(pa.field("loss", pa.float64()))
    if problem.judged is not None:
        table[TRUTH] = truth_hashes(trained.frame)
        form = form.append(pa.field(TRUTH, pa.string()))
    return encode(table, form)


def _manifest(
    use_case: UseCase, gathered: Gathered, trained: Trained, *, seed: int, cause: str, parent: str | None, now: datetime
) -> ModelVersion:
    return ModelVersion(
        use_case=use_case.name,
        version="",
        problem=use_case.problem,
        family=trained.learner.family,
        parameters=trained.parameters,
        features=trained.learner.columns,
        batches=tuple(batch.id for batch in gathered.batches),
        label_sets=gathered.label_sets,
        rows=len(trained.frame),
        patients=int(trained.frame["patient_id"].nunique()),
        data_hash=_data_hash(use_case, gathered.frame),
        use_case_hash=use_case.content_hash(),
        seed=seed,
        code_version=code_version(),
        packages=package_versions(),
        files={},
        cause=cause,
        parent=parent,
        created_at=now,
        row_level=tuple(n for n in trained.learner.save() if n.startswith("model."))
        if trained.learner.holds_rows
        else (),
    )


def _files(
    use_case: UseCase,
    gathered: Gathered,
    trained: Trained,
    version: ModelVersion,
    predictions: bytes,
    *,
    small_cell: int,
) -> dict[str, bytes]:
    record = Record(
        out_of_fold_sha256=hashlib.sha256(predictions).hexdigest(),
        candidates=trained.scores,
        unlabelled=suppressed(trained.unlabelled, small_cell),
        again=suppressed(gathered.again, small_cell),
        calibrated=trained.learner.calibrated,
        holds_rows=trained.learner.holds_rows,
        notes=trained.learner.notes,
        failed=trained.failed,
    )
    target = trained.frame["target"].to_numpy(dtype=float)
    loss = problem_of(use_case).losses(target, trained.out_of_fold)
    profile = build_profile(
        use_case, trained.frame, trained.out_of_fold, target, trained.evaluation.importance, version.seed, loss=loss,
        small_cell=small_cell,
    )  # fmt: skip
    profile = with_sites(profile, use_case, trained.frame, trained.out_of_fold, target, loss=loss)
    where = mean_saliency(trained.learner, use_case, trained.frame, seed=version.seed, small_cell=small_cell)
    told = card(use_case, version, trained.evaluation, record, where, small_cell=small_cell)
    return {
        **trained.learner.save(),
        EVALUATION: to_json(trained.evaluation, indent=1),
        PROFILE: to_json(profile, indent=1),
        RECORD: to_json(record, indent=1),
        CARD: told.encode(),
        **({} if where is None else {SALIENCY: to_json(where)}),
    }


def _data_hash(use_case: UseCase, frame: "pd.DataFrame") -> str:
    return canonical_id(frame[with_answer(problem_of(use_case), frame)].reset_index(drop=True))
