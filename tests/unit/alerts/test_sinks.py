"""The ways out: what arrives at a real web server, a real mail server and in a file, and what is refused."""

import base64
import email
import email.policy
import hashlib
import hmac
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from wardround import ledger
from wardround.alerts import State, deliver, messages, sinks, tickets, try_out, waiting
from wardround.alerts.sinks import NotTaken
from wardround.domain import Action, Cause

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "a webhook secret that must never be told"
PASSWORD = {"MAIL_PASSWORD": "a passphrase that must never be told"}
FILE = '[[sinks]]\nkind = "file"\nname = "log"\npath = "told.jsonl"\n'


@pytest.fixture
def hello():
    return messages.trial_message(sink="x", language="en", now=NOW)


def arrived(envelope) -> email.message.EmailMessage:
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


def test_a_webhook_is_signed_as_standard_webhooks_say_and_its_headers_come_from_the_environment(web, configured, hello):
    (sink,) = configured(
        web.configured(secret_from='"HOOK_SECRET"', headers_from='{ Authorization = "HOOK_TOKEN" }')
    ).sinks
    sinks.send(sink, hello, environment={"HOOK_SECRET": SECRET, "HOOK_TOKEN": "Bearer 7"})
    ((path, headers, body),) = web.requests
    assert path == "/hooks/secret-path"
    assert headers["Authorization"] == "Bearer 7"
    signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    proof = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["Webhook-Signature"] == f"v1,{proof}"
    assert abs(int(headers["Webhook-Timestamp"]) - NOW.timestamp()) < 1
    assert json.loads(body)["schema"] == "wardround.message/1"


def test_the_signature_is_the_one_of_the_specification_s_own_example():
    headers = sinks.webhook.signature(
        b'{"test": 2432232314}', id="msg_p5jXN8AQM9LWM0D4loKWxJek", seconds=1614265330,
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )  # fmt: skip
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_redirect_is_not_followed(web, configured, hello):
    web.answers = [(302, {"Location": web.url})]
    with pytest.raises(NotTaken, match="redirects are not followed") as caught:
        sinks.send(configured(web.configured()).sinks[0], hello, environment={})
    assert caught.value.final
    assert len(web.requests) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_answers_that_ask_to_come_again_are_not_final(web, configured, hello, status):
    web.answers = [status]
    with pytest.raises(NotTaken) as caught:
        sinks.send(configured(web.configured()).sinks[0], hello, environment={})
    assert not caught.value.final


def test_nobody_listening_is_said_without_the_address_that_may_be_a_secret(configured, hello):
    (sink,) = configured('[[sinks]]\nkind = "webhook"\nname = "a"\nurl_from = "HOOK"').sinks
    with pytest.raises(NotTaken) as caught:
        sinks.send(sink, hello, environment={"HOOK": "http://127.0.0.1:9/T0P/SECRET"})
    assert str(caught.value) == "no answer from 127.0.0.1 (ConnectionRefusedError)"


def test_a_variable_that_is_not_set_is_named(configured, hello):
    (sink,) = configured('[[sinks]]\nkind = "webhook"\nname = "a"\nurl_from = "HOOK"').sinks
    with pytest.raises(NotTaken, match="the environment variable HOOK is not set"):
        sinks.send(sink, hello, environment={})


def test_a_secret_address_is_held_to_the_same_rules_as_one_in_the_file(configured, hello):
    (sink,) = configured('[[sinks]]\nkind = "webhook"\nname = "a"\nurl_from = "HOOK"').sinks
    with pytest.raises(NotTaken, match="http sends the message readable") as caught:
        sinks.send(sink, hello, environment={"HOOK": "http://hospital.example/T0P"})
    assert caught.value.final
    assert "T0P" not in str(caught.value)


def test_a_mail_is_sent_encrypted_and_signed_in_as_text_and_html(duty, settings, mail, configured):
    ticket = duty.ticket()
    (told,) = deliver(duty.store, configured(mail.configured()), settings=settings, now=NOW, environment=PASSWORD)
    assert told.state is State.TOLD, told.detail
    (envelope,) = mail.boxes.mails
    message = arrived(envelope)
    assert message["Subject"] == "[wardround] Broken data: hold it back (data fault) · heart_disease"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Importance"] == "high"
    text, page = message.get_body(("plain",)).get_content(), message.get_body(("html",)).get_content()
    for part in (text, page):
        assert ticket.id in part
        assert "Mend the source" in part
    assert "60 to 700 mg/dL" in text
    assert mail.boxes.signed_in == [b"wardround"]


