"""Is the batch sound? Readings that open a ticket and never start training."""

import math
from datetime import datetime

from wardround.domain import Batch, Reading, Severity
from wardround.monitoring.budget import Levels
from wardround.monitoring.differences import share_rose
from wardround.monitoring.profile import CategoryProfile, Profile
from wardround.monitoring.rounding import open_share
from wardround.monitoring.summary import BatchSummary
from wardround.monitoring.words import chance, part, percent
from wardround.privacy import near
from wardround.use_cases.base import Feature, UseCase

QUALITY_KINDS = ("missing", "range", "new levels", "units", "volume", "freshness", "duplicates", "validation")


def quality_readings(
    use_case: UseCase, profile: Profile, summary: BatchSummary, batch: Batch, *, as_of: datetime, small_cell: int
) -> tuple[Reading, ...]:
    """Return every quality reading of *batch*; *as_of* is the moment of the round, against which rows age."""
    readings = [
        *_validation(use_case, batch, small_cell),
        _volume(use_case, summary),
        _freshness(use_case, summary, as_of),
        _duplicates(use_case, summary, small_cell),
        *_units(use_case, profile, summary),
        *_missing(use_case, profile, summary, small_cell),
        *_new_levels(use_case, profile, summary, small_cell),
    ]
    return tuple(reading for reading in readings if reading is not None)


def _validation(use_case: UseCase, batch: Batch, small_cell: int) -> list[Reading]:
    share = batch.rows_quarantined / max(batch.rows_in, 1)
    limit = use_case.monitoring.max_quarantined_share
    faults = "; ".join(batch.faults)
    sentence = (
        f"validation refused the whole batch: {faults or 'too many of its rows failed'}"
        if batch.refused
        else f"validation put {_held(batch, small_cell)} of the rows in quarantine, "
        f"{percent(limit)} is the most that is usual"
    )
    told = open_share(batch.rows_quarantined, batch.rows_in, small_cell)
    found = [
        Reading(
            kind="validation", column=None, effect=told, limit=limit, current=told,
            alarm=batch.refused or not share <= limit, sentence=sentence,
        )
    ]  # fmt: skip
    for outcome in batch.outcomes:
        if outcome.passed or not outcome.row_level or outcome.severity is not Severity.CRITICAL or not outcome.column:
            continue
        failed = outcome.failed_rows / max(batch.rows_in, 1)
        rounded = near(outcome.failed_rows, small_cell) if outcome.failed_rows >= small_cell else outcome.failed_rows
        told = open_share(rounded, batch.rows_in, small_cell)
        found.append(
            Reading(
                kind="range", column=outcome.column, effect=told, limit=limit, current=told,
                alarm=not failed <= limit,
                sentence=outcome.sentence,
            )
        )  # fmt: skip
    return found


def _held(batch: Batch, small_cell: int) -> str:
    """Return the share of rows in quarantine; a small one as a bound that does not tell how many rows came."""
    few = 0 < batch.rows_quarantined < small_cell
    return part(batch.rows_quarantined, batch.rows_accepted + small_cell if few else batch.rows_in, small_cell)


def _volume(use_case: UseCase, summary: BatchSummary) -> Reading:
    expected = use_case.monitoring.rows_per_round
    if expected is None:
        return Reading(
            kind="volume", column=None, effect=None, limit=None, alarm=False, current=float(summary.rows),
            sentence=f"the batch has {summary.rows} rows; no usual number is stated",
        )  # fmt: skip
    ratio = summary.rows / expected
    low, high = use_case.monitoring.volume
    return Reading(
        kind="volume", column=None, effect=ratio, limit=low if ratio < low else high, alarm=not low <= ratio <= high,
        reference=float(expected), current=float(summary.rows),
        sentence=f"the batch has {summary.rows} rows, {ratio:.2f} times the usual {expected} "
        f"({low:g} to {high:g} times is accepted)",
    )  # fmt: skip


def _freshness(use_case: UseCase, summary: BatchSummary, as_of: datetime) -> Reading | None:
    limit = use_case.monitoring.freshness
    if limit is None or use_case.time is None:
        return None
    allowed = limit.total_seconds() / 86_400.0
    if summary.newest is None:
        return Reading(
            kind="freshness", column=None, effect=None, limit=allowed, alarm=True,
            sentence="no row says when it was measured",
        )  # fmt: skip
    age = (as_of - summary.newest).total_seconds() / 86_400.0
    return Reading(
        kind="freshness", column=None, effect=age, limit=allowed, alarm=not age <= allowed, current=age,
        sentence=f"the newest row is {age:.1f} days old; {allowed:.1f} days are accepted",
    )  # fmt: skip


