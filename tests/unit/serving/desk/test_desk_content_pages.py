"""The pages of wards, use cases, rounds and models, on a store with a model, its rounds and what came of them."""

import hashlib
import io
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from wardround import ledger, registry
from wardround.domain import (
    Action,
    Batch,
    Cause,
    Champion,
    Decision,
    Evaluation,
    Figure,
    Interval,
    ModelVersion,
    Reading,
    Sensitivity,
    SubgroupFigures,
    to_json,
)
from wardround.monitoring.rounds import record_retraining
from wardround.monitoring.saliency import SALIENCY, MeanSaliency
from wardround.monitoring.settlement import Settled, Settlement
from wardround.monitoring.settlement import keep as keep_settlement
from wardround.serving.desk.history import Round, told
from wardround.serving.desk.site import site
from wardround.serving.desk.wards import ward
from wardround.training.description import Record
from wardround.use_cases import load

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
CASE = load("heart_disease")
BAND = Interval(low=0.10, high=0.20)


def estimate(value: float) -> Reading:
    return Reading(
        kind="estimated performance", column="brier", effect=0.01, limit=0.02, alarm=False, current=value,
        reference=0.12, interval=BAND, sentence=f"brier is estimated at {value}",
    )  # fmt: skip


def drifting(column: str, effect: float) -> Reading:
    return Reading(
        kind="input drift", column=column, effect=effect, limit=0.1, alarm=effect > 0.1, p=0.5,
        sentence=f"{column} moved by {effect}",
    )  # fmt: skip


MISSING = Reading(
    kind="missing", column="cholesterol", effect=0.28, limit=0.15, alarm=True, p=1e-9, reference=0.05, current=0.28,
    sentence="cholesterol is missing in 28 % of the rows",
)  # fmt: skip
FEW = replace(MISSING, column="sex", alarm=False, current=0.015, sentence="sex is missing in 1.5 % of the rows")
VOLUME = Reading(
    kind="volume", column=None, effect=None, limit=None, alarm=False, current=200.0, sentence="the batch has 200 rows"
)


def decision(number: int, action: Action, cause: Cause, *readings: Reading, champion: str | None) -> Decision:
    at = NOW - timedelta(days=7 * (10 - number))
    return Decision(
        use_case=CASE.name, batch=f"{number:064x}", label=f"week-{number}", champion=champion, action=action,
        cause=cause, reasons=tuple(r.sentence for r in readings if r.alarm) or ("nothing to report",),
        what_would_change_it=("something else",), readings=(VOLUME, *readings), decided_at=at, as_of=at,
    )  # fmt: skip


@dataclass(frozen=True)
class Ward:
    """What the pages show: two versions, the second one on duty, and three rounds."""

    old: ModelVersion
    new: ModelVersion
    quiet: Decision
    moved: Decision
    broken: Decision

    def path(self, of: Decision) -> str:
        return f"/use-cases/{CASE.name}/rounds/{of.batch}/{of.champion}"

    def model(self, version: ModelVersion) -> str:
        return f"/use-cases/{CASE.name}/models/{version.version}"


