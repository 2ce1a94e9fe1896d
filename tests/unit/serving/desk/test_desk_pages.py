import re
import threading
from datetime import timedelta

import pytest

from wardround import approvals, ledger, people
from wardround.alerts import tickets
from wardround.domain import Action, Cause, Decision, LedgerEntry, Sensitivity, to_json
from wardround.errors import ServiceFailed
from wardround.services import promotions
from wardround.serving.desk import approving
from wardround.serving.desk.cache import Objects
from wardround.store import Store

UC = "heart_disease"


@pytest.fixture(autouse=True)
def prefect(monkeypatch):
    """What Prefect was asked; by default none runs."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    asked = []

    def nudge(api_url, use_case, version):
        asked.append((api_url, use_case, version))
        return "the run 'promote' goes on"

    monkeypatch.setattr(promotions, "nudge", nudge)
    return asked


def approve(visitor, version, **changes):
    path = f"/approvals/{UC}/{version}"
    page = visitor.get(path).text
    seen = re.findall(r'name="seen" value="([0-9a-f]+)"', page)
    form = {
        "csrf": re.findall(r'name="csrf" value="([^"]+)"', page)[0], "seen": seen[0] if seen else "", "act": "promote",
        "reason": "it is better on our patients", "days": "7", "passphrase": "the passphrase of adams", **changes,
    }  # fmt: skip
    return visitor.client.post(path, data=form)


def test_an_approver_reads_the_verdict_signs_it_and_prefect_is_told(hospital, visit, prefect, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example/api")
    version = hospital.model(1)
    visitor = visit("adams")
    listed = visitor.get("/approvals").text
    assert f"/approvals/{UC}/{version}" in listed
    assert "an approver who did not train it" in listed
    page = visitor.get(f"/approvals/{UC}/{version}").text
    assert hospital.store.sha256(f"models/{UC}/{version}/manifest.json") in page
    assert approve(visitor, version).headers["location"] == f"/approvals/{UC}/{version}"
    (given,) = approvals.of(hospital.store, UC, version)
    assert (given.person, given.act, given.reason) == ("adams", "promote", "it is better on our patients")
    assert given.verdict_sha256 in page
    assert prefect == [("http://prefect.example/api", UC, version)]
    after = visitor.get(f"/approvals/{UC}/{version}").text
    assert "Prefect looks at it now: the run &#39;promote&#39; goes on" in after
    assert "may be promoted" in after
    assert hospital.promote(version).version == version
    assert "serves as the champion" in visitor.get(f"/approvals/{UC}/{version}").text
    assert "promote: it is better on our patients" in visitor.get("/ledger?kind=approval").text


def test_without_prefect_the_next_round_is_named(hospital, visit, monkeypatch):
    visitor, version = visit("adams"), hospital.model(1)
    approve(visitor, version)
    assert "Prefect cannot be reached now, so the next round acts on it" in visitor.get("/approvals").text
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example/api")

    def refuses(*_):
        raise ServiceFailed("Prefect", "gone", "look")

    monkeypatch.setattr(promotions, "nudge", refuses)
    approve(visitor, version, act="reject")
    assert "Prefect cannot be reached now" in visitor.get("/approvals").text


def test_a_slow_prefect_does_not_keep_the_page_waiting(hospital, visit, monkeypatch):
    let_go = threading.Event()
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example/api")
    monkeypatch.setattr(promotions, "nudge", lambda *_: let_go.wait(30) and "done")
    monkeypatch.setattr(approving, "PATIENCE", 0.05)
    visitor, version = visit("adams"), hospital.model(1)
    assert approve(visitor, version).status_code == 303
    assert "has not answered yet" in visitor.get("/approvals").text
    let_go.set()


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"passphrase": ""}, "passphrase", "it signs"),
        ({"passphrase": "not what they chose"}, "passphrase", "Nothing was signed"),
        ({"reason": "  "}, "reason", "Give the reason"),
        ({"reason": "x" * 2001}, "reason", "At most 2000 characters"),
        ({"act": ""}, "act", "Choose what you say"),
        ({"act": "override"}, "act", "Choose what you say"),
        ({"days": "3000"}, "days", "Choose how long"),
        ({"seen": "0" * 64}, "act", "changed since you opened this page"),
    ],
)
def test_nothing_is_signed_by_a_form_with_a_fault(changes, field, said, hospital, visit, prefect):
    version = hospital.model(1)
    answer = approve(visit("adams"), version, **changes)
    assert answer.status_code == 422
    assert said in answer.text
    assert f'href="#field-{field}"' in answer.text
    assert approvals.of(hospital.store, UC, version) == ()
    assert prefect == []


def test_what_is_signed_is_what_was_seen_even_if_the_champion_moved_meanwhile(hospital, visit):
    first, second = hospital.model(1), hospital.model(2)
    visitor = visit("adams")
    seen = re.findall(r'name="seen" value="([0-9a-f]+)"', visitor.get(f"/approvals/{UC}/{second}").text)[0]
    hospital.give(first, "brown")
    hospital.promote(first)
    hospital.judge(second, champion=first)
    answer = approve(visitor, second, seen=seen)
    assert answer.status_code == 422
    assert "Look again at what you sign" in answer.text


def test_who_trained_the_model_sees_why_they_cannot_speak_for_it_and_may_reject_it(hospital, visit):
    version = hospital.model(1, trainer="adams")
    visitor = visit("adams")
    page = visitor.get(f"/approvals/{UC}/{version}").text
    assert "You trained this model" in page
    assert 'value="promote"' not in page
    assert approve(visitor, version).status_code == 422
    assert approve(visitor, version, act="reject").status_code == 303
    assert hospital.standing(version).rejected is not None


def test_a_rule_of_the_approvals_that_refuses_is_shown_with_its_reason(hospital, visit, monkeypatch):
    version = hospital.model(1, trainer="adams")
    monkeypatch.setattr(approving, "_trained", lambda *_: False)
    answer = approve(visit("adams"), version)
    assert answer.status_code == 409
    assert "Nothing was signed: your approval would not count" in answer.text
    assert "adams trained the model" in answer.text


def test_a_failed_verdict_offers_an_override_and_says_that_it_takes_two(hospital, visit):
    version = hospital.model(1, passed=False)
    visitor = visit("adams")
    page = visitor.get(f"/approvals/{UC}/{version}").text
    assert "Two persons must say so" in page
    assert 'value="promote"' not in page
    assert approve(visitor, version, act="override").status_code == 303
    page = visit("brown").get("/approvals").text
    assert "a second person for the override besides adams" in page


def test_an_approval_that_does_not_count_is_shown_with_every_reason(hospital, visit, clock):
    version = hospital.model(1)
    hospital.give(version, "adams", valid_for=timedelta(hours=1))
    clock.go_on(timedelta(hours=2))
    page = visit("vera").get(f"/approvals/{UC}/{version}").text
    assert "does not count" in page
    assert "it expired at" in page
    assert 'name="passphrase"' not in page
    assert "Approving takes the role approver" in page


def test_who_has_a_passphrase_from_somebody_else_is_told_before_they_try(hospital, visit):
    hospital.employ("newman", own=False)
    version = hospital.model(1)
    visitor = visit()
    visitor.sign_in("newman", "given to newman by the chief")
    page = visitor.get(f"/approvals/{UC}/{version}").text
    assert "Choose your own first" in page
    assert 'name="seen"' not in page


def test_looking_at_a_version_that_was_not_judged_judges_nothing(hospital, visit, monkeypatch):
    first, second = hospital.model(1), hospital.model(2)
    hospital.give(first, "brown")
    hospital.promote(first)
    before = set(hospital.store.keys(""))
    page = visit("adams").get(f"/approvals/{UC}/{second}").text
    assert "not judged yet" in page
    assert set(hospital.store.keys("")) == before


def test_a_version_or_use_case_that_is_not_there_is_a_page_not_found(visit):
    visitor = visit("adams")
    for path in (f"/approvals/{UC}/ffffffff", "/approvals/unknown/ffff", "/tickets/none", "/ledger/999", "/ledger/x"):
        assert visitor.get(path).status_code == 404, path


@pytest.fixture
def ticket(hospital, clock):
    decision = Decision(
        use_case=UC, batch="a" * 16, label="week 40", champion="c" * 16, action=Action.QUARANTINE,
        cause=Cause.DATA_FAULT, reasons=("cholesterol is in another unit",), what_would_change_it=(), readings=(),
        decided_at=clock(), as_of=clock(),
    )  # fmt: skip
    hospital.store.put(decision.key, to_json(decision), sensitivity=Sensitivity.AGGREGATE)
    return tickets.notice(hospital.store, decision, now=clock())


def test_an_operator_acknowledges_a_ticket_and_closes_it_with_a_sentence(hospital, visit, ticket):
    visitor = visit("olsen")
    assert f'href="/tickets/{ticket.id}"' in visitor.get("/tickets").text
    page = visitor.get(f"/tickets/{ticket.id}").text
    assert "cholesterol is in another unit" in page
    assert f"/use-cases/{UC}/rounds/{'a' * 16}/{'c' * 16}" in page
    visitor.post(f"/tickets/{ticket.id}/acknowledge", {"comment": "I call the laboratory"})
    assert "You look after this ticket now" in visitor.get(f"/tickets/{ticket.id}").text
    answer = visitor.post(f"/tickets/{ticket.id}/close", {"comment": " "})
    assert answer.status_code == 422
    assert "Say in a sentence what was done" in answer.text
    visitor.post(f"/tickets/{ticket.id}/close", {"comment": "unit mended at the source"})
    kept = tickets.find(hospital.store, ticket.id)
    assert (kept.acknowledged_by, kept.closed_by) == ("olsen", "olsen")
    assert kept.closing_comment == "unit mended at the source"
    assert f'href="/tickets/{ticket.id}"' not in visitor.get("/tickets").text
    assert f'href="/tickets/{ticket.id}"' in visitor.get("/tickets?closed=1").text
    assert [entry.actor for entry in ledger.entries(hospital.store, kind="ticket")] == ["olsen", "olsen"]


def test_who_comes_second_is_told_who_was_first(hospital, visit, ticket, clock):
    tickets.acknowledge(hospital.store, ticket.id, person="adams", comment="", now=clock())
    visitor = visit("olsen")
    visitor.post(f"/tickets/{ticket.id}/acknowledge")
    assert "adams acknowledged it already" in visitor.get("/tickets").text
    tickets.close(hospital.store, ticket.id, person="adams", comment="done", now=clock())
    visitor.post(f"/tickets/{ticket.id}/close", {"comment": "done too"})
    assert "adams closed it already" in visitor.get("/tickets").text


def test_a_viewer_reads_a_ticket_and_is_offered_no_act(visit, ticket):
    page = visit("vera").get(f"/tickets/{ticket.id}").text
    assert "cholesterol is in another unit" in page
    assert 'name="comment"' not in page


def test_an_administrator_adds_a_person_who_can_then_sign_in(hospital, visit):
    visitor = visit("chief")
    form = {"name": "Lee", "full_name": "Lee Ann", "role": "operator", "passphrase": "handed over on paper"}
    assert visitor.post("/people/add", form).status_code == 303
    page = visitor.get("/people").text
    assert "lee is added" in page
    assert "Lee Ann" in page
    assert visit().sign_in("lee", "handed over on paper").status_code == 303
    assert people.find(hospital.store, "lee").created_by == "chief"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "x"}, "name"), ({"name": "adams"}, "name"), ({"full_name": " "}, "full_name"),
        ({"role": "king"}, "role"), ({"passphrase": "short"}, "passphrase"), ({"passphrase": ""}, "passphrase"),
    ],
)  # fmt: skip
def test_a_person_with_a_fault_is_not_added_and_what_was_typed_stays(changes, field, visit):
    form = {"name": "lee", "full_name": "Lee Ann", "role": "operator", "passphrase": "handed over on paper", **changes}
    answer = visit("chief").post("/people/add", form)
    assert answer.status_code == 422
    assert f'href="#field-{field}"' in answer.text
    assert "handed over on paper" not in answer.text
    assert f'value="{form["full_name"]}"' in answer.text


def test_role_access_and_passphrase_of_another_person_can_be_changed(hospital, visit, clock):
    visitor = visit("chief")
    clock.go_on(timedelta(seconds=1))
    visitor.post("/people/olsen/role", {"role": "viewer"})
    visitor.post("/people/olsen/disable")
    person = people.find(hospital.store, "olsen")
    assert (person.role, person.disabled) == ("viewer", True)
    visitor.post("/people/olsen/enable")
    visitor.post("/people/olsen/reset", {"passphrase": "a new one on paper"})
    assert visit().sign_in("olsen", "a new one on paper").status_code == 303
    page = visitor.get("/people/olsen").text
    assert "has not chosen a passphrase yet" in page


def test_an_administrator_cannot_shut_out_the_last_one_or_change_themself(hospital, visit):
    visitor = visit("chief")
    for path, form in (("role", {"role": "viewer"}), ("reset", {"passphrase": "one more passphrase"}), ("disable", {})):
        answer = visitor.post(f"/people/chief/{path}", form)
        assert answer.status_code == 422, path
        assert "This is not possible" in answer.text
    assert not people.find(hospital.store, "chief").disabled
    assert 'action="/people/chief/disable"' not in visitor.get("/people/chief").text


def test_a_key_is_made_for_a_system_shown_once_and_revoked(hospital, visit, clock):
    visitor = visit("chief")
    answer = visitor.post("/people/api-keys/add", {"system": "Ward 7", "use_cases": [UC], "days": "30"})
    token = re.findall(r"wr_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", answer.text)[0]
    assert answer.headers["cache-control"] == "no-store"
    key = people.authenticate_api_key(hospital.store, token, now=clock())
    assert (key.system, key.use_cases, key.expires_at - key.created_at) == ("Ward 7", (UC,), timedelta(days=30))
    assert token not in visitor.get("/people").text
    visitor.post(f"/people/api-keys/{key.id}/revoke")
    assert "The key of Ward 7 is revoked" in visitor.get("/people").text
    assert people.api_keys(hospital.store)[0].revoked_at is not None


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"use_cases": [UC], "days": "30"}, "system"), ({"system": "W", "days": "30"}, "use_cases"),
        ({"system": "W", "use_cases": ["unknown"], "days": "30"}, "use_cases"),
        ({"system": "W", "use_cases": ["*"], "days": "731"}, "days"),
        ({"system": "W", "use_cases": ["*"], "days": "x"}, "days"),
        ({"system": "a/b", "use_cases": ["*"], "days": "5"}, "system"),
    ],
)  # fmt: skip
def test_a_key_with_a_fault_is_not_made(form, field, hospital, visit):
    answer = visit("chief").post("/people/api-keys/add", form)
    assert answer.status_code == 422
    assert f'href="#field-{field}"' in answer.text
    assert people.api_keys(hospital.store) == ()


@pytest.fixture
def long_ledger(hospital, clock, monkeypatch):
    monkeypatch.setattr("wardround.serving.desk.ledger.A_PAGE", 10)
    monkeypatch.setattr("wardround.serving.desk.ledger.AT_ONCE", 7)
    for number in range(40):
        ledger.append(
            hospital.store, act=f"test {number}", kind="decision" if number % 10 else "promotion",
            use_case=UC if number % 2 else "thyroid", actor=("ann", "bob")[number % 2], subject=f"subject-{number:03d}",
            hashes={}, reason=f"because of {'rain' if number == 3 else 'sun'}", now=clock(),
        )  # fmt: skip
    return hospital.store


def numbers(page):
    return [int(number) for number in re.findall(r'<a href="/ledger/(\d+)">', page.text)]


def test_the_ledger_is_searched_by_words_use_case_kind_and_person(long_ledger, visit):
    visitor = visit("vera")
    last = max(entry.number for entry in ledger.entries(long_ledger))
    assert numbers(visitor.get("/ledger")) == list(range(last, last - 10, -1))
    assert len(numbers(visitor.get("/ledger?text=RAIN because"))) == 1
    assert len(numbers(visitor.get("/ledger?kind=promotion"))) == 4
    assert len(numbers(visitor.get(f"/ledger?kind=promotion&use_case={UC}"))) == 0
    assert len(numbers(visitor.get("/ledger?person=ANN&kind=promotion&text=subject-02"))) == 1
    assert "Nothing fits" in visitor.get("/ledger?text=snow").text
    assert visitor.get("/ledger?before=x&kind=nonsense").status_code == 200


def test_the_ledger_is_read_page_by_page_to_its_beginning_without_a_gap(long_ledger, visit):
    visitor, path, seen = visit("vera"), "/ledger", []
    while path:
        page = visitor.get(path)
        seen += numbers(page)
        older = re.findall(r'href="(/ledger\?[^"]*before=\d+)">Look before', page.text)
        path = older[0].replace("&amp;", "&") if older else ""
    assert seen == sorted((entry.number for entry in ledger.entries(long_ledger)), reverse=True)


def test_an_entry_is_read_from_the_store_once_and_a_new_one_is_seen_at_once(long_ledger, visit, monkeypatch, clock):
    visitor = visit("vera")
    visitor.get("/ledger?text=snow")
    read, original = [], Store.get_tagged
    monkeypatch.setattr(Store, "get_tagged", lambda self, key: read.append(key) or original(self, key))
    ledger.append(
        long_ledger, act="one more", kind="decision", use_case=UC, actor="ann", subject="s", hashes={}, reason="snow",
        now=clock(),
    )  # fmt: skip
    read.clear()
    assert len(numbers(visitor.get("/ledger?text=snow"))) == 1
    assert len([key for key in read if key.startswith("ledger/")]) == 1


def test_an_altered_and_a_removed_entry_are_told_and_hide_no_other(long_ledger, visit, intruder):
    last = max(entry.number for entry in ledger.entries(long_ledger))
    for number in (1, last):
        intruder.write(ledger.entry_key(number), b"{}")
    intruder.remove(ledger.entry_key(last - 2))
    page = visit("vera").get("/ledger")
    assert page.status_code == 200
    assert numbers(page)[:2] == [last - 1, last - 3]
    for number in (last, last - 2):
        assert ledger.entry_key(number) in page.text
    assert visit("vera").get("/ledger?text=snow").status_code == 200


def test_what_is_kept_in_memory_is_bounded(hospital):
    keys = [ledger.entry_key(entry.number) for entry in ledger.entries(hospital.store)]
    size = sum(hospital.store.size(key) for key in keys)
    objects = Objects(room=size // 2)
    assert [entry.number for entry in objects.all(hospital.store, keys, LedgerEntry)] == list(range(1, len(keys) + 1))
    assert objects._bytes <= size // 2
    assert 0 < len(objects._kept) < len(keys)


def test_an_entry_is_shown_with_every_object_it_names(hospital, visit):
    version = hospital.model(1)
    hospital.give(version, "adams")
    entry = next(ledger.entries(hospital.store, kind="approval"))
    page = visit("vera").get(f"/ledger/{entry.number}").text
    for key, digest in entry.hashes.items():
        assert key in page
        assert digest in page
    assert entry.previous in page
