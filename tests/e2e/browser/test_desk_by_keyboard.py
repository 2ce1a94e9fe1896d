"""The desk as people use it: a real browser, a keyboard, no mouse; nothing complains, and axe finds nothing serious."""

import os
import subprocess

import pytest

from wardround import approvals, ledger
from wardround.monitoring.rounds import decisions

BOTH = [("en-GB", "light"), ("zh-CN", "dark")]
ALL = [*BOTH, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in (("en-GB", "dark"), ("zh-CN", "light")))]


def last_round(hospital) -> str:
    decision = decisions(hospital.store, "heart_disease")[-1]
    return f"/use-cases/heart_disease/rounds/{decision.batch}/{decision.champion}"


def test_an_operator_finds_the_worst_ward_reads_why_opens_the_report_and_signs_it_off(visitor, hospital):
    otto = visitor("otto")
    worst = otto.page.locator(".card").first
    assert "heart disease" in worst.inner_text()
    assert "data held back" in worst.inner_text()
    otto.follow("heart disease", tag="a")
    assert "hold it back" in otto.text()
    otto.follow("cleveland-unit-mmol", tag="a")
    assert "cholesterol looks measured in mmol/L, not in mg/dL" in otto.text()
    assert otto.violations() == []
    otto.reach("Open the report in a new page", tag="a")
    with otto.page.expect_popup() as opened:
        otto.page.keyboard.press("Enter")
    opened.value.wait_for_function("() => document.body.innerText.includes('cholesterol')")
    opened.value.close()
    otto.write("Comment", "called the laboratory about its unit", back=True)
    otto.follow("I reviewed this round", tag="button")
    assert "called the laboratory about its unit" in otto.text()
    assert "otto" in otto.text()
    otto.follow("Ledger", tag="a")
    assert "sign-off" in otto.text()
    assert [entry.actor for entry in ledger.entries(hospital.store, kind="sign-off")] == ["otto"]
    assert otto.complaints == []


def test_an_operator_looks_after_a_ticket_and_everybody_sees_who(visitor, hospital):
    otto = visitor("otto")
    otto.follow("Tickets", tag="a")
    assert otto.violations() == []
    otto.follow("Train again (covariate shift)", tag="a")
    assert otto.violations() == []
    otto.follow("I look after it", tag="button")
    otto.follow("Tickets", tag="a")
    assert "otto" in otto.text()
    assert [entry.actor for entry in ledger.entries(hospital.store, kind="ticket")] == ["otto"]
    assert otto.complaints == []


@pytest.mark.parametrize(("language", "theme"), ALL)
def test_every_page_can_be_read_in_both_languages_and_themes(visitor, hospital, language, theme):
    chief = visitor("ada", theme=theme)
    if language == "zh-CN":
        chief.follow("中文", tag="button")
    (asked,) = [key for key in hospital.store.keys("tickets/heart_disease/approval-") if key.count("/") == 2]
    pages = (
        "/", "/use-cases/heart_disease", "/use-cases/diabetes_progression", last_round(hospital),
        f"/use-cases/heart_disease/models/{hospital.challenger}", "/approvals",
        f"/approvals/heart_disease/{hospital.challenger}", "/tickets",
        f"/tickets/{asked.rpartition('/')[2].removesuffix('.json')}", "/ledger", "/ledger/1", "/people",
        "/people/vera", "/account",
    )  # fmt: skip
    found = {}
    for path in pages:
        chief.go(path)
        assert chief.page.get_attribute("html", "lang") == ("zh-Hans" if language == "zh-CN" else "en"), path
        assert len(chief.page.query_selector_all("h1")) == 1, path
        found[path] = chief.violations()
    assert {path: faults for path, faults in found.items() if faults} == {}
    assert chief.complaints == []


def test_the_first_tab_leads_past_the_menu(visitor):
    otto = visitor("otto")
    otto.reach("Skip to the content", tag="a")
    otto.page.keyboard.press("Enter")
    assert otto.page.evaluate("() => document.activeElement.id") == "main"


