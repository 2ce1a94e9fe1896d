"""The registry: what is registered stays, what is promoted was gated, and nobody overwrites anybody."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wardround import ledger, registry
from wardround.domain import Champion, CriterionResult, ModelVersion, Verdict
from wardround.errors import Conflict, Corrupted, NotFound, PromotionRefused, StoreFailed
from wardround.registry import pointer
from wardround.store import Store

NOW = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
USE_CASE = "heart_disease"
FILES = {"model.skops": b"weights", "card.md": b"# A model"}


def draft(**changes: Any) -> ModelVersion:
    content = ModelVersion(
        use_case=USE_CASE, version="", problem="classification", family="logistic",
        parameters={"C": 0.1, "penalty": "l2", "grid": (1, 2.5), "class_weight": None}, features=("age", "sex"),
        batches=("a" * 64,), label_sets=(), rows=303, patients=303, data_hash="b" * 64, use_case_hash="c" * 64, seed=1,
        code_version="0.1.0", packages={"scikit-learn": "1.9.1"}, files={}, cause="first", parent=None, created_at=NOW,
    )  # fmt: skip
    return replace(content, **changes)


def registered(store: Store, seed: int = 1) -> ModelVersion:
    return registry.register(store, draft(seed=seed, created_at=NOW + timedelta(seconds=seed)), FILES)


def verdict(version: ModelVersion, champion: str | None, *, passed: bool = True) -> Verdict:
    criterion = CriterionResult(
        criterion="AUROC floor", kind="floor", metric="auroc", population="reference", figure=0.9, interval=None,
        limit=0.8, passed=passed, sentence="AUROC 0.90 against a floor of 0.80", reason="the clinic asked for it",
    )  # fmt: skip
    return Verdict(
        use_case=version.use_case, challenger=version.version, champion=champion, comparison="", criteria=(criterion,)
    )


def promote(store: Store, version: ModelVersion, expected: str | None, **changes: Any) -> Champion:
    content: dict[str, Any] = {
        "verdict": verdict(version, expected), "actor": "tester", "reason": "passed its gate", "expected": expected,
        "now": NOW,
    }  # fmt: skip
    return registry.promote(store, USE_CASE, version.version, **(content | changes))


def rollback(store: Store, to: str | None = None) -> Champion:
    return registry.rollback(store, USE_CASE, to=to, actor="tester", reason="alarms at night", now=NOW)


def test_a_model_that_remembers_patients_keeps_them_under_a_row_level_prefix(store: Store) -> None:
    version = registry.register(store, draft(row_level=("model.skops",)), FILES)
    remembered = f"models-row-level/{USE_CASE}/{version.version}/model.skops"
    assert set(store.keys("models-row-level/")) == {remembered}
    assert version.prefix + "model.skops" not in set(store.keys("models/"))
    assert registry.read_file(store, version, "model.skops") == b"weights"
    promoted = promote(store, version, None)
    assert promoted.version == version.version
    assert ledger.verify(store).intact


def test_a_version_comes_back_as_it_was_registered(store: Store) -> None:
    version = registered(store)
    loaded = registry.load(store, USE_CASE, version.version)
    assert (loaded.version, loaded.files, loaded.created_at) == (version.version, version.files, version.created_at)
    assert loaded.content_version() == version.version
    assert {name: registry.read_file(store, loaded, name) for name in FILES} == FILES
    assert registry.read_files(store, loaded) == FILES


def test_registering_the_same_content_again_gives_the_first_one(store: Store) -> None:
    first = registered(store)
    again = registry.register(store, draft(seed=1, created_at=NOW + timedelta(days=1)), FILES)
    assert (again.version, again.created_at) == (first.version, first.created_at)
    assert len(registry.versions(store, USE_CASE)) == 1


def test_other_content_is_another_version(store: Store) -> None:
    names = {registered(store, seed).version for seed in range(3)}
    names.add(registry.register(store, draft(), FILES | {"card.md": b"# Another"}).version)
    assert len(names) == 4
    listed = registry.versions(store, USE_CASE)
    assert {version.version for version in listed} == names
    assert [version.created_at for version in listed] == sorted(version.created_at for version in listed)


def test_a_version_can_be_named_before_it_is_registered(store: Store) -> None:
    named = registry.seal(draft(), FILES)
    assert registry.versions(store, USE_CASE) == ()
    assert registry.register(store, draft(), FILES).version == named.version
    assert registry.register(store, named, FILES).version == named.version


def test_a_version_without_its_manifest_does_not_exist(store: Store, intruder: Any) -> None:
    version = registered(store)
    intruder.remove(version.prefix + "manifest.json")
    assert registry.versions(store, USE_CASE) == ()
    with pytest.raises(NotFound):
        registry.load(store, USE_CASE, version.version)
    assert registered(store).version == version.version, "the next attempt completes it"


def test_the_first_digits_are_enough_when_they_fit_one_version_only(store: Store) -> None:
    names = [registered(store, seed).version for seed in range(6)]
    for name in names:
        start = next(name[:n] for n in range(1, 17) if sum(other.startswith(name[:n]) for other in names) == 1)
        assert registry.load(store, USE_CASE, start).version == name
    with pytest.raises(NotFound, match="6 begin like this"):
        registry.load(store, USE_CASE, "")
    for missing in ("zz", "../", "f" * 16):
        with pytest.raises(NotFound, match="models list"):
            registry.load(store, USE_CASE, missing)


@pytest.mark.parametrize("name", ["manifest.json", "../escape", "a/b", "", ".hidden"])
def test_a_file_may_not_be_named_so_that_it_leaves_its_version(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        registry.register(store, draft(), {name: b"x"})


def test_a_manifest_with_foreign_hashes_is_not_registered(store: Store) -> None:
    with pytest.raises(ValueError, match="hashes"):
        registry.register(store, draft(files={"model.skops": "0" * 64}), FILES)


@pytest.mark.parametrize("name", FILES)
def test_an_altered_file_is_not_given_out_and_not_promoted(store: Store, intruder: Any, name: str) -> None:
    version = registered(store)
    intruder.flip(version.prefix + name, 2)
    with pytest.raises(Corrupted, match=name):
        registry.read_file(store, version, name)
    with pytest.raises(Corrupted, match=name):
        promote(store, version, None)
    intruder.remove(version.prefix + name)
    with pytest.raises(Corrupted, match="missing"):
        promote(store, version, None)
    assert registry.champion(store, USE_CASE) is None


@pytest.mark.parametrize("place", [3, 60, 200, 500, -3])
def test_an_altered_manifest_is_named(store: Store, intruder: Any, place: int) -> None:
    version = registered(store)
    intruder.flip(version.prefix + "manifest.json", place)
    with pytest.raises(Corrupted, match=r"manifest\.json"):
        registry.load(store, USE_CASE, version.version)


def test_an_unknown_file_is_named_with_those_there_are(store: Store) -> None:
    with pytest.raises(NotFound, match=r"card\.md, model\.skops"):
        registry.read_file(store, registered(store), "weights.pkl")


def test_there_is_no_champion_before_the_first_promotion(store: Store) -> None:
    assert registry.champion(store, USE_CASE) is None
    assert registry.history(store, USE_CASE) == ()
    with pytest.raises(NotFound, match="champion"):
        rollback(store)


def test_a_promotion_moves_the_pointer_and_is_recorded(store: Store) -> None:
    first, second = registered(store, 1), registered(store, 2)
    promote(store, first, None)
    moved = promote(store, second, first.version)
    assert registry.champion(store, USE_CASE) == moved
    assert (moved.version, moved.previous, moved.sequence) == (second.version, first.version, 2)
    recorded = list(ledger.entries(store, kind="promotion"))
    assert [entry.subject for entry in recorded] == [first.version, second.version]
    assert ledger.verify(store).intact
    assert set(recorded[1].hashes) == {
        second.prefix + name for name in (*FILES, "manifest.json", f"verdicts/{first.version}.json")
    }


def test_a_failed_verdict_promotes_nothing_and_its_reasons_are_told(store: Store) -> None:
    version = registered(store)
    with pytest.raises(PromotionRefused, match=r"AUROC 0\.90 against a floor"):
        promote(store, version, None, verdict=verdict(version, None, passed=False))
    assert registry.champion(store, USE_CASE) is None


def test_a_verdict_without_criteria_promotes_nothing(store: Store) -> None:
    version = registered(store)
    with pytest.raises(PromotionRefused, match="ungated"):
        promote(store, version, None, verdict=replace(verdict(version, None), criteria=()))


def test_a_verdict_about_another_version_or_use_case_promotes_nothing(store: Store) -> None:
    first, second = registered(store, 1), registered(store, 2)
    for wrong in (verdict(second, None), replace(verdict(first, None), use_case="thyroid")):
        with pytest.raises(PromotionRefused, match="not about this version"):
            promote(store, first, None, verdict=wrong)


def test_a_verdict_against_a_champion_that_no_longer_serves_is_stale(store: Store) -> None:
    first, second, third = (registered(store, seed) for seed in range(3))
    promote(store, first, None)
    promote(store, second, first.version)
    with pytest.raises(PromotionRefused, match="gate it again"):
        promote(store, third, first.version)
    with pytest.raises(PromotionRefused, match="compared it with"):
        promote(store, third, second.version, verdict=verdict(third, first.version))
    assert registry.champion(store, USE_CASE).version == second.version  # type: ignore[union-attr]


def test_promoting_the_champion_again_is_refused_and_says_so(store: Store) -> None:
    version = registered(store)
    promote(store, version, None)
    with pytest.raises(PromotionRefused, match="champion already"):
        promote(store, version, None)


def test_a_verdict_that_differs_from_the_stored_one_is_refused(store: Store) -> None:
    version = registered(store)
    with pytest.raises(StoreFailed):
        promote(replace(store, endpoint_url="http://127.0.0.1:9"), version, None)
    pointer._keep_verdict(store, version, verdict(version, None))
    with pytest.raises(PromotionRefused, match="another verdict is stored"):
        promote(store, version, None, verdict=replace(verdict(version, None), comparison="kinder"))
    promote(store, version, None)


def test_rolling_back_twice_goes_back_twice_and_then_there_is_none(store: Store) -> None:
    first, second, third = (registered(store, seed) for seed in range(3))
    promote(store, first, None)
    promote(store, second, first.version)
    promote(store, third, second.version)
    assert rollback(store).version == second.version
    assert rollback(store).version == first.version
    with pytest.raises(NotFound, match="earlier champion"):
        rollback(store)
    assert rollback(store, third.version[:10]).version == third.version
    assert [move["kind"] for move in registry.history(store, USE_CASE)] == ["promotion"] * 3 + ["rollback"] * 3
    assert [entry.kind for entry in ledger.entries(store)] == ["promotion"] * 3 + ["rollback"] * 3
    assert ledger.verify(store).intact


def test_a_rollback_is_no_way_around_the_gate(store: Store) -> None:
    first, never = registered(store, 1), registered(store, 2)
    promote(store, first, None)
    with pytest.raises(PromotionRefused, match="never was champion"):
        rollback(store, never.version)
    with pytest.raises(PromotionRefused, match="already"):
        rollback(store, first.version)


def test_a_rollback_to_a_damaged_version_is_refused(store: Store, intruder: Any) -> None:
    first, second = registered(store, 1), registered(store, 2)
    promote(store, first, None)
    promote(store, second, first.version)
    intruder.flip(first.prefix + "model.skops", 0)
    with pytest.raises(Corrupted):
        rollback(store)
    assert registry.champion(store, USE_CASE).version == second.version  # type: ignore[union-attr]


def test_a_champion_that_is_gone_is_told_and_can_be_left(store: Store, intruder: Any) -> None:
    first, second = registered(store, 1), registered(store, 2)
    promote(store, first, None)
    promote(store, second, first.version)
    intruder.remove(second.prefix + "manifest.json")
    with pytest.raises(NotFound, match="champion of heart_disease is gone"):
        registry.champion(store, USE_CASE)
    assert rollback(store).version == first.version


def test_a_damaged_pointer_is_named(store: Store, intruder: Any) -> None:
    promote(store, registered(store), None)
    whole = json.loads(store.get("champions/heart_disease.json"))
    changes = ({"use_case": "thyroid"}, {"version": "../x"}, {"version": "\0"}, {"history": []}, {"history": [{}]})
    for damaged in ({"version": 3}, *(whole | change for change in changes)):
        intruder.write("champions/heart_disease.json", json.dumps(damaged).encode())
        with pytest.raises(Corrupted, match=r"champions/heart_disease\.json"):
            registry.champion(store, USE_CASE)


def test_a_promotion_killed_before_its_ledger_entry_is_recorded_by_the_next_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [registered(store, seed) for seed in range(4)]
    promote(store, versions[0], None)
    with monkeypatch.context() as patch:
        patch.setattr(pointer, "_record", lambda *_: None)
        promote(store, versions[1], versions[0].version)
        promote(store, versions[2], versions[1].version)
    assert len(list(ledger.entries(store))) == 1
    promote(store, versions[3], versions[2].version)
    assert [entry.subject for entry in ledger.entries(store)] == [version.version for version in versions]
    registry.history(store, USE_CASE)
    assert ledger.verify(store).count == 4


def test_the_history_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pointer, "HISTORY", 5)
    first, second = registered(store, 1), registered(store, 2)
    promote(store, first, None)
    promote(store, second, first.version)
    for turn in range(8):
        rollback(store, (first, second)[turn % 2].version)
    history = registry.history(store, USE_CASE)
    assert [move["sequence"] for move in history] == list(range(6, 11))
    assert ledger.verify(store).count == 10


def race(promotions: list[Any]) -> tuple[list[Champion], list[Exception]]:
    gate = threading.Barrier(len(promotions))

    def run(act: Any) -> Any:
        gate.wait()
        try:
            return act()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(promotions)) as pool:
        results = list(pool.map(run, promotions))
    won = [result for result in results if isinstance(result, Champion)]
    return won, [result for result in results if isinstance(result, Exception)]


@pytest.mark.parametrize("distinct", [True, False], ids=["of forty versions", "of one version"])
def test_of_forty_concurrent_promotions_one_wins_and_the_others_are_told_why(store: Store, distinct: bool) -> None:
    champion = registered(store, 0)
    promote(store, champion, None)
    versions = [registered(store, seed if distinct else 1) for seed in range(1, 41)]
    won, lost = race([lambda version=version: promote(store, version, champion.version) for version in versions])
    assert len(won) == 1
    assert len(lost) == 39
    for error in lost:
        assert isinstance(error, PromotionRefused)
        assert "somebody was faster" in str(error) or "champion already" in str(error)
    assert registry.champion(store, USE_CASE) == won[0]
    assert won[0].sequence == 2
    assert [entry.subject for entry in ledger.entries(store)] == [champion.version, won[0].version]


def test_without_the_condition_every_racer_would_win(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    champion = registered(store, 0)
    promote(store, champion, None)

    def swap(self: Store, key: str, content: dict[str, Any], expected_tag: str | None) -> str:
        return "no condition"

    monkeypatch.setattr(Store, "swap", swap)
    versions = [registered(store, seed) for seed in range(1, 5)]
    won, _ = race([lambda version=version: promote(store, version, champion.version) for version in versions])
    assert len(won) == 4


def test_a_rollback_that_loses_a_race_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = registered(store, 1), registered(store, 2)
    promote(store, first, None)
    promote(store, second, first.version)

    def swap(self: Store, key: str, content: dict[str, Any], expected_tag: str | None) -> str:
        raise Conflict(key)

    monkeypatch.setattr(Store, "swap", swap)
    with pytest.raises(Conflict, match="somebody else"):
        rollback(store)
