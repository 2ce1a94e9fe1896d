import base64
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pydantic import SecretStr

from wardround import people
from wardround.errors import SettingsInvalid
from wardround.serving.desk import frame, sessions
from wardround.serving.desk.site import site

SECRET = "a secret only the proxy and the desk know"


def test_whoever_is_not_signed_in_is_led_to_the_sign_in_page_and_back(visit):
    visitor = visit()
    answer = visitor.get("/ledger?text=x")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fledger%3Ftext%3Dx"
    form = {"name": "adams", "passphrase": "the passphrase of adams", "next": "/ledger?text=x"}
    assert visitor.post("/sign-in", form, at="/sign-in").headers["location"] == "/ledger?text=x"
    assert visitor.get("/ledger?text=x").status_code == 200


def test_every_page_but_those_for_signing_in_asks_who_it_is(routes, visit):
    open_to_all = {"/sign-in", "/static/desk.css", "/static/mark.svg"}
    visitor, asked = visit(), 0
    for method, path in routes:
        if method == "GET" and path not in open_to_all:
            answer = visitor.get(path.replace("{", "").replace("}", ""))
            assert answer.headers["location"].startswith("/sign-in"), path
            asked += 1
    assert asked > 8


def test_an_unknown_name_a_wrong_passphrase_and_a_disabled_person_read_the_same_words(hospital, visit):
    people.disable(hospital.store, "brown", by="chief", now=frame.utc_now())
    told = set()
    for name, passphrase in (("nobody", "whatever it may be"), ("adams", "not the right words"), ("brown", None)):
        answer = visit().sign_in(name, passphrase)
        assert answer.status_code == 401
        told.add(answer.text.split('id="error-name">')[1].split("<")[0])
    assert len(told) == 1


def test_a_session_gets_a_new_id_and_a_new_token_at_sign_in(visit):
    visitor = visit()
    before = visitor.token("/sign-in")
    visitor.sign_in("adams")
    first = _content(visitor.cookie)
    assert first["csrf"] != before
    visitor.post("/sign-out")
    visitor.sign_in("adams")
    assert _content(visitor.cookie)["id"] != first["id"]


def test_a_session_ends_after_half_an_hour_without_a_request(visit, clock):
    visitor = visit("adams")
    for _ in range(3):
        clock.go_on(timedelta(minutes=29))
        assert visitor.get("/account").status_code == 200
    clock.go_on(timedelta(minutes=31))
    assert visitor.get("/account").status_code == 303


def test_a_session_ends_after_twelve_hours_however_busy(visit, clock):
    visitor = visit("adams")
    for _ in range(12 * 3):
        clock.go_on(timedelta(minutes=20))
        assert visitor.get("/account").status_code == 200
    clock.go_on(timedelta(minutes=1))
    assert visitor.get("/account").status_code == 303


@pytest.mark.parametrize("what", ["disable", "end_sessions", "reset", "passphrase"])
def test_a_session_is_void_when_the_person_was_shut_out_or_changed(what, hospital, visit, clock):
    visitor = visit("adams")
    assert visitor.get("/account").status_code == 200
    clock.go_on(timedelta(seconds=5))
    if what == "disable":
        people.disable(hospital.store, "adams", by="chief", now=clock())
    elif what == "end_sessions":
        people.end_sessions(hospital.store, "adams", now=clock())
    elif what == "reset":
        people.reset_passphrase(hospital.store, "adams", new="something the chief said", by="chief", now=clock())
    else:
        new, old = "another few words", "the passphrase of adams"
        people.change_passphrase(hospital.store, "adams", old=old, new=new, now=clock())
    assert visitor.get("/account").status_code == 303