def trained(store, *, seed: int, parent: str | None, auroc: float) -> ModelVersion:
    chance = np.random.default_rng(seed)
    value = chance.uniform(size=120)
    rows = pd.DataFrame(
        {"record_id": [f"r{n}" for n in range(120)], "patient_id": [f"p{n}" for n in range(120)],
         "target": (chance.uniform(size=120) < value).astype(float), "value": value, "low": np.nan, "high": np.nan}
    )  # fmt: skip
    kept = io.BytesIO()
    rows.to_parquet(kept)
    record = Record(
        out_of_fold_sha256=hashlib.sha256(kept.getvalue()).hexdigest(), candidates=(("logistic", 0.12),), unlabelled=0,
        again=0, calibrated=False, holds_rows=True, notes=("it took long",),
        failed=(("neighbours", "neighbours asks 80 neighbours of 90 rows. Lower n_neighbors or add rows"),),
    )  # fmt: skip
    evaluation = Evaluation(
        population="reference", method="5-fold, grouped by patient", rows=120, patients=120,
        figures=(Figure(metric="auroc", value=auroc, interval=Interval(low=auroc - 0.05, high=auroc + 0.05)),
                 Figure(metric="ece", value=None, note="no spread")),
        subgroups=(
            SubgroupFigures(column="sex", level="Male", rows=111, figures=(Figure(metric="auroc", value=auroc),)),
            SubgroupFigures(column="sex", level="Female", rows=None, suppressed=True),
        ),
        importance=(("chest_pain", 0.03), ("age", -0.001)), threshold=0.3,
    )  # fmt: skip
    draft = ModelVersion(
        use_case=CASE.name, version="", problem="classification", family="logistic", parameters={"C": seed},
        features=CASE.feature_names, batches=(f"{1:064x}", "f" * 64), label_sets=("e" * 64,), rows=120, patients=120,
        data_hash="d" * 64, use_case_hash="c" * 64, seed=seed, code_version="1+abc", packages={"numpy": "2.4"},
        files={}, cause="covariate shift" if parent else "first training", parent=parent,
        created_at=NOW - timedelta(days=80 - seed),
    )  # fmt: skip
    files = {"evaluation.json": to_json(evaluation), "training.json": to_json(record), "card.md": b"# A model\n"}
    version = registry.register(store, draft, files)
    store.put(
        f"predictions/{CASE.name}/out-of-fold/{version.version}.parquet", kept.getvalue(),
        sensitivity=Sensitivity.ROW_LEVEL,
    )  # fmt: skip
    ledger.append(
        store, act=f"model:{CASE.name}:{version.version}", kind="model", use_case=CASE.name, actor="the-worker",
        subject=version.version, hashes={}, reason=version.cause, now=NOW,
    )  # fmt: skip
    return version


_KEPT: dict[str, Any] = {}


@pytest.fixture
def round_ward(hospital, intruder) -> Ward:
    """The ward in the store of the hospital; made once, then copied object by object."""
    if not _KEPT:
        _KEPT["ward"] = furnished(hospital.store)
        _KEPT["objects"] = {key: hospital.store.get(key) for key in hospital.store.keys("")}
    for key, body in _KEPT["objects"].items():
        intruder.write(key, body)
    return _KEPT["ward"]


def furnished(store) -> Ward:
    old = trained(store, seed=1, parent=None, auroc=0.8)
    new = trained(store, seed=2, parent=old.version, auroc=0.9)
    moves = tuple(
        {"kind": "promotion", "sequence": n, "version": each.version, "previous": before, "at": NOW.isoformat(),
         "by": "gate", "reason": "passed", "hashes": {}}
        for n, (each, before) in enumerate(((old, None), (new, old.version)), start=1)
    )  # fmt: skip
    champion = Champion(
        use_case=CASE.name, version=new.version, sequence=2, moved_at=NOW, moved_by="gate", reason="passed",
        previous=old.version, history=moves,
    )  # fmt: skip
    store.swap(f"champions/{CASE.name}.json", json.loads(to_json(champion)), None)
    made = Ward(
        old=old, new=new,
        quiet=decision(1, Action.NONE, Cause.NONE, estimate(0.14), drifting("age", 0.02), champion=old.version),
        moved=decision(
            2, Action.RETRAIN, Cause.COVARIATE_SHIFT, drifting("age", 0.4), estimate(0.19), champion=old.version
        ),
        broken=decision(3, Action.QUARANTINE, Cause.DATA_FAULT, MISSING, FEW, champion=new.version),
    )  # fmt: skip
    for each in (made.quiet, made.moved, made.broken):
        store.put(each.key, to_json(each), sensitivity=Sensitivity.AGGREGATE)
        few = each is made.moved
        batch = Batch(
            use_case=CASE.name, id=each.batch, label=each.label, source="ward.csv", rows_in=200,
            rows_accepted=197 if few else 200, rows_quarantined=3 if few else 0, rows_labelled=0, refused=False,
            outcomes=(), faults=(), ingested_at=each.decided_at,
        )  # fmt: skip
        if few:
            batch = quarantined(store, batch)
        store.put(batch.manifest_key, to_json(batch), sensitivity=Sensitivity.ROW_LEVEL)
    store.put(
        made.broken.key.replace("decision.json", "report.html"),
        b"<title>drift</title>",
        sensitivity=Sensitivity.AGGREGATE,
    )
    record_retraining(
        store, made.moved, version=new.version, promoted=True, sentence="passed every gate", actor="worker", now=NOW
    )
    settled = Settled(metric="brier", estimated=0.14, realised=0.31, band=BAND, inside=False)
    keep_settlement(
        store,
        Settlement(
            use_case=CASE.name, batch=made.quiet.batch, label="week-1", champion=old.version, as_of=made.quiet.as_of,
            outcomes=150, figures=(settled,), loss_inside=False, settled_at=NOW,
        ),
        actor="worker",
    )  # fmt: skip
    return made