def test_a_reminder_answers_the_first_mail_and_a_retry_has_its_message_id(duty, settings, mail, configured):
    duty.ticket()
    config = configured(mail.configured(remind_after_days=1))
    mail.boxes.after_data = "451 later"
    deliver(duty.store, config, settings=settings, now=NOW, environment=PASSWORD)
    mail.boxes.after_data = "250 taken"
    for hours in (1, 25):
        deliver(duty.store, config, settings=settings, now=NOW + timedelta(hours=hours), environment=PASSWORD)
    first, reminder = map(arrived, mail.boxes.mails)
    assert reminder["In-Reply-To"] == first["Message-ID"]
    assert reminder["Message-ID"] != first["Message-ID"]
    assert reminder["Subject"].startswith("[wardround] Still open since 2026-03-02 12:00 UTC")


@pytest.mark.parametrize(
    ("answer", "final"), [("554 no", True), ("451 later", False), ("552 too big", True), ("421 busy", False)]
)
def test_a_mail_that_is_refused_is_given_up_or_tried_again_as_the_code_says(mail, configured, hello, answer, final):
    mail.boxes.after_data = answer
    with pytest.raises(NotTaken, match=answer[:3]) as caught:
        sinks.send(configured(mail.configured()).sinks[0], hello, environment=PASSWORD)
    assert caught.value.final is final


def test_a_mailbox_that_refuses_is_told_of_and_the_others_get_the_mail_once(duty, settings, mail, configured):
    duty.ticket()
    config = configured(mail.configured(to='["gone@hospital.example", "cardiology@hospital.example"]'))
    mail.boxes.full = {"gone@hospital.example": "550 no such mailbox"}
    (told,) = deliver(duty.store, config, settings=settings, now=NOW, environment=PASSWORD)
    assert (told.state, told.detail) == (State.TOLD, "1 of 2 mailboxes refused it")
    assert waiting(duty.store, config, now=NOW) == ()
    assert [entry.reason for entry in ledger.entries(duty.store, kind="ticket")] == [
        "told in part: mail, opened: 1 of 2 mailboxes refused it"
    ]
    assert ledger.verify(duty.store).intact


def test_a_wrong_password_needs_a_person_and_is_in_no_message(duty, settings, mail, configured):
    duty.ticket()
    config = configured(mail.configured())
    wrong = "another passphrase nobody may see"
    (tried,) = deliver(duty.store, config, settings=settings, now=NOW, environment={"MAIL_PASSWORD": wrong})
    assert (tried.state, tried.detail) == (State.GIVEN_UP, "localhost refused the password (SMTP 535)")
    for key in duty.store.keys("tickets/"):
        assert wrong.encode() not in duty.store.get(key)


def test_a_mail_server_with_a_certificate_of_nobody_gets_neither_password_nor_mail(mail, configured, hello):
    with pytest.raises(NotTaken, match="certificate of localhost") as caught:
        sinks.send(configured(mail.configured(certificates=None)).sinks[0], hello, environment=PASSWORD)
    assert caught.value.final
    assert mail.boxes.signed_in == mail.boxes.mails == []


def test_a_file_gets_one_line_a_message_that_is_not_for_everybody_s_eyes(configured, hello, tmp_path):
    (sink,) = configured(FILE).sinks
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda _: sinks.send(sink, hello, environment={}), range(40)))
    path = tmp_path / "told.jsonl"
    assert [json.loads(line) for line in path.read_text().splitlines()] == [dict(hello.document)] * 40
    assert stat.S_IMODE(path.stat().st_mode) & 0o137 == 0


def test_a_line_torn_by_a_crash_spoils_no_other(configured, hello, tmp_path):
    (tmp_path / "told.jsonl").write_text('{"half of a li')
    sinks.send(configured(FILE).sinks[0], hello, environment={})
    assert json.loads((tmp_path / "told.jsonl").read_text().splitlines()[1]) == dict(hello.document)