def test_a_passphrase_changed_while_the_old_one_is_checked_begins_no_session(hospital, visit, clock, monkeypatch):
    original = people.authenticate

    def slowly(store, name, passphrase):
        person = original(store, name, passphrase)
        clock.go_on(timedelta(seconds=1))
        new = "another few words"
        people.change_passphrase(store, name, old="the passphrase of adams", new=new, now=clock())
        clock.go_on(timedelta(seconds=1))
        return person

    thief = visit()
    monkeypatch.setattr("wardround.people.authenticate", slowly)
    assert thief.sign_in("adams").status_code == 303
    assert thief.get("/account").headers["location"].startswith("/sign-in")


def test_without_the_look_at_sessions_from_a_shut_out_session_lives_on(hospital, visit, clock, monkeypatch):
    visitor = visit("adams")
    people.end_sessions(hospital.store, "adams", now=clock() + timedelta(seconds=5))
    monkeypatch.setattr(sessions, "_over", lambda *_: False)
    assert visitor.get("/account").status_code == 200


def test_a_copy_of_the_cookie_is_worth_nothing_after_sign_out_not_even_after_a_restart(hospital, visit, clock):
    visitor = visit("adams")
    copy = visitor.cookie
    visitor.post("/sign-out")
    assert visitor.get("/account").status_code == 303
    again = site(hospital.settings, {}, clock=clock)
    for thief in (visit(), visit(to=again)):
        thief.client.cookies.set("wardround", copy, domain="desk.example")
        assert thief.get("/account").status_code == 303


def test_signing_out_at_one_of_two_servers_ends_the_session_at_both(hospital, visit, clock):
    beside = site(hospital.settings, {}, clock=clock)
    visitor, thief = visit("adams"), visit(to=beside)
    thief.client.cookies.set("wardround", visitor.cookie, domain="desk.example")
    copy = visitor.cookie
    assert thief.get("/account").status_code == 200
    visitor.post("/sign-out")
    for _ in range(2):
        late = visit(to=beside)
        late.client.cookies.set("wardround", copy, domain="desk.example")
        assert late.get("/account").status_code == 303
        visit("olsen", to=beside).post("/sign-out")
    kept = hospital.settings.home / "desk" / "signed-out"
    assert len(list(kept.iterdir())) == 3
    clock.go_on(sessions.LONGEST)
    visit("olsen", to=beside).post("/sign-out")
    assert len(list(kept.iterdir())) == 1


def test_a_cookie_that_was_altered_or_signed_by_another_desk_is_none(visit, hospital, tmp_path, clock):
    visitor = visit("olsen")
    content, stamp, signature = visitor.cookie.split(".")
    forged = base64.urlsafe_b64encode(json.dumps({**_content(visitor.cookie), "name": "chief"}).encode()).decode()
    elsewhere = hospital.settings.model_copy(update={"home": tmp_path / "elsewhere"})
    other = visit("chief", to=site(elsewhere, {}, clock=clock))
    for cookie in (f"{forged}.{stamp}.{signature}", f"{content}.{stamp}.{signature[:-2]}", other.cookie, "x", "a.b.c"):
        thief = visit()
        thief.client.cookies.set("wardround", cookie, domain="desk.example")
        assert thief.get("/people").headers["location"].startswith("/sign-in")


def test_the_cookie_is_kept_from_scripts_and_other_sites_and_over_https_bound_to_the_host(visit):
    plain = visit().get("/sign-in").headers["set-cookie"]
    assert plain.startswith("wardround=")
    assert plain.endswith("; Path=/; HttpOnly; SameSite=Lax")
    safe = visit(url="https://desk.example").get("/sign-in").headers["set-cookie"]
    assert safe.startswith("__Host-wardround=")
    assert safe.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")


def test_the_key_of_the_cookies_is_made_once_and_is_readable_by_its_owner_alone(settings):
    with ThreadPoolExecutor(8) as racers:
        found = set(racers.map(lambda _: sessions.secret_of(settings), range(8)))
    assert len(found) == 1
    path = settings.home / "desk" / "session.key"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    path.write_text("")
    with pytest.raises(SettingsInvalid, match="everybody signs in again"):
        sessions.secret_of(settings)