def quarantined(store, batch: Batch) -> Batch:
    kept = io.BytesIO()
    pd.DataFrame({"record_id": ["a", "b", "c"]}).to_parquet(kept)
    body = kept.getvalue()
    store.put(batch.quarantine_key, body, sensitivity=Sensitivity.ROW_LEVEL)
    reasons = {"rows": 3, "reasons": {"age: outside 18 to 110 years": 3}, "faults": []}
    key = f"quarantine/{CASE.name}/{batch.id}/reasons.json"
    store.put(key, json.dumps(reasons).encode(), sensitivity=Sensitivity.ROW_LEVEL)
    return replace(batch, quarantine_sha256=hashlib.sha256(body).hexdigest())


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_ward_without_a_model_says_what_to_do(visit):
    page = visit("vera").get("/").text
    assert "no model yet" in page
    assert "wardround train --use-case heart_disease" in page


def test_the_wards_show_light_question_champion_round_and_estimate(visit, round_ward):
    page = text_of(visit("vera").get("/").text)
    for told_ in ("data held back", CASE.question, "week-3", round_ward.new.version[:12], "0.190 (0.100 to 0.200)"):
        assert told_ in page, told_
    assert "in the round of week-2" in page  # the last one was not scored
    assert "Something went wrong with the data on its way here" in page


def test_the_worst_ward_comes_first():
    champion = Champion(
        use_case="", version="v", sequence=1, moved_at=NOW, moved_by="", reason="", previous=None, history=()
    )
    actions = (Action.NONE, Action.RETRAIN, Action.INSUFFICIENT_DATA, Action.QUARANTINE, Action.RETRAIN_WITH_HUMAN)
    wards = [
        ward(
            replace(CASE, name=action.value), champion, (Round(decision=decision(1, action, Cause.NONE, champion="v")),)
        )
        for action in actions
    ]
    wards.append(ward(replace(CASE, name="new"), None, ()))
    wards.append(ward(replace(CASE, name="gone"), None, (), fault="it is gone"))
    wards.append(replace(wards[0], use_case=replace(CASE, name="none, but asked"), open_tickets=1))
    order = [each.use_case.name for each in sorted(wards, key=lambda each: each.rank)]
    assert order == [
        "gone", "quarantine", "retrain with a human", "retrain", "new", "insufficient data", "none, but asked", "none"
    ]  # fmt: skip


def test_a_damaged_ward_does_not_hide_the_others(hospital, clock, visit, round_ward, intruder):
    intruder.write("champions/thyroid.json", b'{"nonce": "1"}')
    app = site(hospital.settings, {"thyroid": load("thyroid"), CASE.name: CASE}, clock=clock)
    page = text_of(visit("vera", to=app).get("/").text)
    assert "damaged in the store" in page
    assert "champions/thyroid.json" in page
    assert "week-3" in page