def test_a_file_that_cannot_be_written_says_why(configured, hello, tmp_path):
    (tmp_path / "told.jsonl").mkdir()
    with pytest.raises(NotTaken, match="Is a directory"):
        sinks.send(configured(FILE).sinks[0], hello, environment={})


def test_a_test_message_reaches_every_place_at_any_hour_and_says_that_it_is_one(web, mail, configured):
    always = 'quiet_hours = {start = 00:00:00, end = 23:59:59, zone = "UTC", urgent_passes = false}'
    config = configured(web.configured(), always, mail.configured(), 'minimum_urgency = "high"', always)
    assert try_out(config, now=NOW, environment=PASSWORD) == (None, None)
    assert json.loads(web.requests[0][2])["test"] is True
    assert "TEST: nothing happened" in arrived(mail.boxes.mails[0])["Subject"]


def test_a_test_message_that_does_not_arrive_says_where_and_why(web, configured):
    web.answers = [403]
    (fault,) = try_out(configured(web.configured()), now=NOW, environment={})
    assert (fault.sink, fault.detail[:22]) == ("on-call", "127.0.0.1 answered 403")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("action", "cause"),
    [
        (Action.INSUFFICIENT_DATA, Cause.NONE),
        *(
            (action, cause)
            for action in (Action.QUARANTINE, Action.RETRAIN, Action.RETRAIN_WITH_HUMAN)
            for cause in Cause if cause is not Cause.NONE
        ),
    ],
)  # fmt: skip
def test_every_action_and_cause_has_words_in_both_languages(duty, settings, action, cause, language):
    decision = duty.decision(action, cause)
    ticket = tickets.notice(duty.store, decision, now=NOW)
    for name in ("opened", "reminder-1", "closed"):
        made = messages.message(
            ticket, name, sink="s", language=language, decision=decision, settings=settings, now=NOW
        )  # fmt: skip
        assert decision.label in made.text
        assert "{" not in made.text + made.subject
        assert not any(char.isdigit() for char in made.subject.replace("2026-03-02 12:00", "")), made.subject


def test_both_languages_have_the_same_words_and_places():
    en, zh = messages._texts("en"), messages._texts("zh")
    for key, text in en.items():
        fields = {part.partition("}")[0] for part in text.split("{")[1:]}
        assert fields == {part.partition("}")[0] for part in zh[key].split("{")[1:]}, key
    assert set(zh) - set(en) == {"actions", "causes", "meanings", "next_steps", "facts", "headline"}


def test_messages_use_the_words_of_the_desk():
    said, desk = messages._texts("zh"), {}
    for part in ("frame", "content"):
        desk |= json.loads((files("wardround.serving.desk") / "texts" / "zh" / f"{part}.json").read_text("utf-8"))
    for kind, theirs in {"causes": "cause", "actions": "headline", "meanings": "meaning", "next_steps": "next"}.items():
        for name, words in said[kind].items():
            assert words == desk[f"{theirs}.{name}"], (kind, name)


def test_markup_in_a_reason_is_shown_and_not_run(duty, settings):
    decision = duty.decision(reasons=("<script>alert(1)</script>\nBcc: all@hospital.example",))
    ticket = tickets.notice(duty.store, decision, now=NOW)
    made = messages.message(ticket, "opened", sink="s", language="en", decision=decision, settings=settings, now=NOW)
    assert "<script>" not in made.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Bcc" in made.html


def test_what_a_person_wrote_is_in_no_message(duty, settings, configured, tmp_path):
    ticket = duty.ticket()
    config = configured(FILE, "tell_closed = true\nremind_after_days = 1")
    deliver(duty.store, config, settings=settings, now=NOW)
    tickets.acknowledge(duty.store, ticket.id, person="ada", comment="patient Zyxwv Quux, room 7", now=NOW)
    tickets.close(duty.store, ticket.id, person="ada", comment="Zyxwv Quux went home", now=NOW)
    deliver(duty.store, config, settings=settings, now=NOW + timedelta(days=2))
    told = (tmp_path / "told.jsonl").read_text()
    assert "closed since, by ada" in told
    assert "Quux" not in told
