import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from wardround import people
from wardround.errors import StoreFailed
from wardround.serving.desk import frame, sessions
from wardround.serving.desk.site import site
from wardround.serving.desk.throttle import Throttle
from wardround.store import Store


def test_every_form_is_refused_without_the_token_of_the_session(routes, visit):
    visitor, asked = visit("chief"), 0
    visitor.token()
    other = visit("chief").token()
    for method, path in routes:
        if method == "POST":
            path = re.sub(r"\{[^}]+\}", "x", path)
            for form in ({}, {"csrf": ""}, {"csrf": other}):
                answer = visitor.client.post(path, data=form)
                assert answer.status_code == 403, path
                assert "did not come from a page of your present session" in answer.text
                asked += 1
    assert asked > 30


def half_characters(**form):
    parts = "".join(f'--B\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in form.items())
    kind = "multipart/form-data; boundary=B; charset=unicode_escape"
    return {"content": parts + "--B--\r\n", "headers": {"content-type": kind}}


def test_a_form_with_half_characters_is_refused_and_leaves_no_record_that_cannot_be_read(hospital, visit):
    visitor, half = visit("chief"), "\\ud800 and the rest of it"
    person = {"name": "mallory", "full_name": half, "role": "viewer", "passphrase": "some twelve letters"}
    for path, form in (("/people/add", person), ("/sign-in", {"name": "adams", "passphrase": half}), ("/look", {})):
        for token in (visitor.token(), half):
            answer = visitor.client.post(path, **half_characters(csrf=token, **form))
            assert answer.status_code == (422 if half in (token, *form.values()) else 303), path
    assert visitor.get("/people").status_code == 200
    assert "mallory" not in {person.name for person in people.listing(hospital.store)}


def test_without_the_check_a_form_of_another_site_disables_a_person(app, hospital, visit):
    visitor = visit("chief")
    assert visitor.client.post("/people/adams/disable", data={}).status_code == 403
    assert not people.find(hospital.store, "adams").disabled
    app.dependency_overrides[frame.csrf] = lambda: None
    assert visitor.client.post("/people/adams/disable", data={}).status_code == 303
    assert people.find(hospital.store, "adams").disabled


def test_guessing_gets_slower_for_a_name_that_exists_and_for_one_that_does_not(visit, clock):
    for name in ("adams", "nobody"):
        visitor = visit()
        for _ in range(5):
            assert visitor.sign_in(name, "a wrong guess here").status_code == 401
        answer = visitor.sign_in(name)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) == 15
        assert "Too many tries. Wait 15 seconds" in answer.text
        clock.go_on(timedelta(seconds=16))
        assert visitor.sign_in(name, "a wrong guess here").status_code == 401
        assert int(visitor.sign_in(name).headers["retry-after"]) == 30
        clock.go_on(timedelta(hours=2))


def test_the_right_person_is_not_locked_out_for_good(visit, clock):
    visitor = visit()
    for _ in range(40):
        visitor.sign_in("adams", "a wrong guess here")
        clock.go_on(timedelta(minutes=1))
    clock.go_on(timedelta(minutes=16))
    assert visitor.sign_in("adams").status_code == 303


def test_guesses_sent_at_the_same_time_do_not_all_pass(clock):
    throttle, limits = Throttle(), {("name", "adams"): 5}
    with ThreadPoolExecutor(16) as racers:
        waits = list(racers.map(lambda _: throttle.begin(limits, clock()), range(64)))
    assert sum(not wait for wait in waits) == 5


def test_signing_in_oneself_buys_no_more_guesses_from_the_same_address(clock):
    throttle, address = Throttle(), {("address", "10.0.0.1"): 5}
    for _ in range(4):
        throttle.begin(address, clock())
        throttle.begin(address, clock())
        throttle.take_back(address)
    assert throttle.begin(address, clock()) == timedelta(0)
    assert throttle.begin(address, clock()) > timedelta(0)


def test_a_stolen_session_cannot_guess_the_passphrase_through_other_forms(visit):
    visitor = visit("adams")
    form = {"old": "a wrong guess here", "new": "quite another one", "again": "quite another one"}
    for _ in range(5):
        assert visitor.post("/account/passphrase", form).status_code == 422
    answer = visitor.post("/account/passphrase", {**form, "old": "the passphrase of adams"})
    assert answer.status_code == 429
    assert visit().sign_in("adams").status_code == 429