def test_a_use_case_shows_its_course(visit, round_ward):
    page = visit("vera").get(f"/use-cases/{CASE.name}").text
    assert page.count('<svg class="chart"') == 3  # the timeline, one metric, one column
    assert 'aria-labelledby="timeline-title"' in page
    words = text_of(page)
    for told_ in ("3 rounds: all quiet 1, retrain 1, data held back 1", "Drift of age by round",
                  "A challenger was trained and serves now", "settled with outcomes", "1 of 3 rounds found faulty data",
                  "cholesterol is missing in 28 % of the rows"):  # fmt: skip
        assert told_ in words, told_
    assert "0.310" in words  # realised, from the settlement


def test_counts_of_few_quarantined_rows_are_withheld(visit, round_ward):
    page = text_of(visit("vera").get(f"/use-cases/{CASE.name}").text)
    row = page[page.index("Batches with rows in quarantine") :].split("To release or drop")[0]
    assert "fewer than 10" in row
    assert "withheld" in row
    assert "age: outside 18 to 110 years" in row
    assert not re.search(r"(?<![\d-])(3|197)(?!\d)", row), row


def test_unless_the_smallest_count_to_show_is_one(hospital, clock, visit, round_ward):
    app = site(hospital.settings.model_copy(update={"small_cell": 1}), {CASE.name: CASE}, clock=clock)
    page = text_of(visit("vera", to=app).get(f"/use-cases/{CASE.name}").text)
    assert "outside 18 to 110 years : ~3" in page


def test_the_list_of_rounds_is_paged(hospital, visit, round_ward):
    for number in range(4, 26):
        more = decision(number, Action.NONE, Cause.NONE, champion=round_ward.new.version)
        hospital.store.put(more.key, to_json(more), sensitivity=Sensitivity.AGGREGATE)
    visitor = visit("vera")
    first, second = (visitor.get(f"/use-cases/{CASE.name}?page={n}").text for n in (1, 2))
    listed = [page[page.index('id="rounds-table"') : page.index('id="models"')] for page in (first, second)]
    assert ("week-25" in listed[0], "week-5<" in listed[0]) == (True, False)
    assert ("week-25" in listed[1], "week-5<" in listed[1]) == (False, True)
    assert visitor.get(f"/use-cases/{CASE.name}?page=99").text.count("Page 2 of 2") == 1


def test_a_round_tells_decision_reasons_and_readings(visit, round_ward):
    visitor = visit("vera")
    page = text_of(visitor.get(round_ward.path(round_ward.broken)).text)
    for told_ in ("Broken data: hold it back (data fault)", MISSING.sentence, "something else", "Alarms (1)", "All (3)",
                  "Mend the source", "Operators and approvers sign rounds off"):  # fmt: skip
        assert told_ in page, told_
    assert "sex is missing" not in page  # quiet, so not among the alarms that are shown at first
    everything = text_of(visitor.get(f"{round_ward.path(round_ward.broken)}?show=all").text)
    assert "sex is missing in under 5 % of the rows" in everything
    assert "1.5 %" not in everything


def test_a_round_says_what_came_of_it(visit, round_ward):
    visitor = visit("vera")
    moved = visitor.get(round_ward.path(round_ward.moved)).text
    assert f'href="{round_ward.model(round_ward.new)}"' in moved
    settled = text_of(visitor.get(round_ward.path(round_ward.quiet)).text)
    assert "outside its band" in settled
    assert "150 rows with an outcome" in settled


def test_a_chinese_page_keeps_the_english_record_beside_its_own_words(visit, round_ward):
    visitor = visit("vera")
    visitor.post("/look", {"language": "zh", "theme": "auto", "next": "/"})
    page = visitor.get(round_ward.path(round_ward.broken)).text
    assert "cholesterol 在 28 % 的行中缺失" in page
    record = page[page.index("原始记录") :]
    assert f"<li>{MISSING.sentence}</li>" in record
    assert '<ul class="reasons" lang="en">' in record