def test_a_link_to_the_desk_leads_nobody_elsewhere(visit):
    for elsewhere in (
        "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/%5cevil\\x",
        "javascript:alert(1)",
        "/\t/evil.example", "/\n//evil.example", "http:evil.example", "", "evil.example",
    ):  # fmt: skip
        visitor = visit()
        form = {"name": "adams", "passphrase": "the passphrase of adams", "next": elsewhere}
        answer = visitor.post("/sign-in", form, at="/sign-in")
        assert answer.headers["location"] == "/", elsewhere
        assert visitor.post("/look", {"language": "en", "next": elsewhere}).headers["location"] == "/", elsewhere


def proxied(hospital, clock, **changes):
    given = {"sign_in_header": "X-Forwarded-User", "proxy_secret": SecretStr(SECRET), **changes}
    return site(hospital.settings.model_copy(update=given), {hospital.case.name: hospital.case}, clock=clock)


def test_a_trusted_proxy_signs_people_in(hospital, visit, clock):
    visitor = visit(to=proxied(hospital, clock), **{"X-Forwarded-User": "Adams", "X-Wardround-Proxy": SECRET})
    assert "Adams the First" in visitor.get("/account").text
    assert visitor.post("/account/end-sessions").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Forwarded-User", "chief")],
        [("X-Forwarded-User", "chief"), ("X-Wardround-Proxy", "a guess")],
        [("X-Forwarded-User", "chief"), ("X-Wardround-Proxy", "")],
        [("X-Forwarded-User", "adams"), ("X-Forwarded-User", "chief"), ("X-Wardround-Proxy", SECRET)],
        [("X-Forwarded-User", "chief"), ("X-Wardround-Proxy", "a guess"), ("X-Wardround-Proxy", SECRET)],
        [("X-Forwarded-User", ""), ("X-Wardround-Proxy", SECRET)],
        [("X-Wardround-Proxy", SECRET)],
    ],
)
def test_without_the_proxys_secret_or_with_two_names_nobody_is_signed_in(headers, hospital, visit, clock):
    answer = visit(to=proxied(hospital, clock)).client.get("/people", headers=headers)
    assert answer.headers["location"].startswith("/sign-in")


def test_the_header_means_nothing_where_it_is_not_configured(visit):
    visitor = visit(**{"X-Forwarded-User": "chief", "X-Wardround-Proxy": SECRET})
    assert visitor.get("/people").status_code == 303


def test_whom_the_proxy_knows_and_the_desk_does_not_is_told_so(hospital, visit, clock):
    app = proxied(hospital, clock)
    people.disable(hospital.store, "brown", by="chief", now=clock())
    for name in ("stranger", "brown"):
        answer = visit(to=app, **{"X-Forwarded-User": name, "X-Wardround-Proxy": SECRET}).get("/")
        assert answer.status_code == 403
        assert "the desk does not know you" in answer.text


def test_a_session_by_proxy_ends_with_the_proxys_word_and_changes_hands_with_it(hospital, visit, clock):
    visitor = visit(to=proxied(hospital, clock), **{"X-Forwarded-User": "adams", "X-Wardround-Proxy": SECRET})
    assert visitor.get("/account").status_code == 200
    visitor.headers["X-Forwarded-User"] = "olsen"
    assert "Olsen the First" in visitor.get("/account").text
    visitor.headers.clear()
    assert visitor.get("/account").status_code == 303


@pytest.mark.parametrize("secret", [None, "short"])
def test_a_desk_that_would_believe_everybody_does_not_start(secret, hospital, clock):
    with pytest.raises(SettingsInvalid, match="WARDROUND_PROXY_SECRET"):
        proxied(hospital, clock, proxy_secret=SecretStr(secret) if secret else None)


def _content(cookie: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(cookie.split(".")[0]))