ROLES = {"vera": "viewer", "olsen": "operator", "adams": "approver", "chief": "admin"}
PAGES = {"/people": {"chief"}, "/people/adams": {"chief"}, "/approvals": set(ROLES), "/tickets": set(ROLES),
         "/ledger": set(ROLES), "/account": set(ROLES)}  # fmt: skip
ACTIONS = {
    "/tickets/x/acknowledge": {"olsen", "adams"}, "/tickets/x/close": {"olsen", "adams"},
    "/approvals/heart_disease/x": {"adams"},
    "/people/add": {"chief"}, "/people/vera/role": {"chief"}, "/people/vera/disable": {"chief"},
    "/people/vera/enable": {"chief"}, "/people/vera/reset": {"chief"}, "/people/vera/end-sessions": {"chief"},
    "/people/api-keys/add": {"chief"}, "/people/api-keys/0123456789ab/revoke": {"chief"},
    "/account/passphrase": set(ROLES), "/account/end-sessions": set(ROLES),
}  # fmt: skip


@pytest.mark.parametrize("name", ROLES)
def test_what_a_role_does_not_include_is_refused_with_a_page_that_says_whose_it_is(name, visit):
    visitor = visit(name)
    for path, may in PAGES.items():
        assert (visitor.get(path).status_code == 200) == (name in may), path
    for path, may in ACTIONS.items():
        answer = visitor.post(path)
        assert (answer.status_code == 403) == (name not in may), (path, answer.status_code)
        if name not in may:
            assert "Your role does not include this. It takes:" in answer.text


def test_every_action_of_the_frame_is_in_the_table_of_roles(routes):
    known = {re.sub(r"/(x|vera|0123456789ab|heart_disease)(?=/|$)", "/{}", path) for path in ACTIONS}
    mine = {
        re.sub(r"\{[^}]+\}", "{}", path)
        for method, path in routes
        if method == "POST" and path.split("/")[1] in ("tickets", "approvals", "people", "account")
    }
    assert mine == known


@pytest.mark.parametrize(("name", "sees"), [("vera", False), ("olsen", False), ("adams", False), ("chief", True)])
def test_only_an_administrator_is_offered_the_people(name, sees, visit):
    assert ('href="/people"' in visit(name).get("/account").text) == sees


def test_every_answer_carries_the_headers_that_keep_it_to_itself(visit):
    for answer in (visit("adams").get("/account"), visit().get("/sign-in"), visit().get("/nothing/here")):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert "script-src" not in policy
        assert "frame-ancestors 'self'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert "<script" not in answer.text
        assert " style=" not in answer.text


def test_what_a_cache_on_the_way_may_keep_holds_no_session(visit):
    visitor = visit("adams")
    sheet = re.findall(r"/static/desk.css[^\"]*", visitor.get("/account").text)[0]
    for path in (sheet, "/static/desk.css", "/static/mark.svg"):
        answer = visitor.get(path)
        assert answer.headers["cache-control"] != "no-store"
        assert "set-cookie" not in answer.headers, path
    assert "set-cookie" in visitor.get("/account").headers


def test_what_is_damaged_in_one_use_case_hides_nothing_of_the_others(hospital, visit, clock, intruder):
    version = hospital.model()
    other = replace(hospital.case, name="other_case")
    visitor = visit("adams", to=site(hospital.settings, {c.name: c for c in (other, hospital.case)}, clock=clock))
    intruder.write("champions/other_case.json", b"{}")
    intruder.write("tickets/other_case/x-1.json", b"{}")
    for path, damaged in (("/approvals", "champions/other_case.json"), ("/tickets", "tickets/other_case/x-1.json")):
        answer = visitor.get(path)
        assert answer.status_code == 200
        assert damaged in answer.text
    assert version[:12] in visitor.get("/approvals").text


def test_a_report_runs_in_an_origin_that_is_nobodys():
    policy = frame.isolated(b"<html>").headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy


def test_a_form_of_a_megabyte_is_refused(visit):
    answer = visit().client.post("/sign-in", data={"name": "x" * 1_000_000})
    assert answer.status_code == 413