def test_an_operator_signs_a_round_off(visit, hospital, round_ward):
    visitor, path = visit("olsen"), round_ward.path(round_ward.broken)
    answer = visitor.post(f"{path}/sign-off", {"comment": "called <b>them</b>"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}#sign-off")
    page = visitor.get(path).text
    assert "You signed off the round of week-3." in page
    assert "called &lt;b&gt;them&lt;/b&gt;" in page
    (entry,) = ledger.entries(hospital.store, kind="sign-off")
    assert entry.actor == "olsen"


def test_a_viewer_cannot_sign_off_nor_can_a_foreign_page(visit, hospital, round_ward):
    path = f"{round_ward.path(round_ward.broken)}/sign-off"
    assert visit("vera").post(path, {"comment": ""}).status_code == 403
    assert visit("olsen").client.post(path, data={"comment": ""}).status_code == 403
    assert list(ledger.entries(hospital.store, kind="sign-off")) == []


def test_a_comment_that_is_too_long_comes_back_with_the_reason(visit, round_ward):
    answer = visit("olsen").post(f"{round_ward.path(round_ward.broken)}/sign-off", {"comment": "x" * 1_001})
    assert answer.status_code == 422
    assert "The comment is too long" in answer.text
    assert "x" * 1_001 in answer.text


def test_the_report_is_embedded_where_it_can_reach_nothing(visit, round_ward):
    visitor, path = visit("vera"), round_ward.path(round_ward.broken)
    assert (
        f'<iframe src="{path}/report" title="Drift report of week-3" sandbox="allow-scripts"' in visitor.get(path).text
    )
    report = visitor.get(f"{path}/report")
    assert report.text == "<title>drift</title>"
    assert report.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
    assert "attachment" in visitor.get(f"{path}/report?download=true").headers["content-disposition"]
    record = visitor.get(f"{path}/decision.json")
    assert record.json()["label"] == "week-3"
    assert "attachment" in record.headers["content-disposition"]
    assert visitor.get(f"{round_ward.path(round_ward.quiet)}/report").status_code == 404


@pytest.mark.parametrize("path", ["rounds/nothing/none", f"rounds/{'a' * 64}/none", "rounds/..%2f..%2fpeople/none"])
def test_a_round_that_is_not_there_is_not_found(path, visit, round_ward):
    assert visit("vera").get(f"/use-cases/{CASE.name}/{path}").status_code == 404


def test_a_model_card_says_everything_that_is_stored(visit, round_ward):
    page = visit("vera").get(round_ward.model(round_ward.new)).text
    words = text_of(page)
    for told_ in ("on duty", "a missed case weighs as much as 2.3 needless alarms", "120 rows of 120 patients",
                  "One later delivery of outcomes was used",
                  "1 of its batches is no longer in the store", "0.900 (0.850 to 0.950)", "too few patients",
                  "Do the probabilities hold?", "chest_pain", "kind of chest pain", "guard it as you guard those",
                  "expected calibration error", "by the-worker", "No person has approved", "other patients than before",
                  "was never replayed", "No gate has judged"):  # fmt: skip
        assert told_ in words, told_
    assert f'href="{round_ward.model(round_ward.old)}"' in page
    difference = words[words.index("Against the version before", words.index("Lineage")) :]
    assert re.search(r"AUROC 0.8 0.9", difference)
    assert re.search(r"parameters.C 1 2", difference)


@pytest.mark.parametrize(
    ("language", "told_"),
    [("en", "Candidate that could not be trained nearest neighbours:"), ("zh", "无法训练的候选模型 最近邻：")],
)
def test_a_model_card_names_the_candidate_that_could_not_be_trained_and_why(language, told_, visit, round_ward):
    visitor = visit("vera")
    visitor.post("/look", {"language": language, "theme": "auto", "next": "/"})
    words = text_of(visitor.get(round_ward.model(round_ward.new)).text)
    assert f"{told_} neighbours asks 80 neighbours of 90 rows. Lower n_neighbors or add rows" in words


def test_a_suppressed_group_shows_no_figure(visit, round_ward):
    page = visit("vera").get(round_ward.model(round_ward.new)).text
    row = next(row for row in page.split("</tr>") if "sex = Female" in row)
    assert "withheld" in row
    assert not re.search(r"\d\.\d", row)


def test_the_card_and_the_manifest_can_be_taken_away(visit, round_ward):
    visitor, path = visit("vera"), round_ward.model(round_ward.new)
    assert visitor.get(f"{path}/card.md").text == "# A model\n"
    assert visitor.get(f"{path}/manifest.json").json()["version"] == round_ward.new.version
    assert visitor.get(f"/use-cases/{CASE.name}/models/ffff").status_code == 404


def test_an_altered_model_is_not_shown_as_if_nothing_were(visit, round_ward, intruder):
    intruder.flip(f"models/{CASE.name}/{round_ward.new.version}/evaluation.json", 200)
    answer = visit("vera").get(round_ward.model(round_ward.new))
    assert answer.status_code >= 400
    assert "0.900" not in answer.text


def test_of_several_settlements_the_fullest_counts():
    one = Settlement(
        use_case=CASE.name, batch=f"{1:064x}", label="week-1", champion="c", as_of=NOW, outcomes=50, figures=(),
        loss_inside=True, settled_at=NOW,
    )  # fmt: skip
    made = told([decision(1, Action.NONE, Cause.NONE, champion="c")], [one, replace(one, outcomes=90)], [])
    assert made[0].settlement is not None
    assert made[0].settlement.outcomes == 90


@pytest.mark.parametrize("path", ["", "/report", "/decision.json"])
def test_nobody_reads_without_signing_in(path, visit, round_ward):
    answer = visit().get(round_ward.path(round_ward.broken) + path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


CURVE = np.repeat([0.5, 3.0, 0.25, 0.25], 16)
AREA = np.full((28, 28), 0.5)
AREA[:9, 19:] = 5.0


def where_kept(values):
    return MeanSaliency(
        content="chest_picture", patients=200, shape=values.shape, values=tuple(values.ravel().round(3).tolist())
    )


@pytest.fixture
def look(hospital, round_ward, visit):
    """Return a model's page in a language, with something kept beside its card or nothing."""
    files = registry.read_files(hospital.store, round_ward.new)

    def page(found, language="en"):
        more = {} if found is None else {SALIENCY: to_json(found)}
        draft = replace(round_ward.new, version="", files={})
        version = registry.register(hospital.store, draft, {**files, **more})
        reader = visit("vera")
        reader.post("/look", {"language": language, "theme": "dark", "next": "/"})
        answer = reader.get(round_ward.model(version))
        assert answer.status_code == 200
        return answer.text

    return page


@pytest.mark.parametrize(
    ("values", "english", "table"),
    [
        (CURVE, "Most at 26 % of the length, 3.00 times an average place", "3.00"),
        (AREA, "Most at 2 % of the height and 70 % of the width, 5.00 times an average place", "top"),
    ],
    ids=["length", "area"],
)
def test_where_in_a_content_the_answers_come_from_is_drawn_and_told_in_both_languages(values, english, table, look):
    page = look(where_kept(values))
    assert "Where in “chest picture” the answers come from" in page
    drawn = re.search(r'<svg class="chart"[^>]*aria-labelledby="where-title".*?</svg>', page, re.DOTALL)[0]
    assert english in drawn
    assert "A mean over 200 patients it learned from" in page
    assert table in page[page.index('id="table-where"') :]
    assert len(drawn) < 60_000
    chinese = look(where_kept(values), "zh")
    assert "答案来自“chest picture”的何处" in chinese
    assert "200 名患者的平均" in chinese
    assert "chart.where" not in page + chinese


def test_where_nothing_is_known_of_it_nothing_is_drawn(look):
    assert "where-title" not in look(None)