def test_a_wrong_passphrase_is_told_where_the_person_is(visitor):
    somebody = visitor()
    somebody.go("/sign-in")
    somebody.write("Name", "otto")
    somebody.write("Passphrase", "not the one of otto")
    with somebody.page.expect_navigation():
        somebody.page.keyboard.press("Enter")
    assert "let nobody in" in somebody.where()
    assert somebody.violations() == []
    assert somebody.complaints == []


@pytest.mark.parametrize("name", ["vera", "otto", "ada"])
def test_who_may_not_approve_is_told_so_and_refused_when_they_send_the_form_all_the_same(
    visitor, hospital, name, passphrase
):
    person, place, before = visitor(name), f"/approvals/heart_disease/{hospital.challenger}", hospital.champion()
    person.go(place)
    assert person.page.query_selector("input[name=passphrase]") is None
    assert person.send(place, act="promote", reason="because", days="7", passphrase=passphrase(name)) == 403
    assert name not in [each.person for each in approvals.of(hospital.store, "heart_disease", hospital.challenger)]
    assert hospital.champion() == before


@pytest.mark.parametrize("name", ["vera", "ada"])
def test_who_may_not_sign_off_has_no_form_and_is_refused(visitor, hospital, name):
    person = visitor(name)
    person.go(last_round(hospital))
    assert "Operators and approvers sign rounds off" in person.text()
    assert person.page.query_selector("textarea") is None
    assert person.send(f"{last_round(hospital)}/sign-off", comment="looked at it") == 403
    assert name not in [entry.actor for entry in ledger.entries(hospital.store, kind="sign-off")]


@pytest.mark.parametrize("name", ["vera", "otto", "amara"])
def test_only_an_administrator_sees_who_may_come_in(visitor, name):
    person = visitor(name)
    assert "People" not in person.page.locator("header").inner_text()
    person.go("/people")
    assert "Not allowed" in person.text()
    assert person.violations() == []
    assert (
        person.send("/people/add", name="mallory", full_name="M", role="admin", passphrase="long enough for it") == 403
    )


def test_an_approver_signs_a_promotion_and_sees_the_champion_change_and_the_ledger_entry(
    visitor, hospital, passphrase, command
):
    amara = visitor("amara")
    assert hospital.first[:12] in amara.text()
    amara.follow("1 approval", tag="a")
    assert amara.violations() == []
    amara.follow(hospital.challenger[:12], tag="a")
    amara.choose("Promote")
    amara.write("Reason", "read the verdict with cardiology")
    amara.write("Your passphrase", "not the one of amara")
    amara.follow("Sign and send", tag="button")
    assert "not your passphrase" in amara.where()
    assert amara.violations() == []
    amara.write("Your passphrase", passphrase("amara"))
    amara.follow("Sign and send", tag="button")
    assert "amara" in amara.text()
    assert hospital.champion() == hospital.first, "an approval alone moves nothing"
    done = subprocess.run(
        [
            command, "promote", hospital.challenger, "--use-case", str(hospital.folder / "heart.py"),
            "--reason", "approved at the desk",
        ],
        env=os.environ | hospital.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    amara.follow("Wards", tag="a")
    assert hospital.challenger[:12] in amara.page.locator(".card", has_text="heart disease").inner_text()
    amara.follow("Ledger", tag="a")
    rows = amara.page.locator("tbody").inner_text()
    assert "promotion" in rows
    assert "amara" in rows
    assert amara.violations() == []
    assert amara.complaints == []


def test_a_page_that_cannot_be_used_would_be_noticed(visitor):
    otto = visitor("otto")
    otto.go("/account")
    assert otto.violations() == []
    otto.page.evaluate("() => document.querySelectorAll('label').forEach(label => label.remove())")
    assert any("label" in each for each in otto.violations())
    otto.page.evaluate("() => console.error('something broke')")
    assert otto.complaints == ["something broke"]
    otto.page.evaluate("() => document.querySelectorAll('a, button').forEach(it => { it.style.outline = 'none' })")
    with pytest.raises(AssertionError, match="nobody sees that the focus is on"):
        otto.reach("Tickets", tag="a")