def _duplicates(use_case: UseCase, summary: BatchSummary, small_cell: int) -> Reading:
    share = summary.records.repeated_share
    limit = use_case.monitoring.max_quarantined_share
    repeated = round(share * summary.rows)
    told = open_share(repeated, summary.rows, small_cell)
    return Reading(
        kind="duplicates", column=None, effect=told, limit=limit, alarm=not share <= limit, current=told,
        sentence=f"{part(repeated, summary.rows, small_cell)} of the rows repeat a record of this batch",
    )  # fmt: skip


def _units(use_case: UseCase, profile: Profile, summary: BatchSummary) -> list[Reading]:
    found = []
    medians = {column.name: column.median for column in profile.numeric}
    for feature in use_case.features:
        sizes = summary.sizes.get(feature.name)
        if sizes is None or sizes.total < profile.small_cell or not medians[feature.name] > 0:
            continue
        ratio = sizes.median / medians[feature.name]
        unit, factor = _likeliest_unit(feature, ratio)
        alarm = unit is not None
        found.append(
            Reading(
                kind="units", column=feature.name, effect=ratio, limit=1.0 / factor if alarm else None, alarm=alarm,
                reference=medians[feature.name],
                sentence=f"{feature.name} looks measured in {unit}, not in {feature.unit}: its values are {ratio:.3g} "
                f"times those of {profile.own}"
                if alarm
                else f"{feature.name} is in its usual unit ({ratio:.2f} times the reference's median)",
            )
        )  # fmt: skip
    return found


def _likeliest_unit(feature: Feature, ratio: float) -> tuple[str | None, float]:
    """Return the other unit that explains *ratio* (batch over reference) better than the declared one does."""
    best: tuple[str | None, float] = (None, 1.0)
    off = abs(math.log(ratio)) if ratio > 0 else 0.0
    for unit, factor in feature.other_units.items():
        distance = abs(math.log(ratio * factor)) if ratio > 0 and factor > 0 else math.inf
        # a median moves by a factor of 1.3 in real patients; three times nearer to the other unit is no accident
        if off > math.log(1.3) and 3.0 * distance < off:
            best, off = (unit, factor), 3.0 * distance
    return best


def _missing(use_case: UseCase, profile: Profile, summary: BatchSummary, small_cell: int) -> list[Reading]:
    watched = [column for column in profile.columns if use_case.feature(column.name).max_missing < 1.0]
    level = Levels.of(use_case.monitoring).quality / 2.0 / max(len(watched), 1)
    rows, reference_rows = summary.rows / summary.design_effect, profile.rows / profile.design_effect
    found = []
    for column in watched:
        feature = use_case.feature(column.name)
        before, now = column.missing / max(profile.rows, 1), summary.missing[column.name] / max(summary.rows, 1)
        limit = min(1.0, max(feature.max_missing, before) + use_case.monitoring.material_missing)
        p = share_rose(before * reference_rows, reference_rows, now * rows, rows)
        alarm = now >= limit and p <= level
        told = open_share(summary.missing[column.name], summary.rows, small_cell)
        found.append(
            Reading(
                kind="missing", column=column.name, effect=None if told is None else told - before, limit=limit,
                alarm=alarm, p=None if told is None else p, reference=before, current=told,
                sentence=f"{column.name} is missing in {part(summary.missing[column.name], summary.rows, small_cell)} "
                f"of the rows, {percent(before)} in {profile.own} ({percent(limit)} is worth a ticket"
                + (")" if told is None else f", {chance(p)})"),
            )
        )  # fmt: skip
    return found


def _new_levels(use_case: UseCase, profile: Profile, summary: BatchSummary, small_cell: int) -> list[Reading]:
    watched = [column for column in profile.category if column.known_complete]
    level = Levels.of(use_case.monitoring).quality / 2.0 / max(len(watched), 1)
    return [_new_levels_of(use_case, profile, summary, column, level, small_cell) for column in watched]


def _new_levels_of(
    use_case: UseCase, profile: Profile, summary: BatchSummary, column: CategoryProfile, level: float, small_cell: int
) -> Reading:
    seen = max(profile.rows - column.missing, 1) / profile.design_effect
    present = max(summary.rows - summary.missing[column.name], 0)
    share = summary.unseen[column.name] / max(present, 1)
    limit = column.unseen + use_case.monitoring.material_missing
    independent = present / summary.design_effect
    p = share_rose(column.unseen * seen, seen, share * independent, independent)
    unseen = int(summary.unseen[column.name])
    told = open_share(unseen, present, small_cell)
    return Reading(
        kind="new levels", column=column.name, effect=told, limit=limit, alarm=share >= limit and p <= level,
        p=None if told is None else p, reference=column.unseen, current=told,
        sentence=f"{column.name}: {part(unseen, present, small_cell)} of the rows have a level the model never met "
        f"({percent(column.unseen)} would be usual)",
    )  # fmt: skip