def test_what_people_typed_comes_back_as_text_and_never_as_markup(visit):
    visitor = visit("chief")
    nasty = "<script>alert(1)</script>\"'{{ 7 * 7 }}"
    answer = visitor.post("/people/add", {"name": nasty, "full_name": nasty, "role": nasty, "passphrase": ""})
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert "{{ 7 * 7 }}" in answer.text
    for path in (f"/ledger?text={nasty}&kind={nasty}", f"/use-cases/{nasty}", f"/tickets/{nasty}"):
        assert "<script>alert" not in visitor.get(path).text


@pytest.fixture
def away(monkeypatch):
    def fail(*_, **__):
        raise StoreFailed("http://store.example:8333", "no answer of an S3 server (ConnectError)", "Look")

    def switch():
        for name in ("get_tagged", "size", "keys", "get_pointer"):
            monkeypatch.setattr(Store, name, fail)

    return switch


def test_while_the_store_is_away_every_page_says_so_in_plain_words(visit, away):
    visitor = visit("adams")
    away()
    for path in ("/", "/account", "/tickets", "/approvals", "/ledger"):
        answer = visitor.get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert "cannot reach its store" in answer.text
        assert "store.example" not in answer.text
    assert visit().get("/sign-in").status_code == 200
    assert visit().sign_in("adams").status_code == 503


def test_a_store_that_really_is_away_is_told_within_seconds(hospital, visit, clock):
    from wardround.processes import free_port

    nowhere = hospital.settings.model_copy(update={"s3_endpoint_url": f"http://127.0.0.1:{free_port()}"})
    answer = visit(to=site(nowhere, {}, clock=clock)).sign_in("adams")
    assert answer.status_code == 503


def test_the_desk_asks_the_store_with_little_patience(app):
    desk = app.state.desk
    assert desk.store.attempts < replace(desk.store, attempts=8).attempts


def test_what_nobody_expected_becomes_a_page_and_its_words_stay_out_of_the_log(visit, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("could not convert string to float: 'Mrs Example, born 1950'")

    visitor = visit("adams")
    monkeypatch.setattr("wardround.alerts.tickets.readable", broken)
    answer = visitor.get("/tickets")
    assert answer.status_code == 500
    assert "The desk made a mistake" in answer.text
    assert "Example" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text


def test_the_account_page_tells_who_must_choose_their_own_passphrase(hospital, visit, clock):
    hospital.employ("newman", own=False)
    visitor = visit()
    answer = visitor.sign_in("newman", "given to newman by the chief")
    assert answer.headers["location"] == "/account"
    assert "cannot sign anything yet" in visitor.get("/account").text
    clock.go_on(timedelta(seconds=1))
    form = {"old": "given to newman by the chief", "new": "words of my own, really", "again": "words of my own, really"}
    assert visitor.post("/account/passphrase", form).status_code == 303
    page = visitor.get("/account")
    assert page.status_code == 200
    assert "The passphrase is changed" in page.text
    assert "cannot sign anything yet" not in page.text


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "old"),
        ({"old": "x"}, "new"),
        ({"old": "x", "new": "one thing or another", "again": "another thing"}, "again"),
        ({"old": "wrong, all of it", "new": "one thing or another", "again": "one thing or another"}, "old"),
        ({"old": "the passphrase of adams", "new": "short", "again": "short"}, "new"),
    ],
)
def test_a_fault_in_a_form_is_linked_to_its_field_and_listed_at_the_top(form, field, visit):
    answer = visit("adams").post("/account/passphrase", form)
    assert answer.status_code == 422
    assert f'<a href="#field-{field}">' in answer.text
    assert re.search(rf'id="field-{field}"[^>]* aria-describedby="error-{field}[^>]* aria-invalid="true"', answer.text)
    assert "<title>Error: " in answer.text
    assert "autofocus" in answer.text


def test_the_person_is_looked_up_on_every_request_and_once(monkeypatch, visit):
    visitor, asked = visit("adams"), []
    original = sessions.person_of
    monkeypatch.setattr(sessions, "person_of", lambda *given: asked.append(1) or original(*given))
    visitor.get("/account")
    assert asked == [1]
