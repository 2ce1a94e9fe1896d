"""Mailboxes, reached over an SMTP server."""

import contextlib
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime

from wardround.alerts.config import MailSink
from wardround.alerts.messages import Message
from wardround.alerts.sinks.outcome import NotTaken, secret
from wardround.alerts.tickets import Urgency


def send(sink: MailSink, message: Message, *, environment: Mapping[str, str]) -> str:
    """Send *message* as text and HTML; return a remark when some of the mailboxes refused it.

    Raises:
        NotTaken: the server could not be reached, is not who it says it is, or refused.
    """
    password = secret(sink.password_from, environment) if sink.password_from else None
    try:
        server = _connected(sink)
        try:
            if sink.user is not None and password is not None:
                server.login(sink.user, password)
            refused = server.send_message(mail(sink, message))
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()  # what is said in parting changes nothing about a message that was taken
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise NotTaken(f"{sink.host} refused every mailbox (SMTP {min(codes)})", min(codes) >= 500) from None
    except smtplib.SMTPResponseException as error:
        what = "the password" if isinstance(error, smtplib.SMTPAuthenticationError) else "the message"
        raise NotTaken(f"{sink.host} refused {what} (SMTP {error.smtp_code})", error.smtp_code >= 500) from None
    except smtplib.SMTPNotSupportedError:
        raise NotTaken(f"{sink.host} does not offer {sink.security} or a way to sign in", True) from None
    except ssl.SSLCertVerificationError:
        raise NotTaken(f"the certificate of {sink.host} is not one that this machine trusts", True) from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotTaken(f"no answer from {sink.host} ({type(error).__name__})") from None
    return f"{len(refused)} of {len(sink.to)} mailboxes refused it" if refused else ""


def mail(sink: MailSink, message: Message) -> EmailMessage:
    """Return the mail; a retry has the same ``Message-ID``, a later message about the ticket answers the first one."""
    made = EmailMessage()
    domain = sink.sender.rpartition("@")[2]
    made["From"] = sink.sender
    made["To"] = ", ".join(sink.to)
    made["Subject"] = message.subject
    made["Date"] = format_datetime(message.at)
    made["Message-ID"] = f"<{message.id}@{domain}>"
    if message.answers is not None:
        made["In-Reply-To"] = made["References"] = f"<{message.answers}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers that it is on holiday
    if message.urgency is Urgency.HIGH:
        made["Importance"] = "high"
    made.set_content(message.text)
    made.add_alternative(message.html, subtype="html")
    return made


def _connected(sink: MailSink) -> smtplib.SMTP:
    trust = ssl.create_default_context()
    if sink.certificates is not None:
        trust.load_verify_locations(sink.certificates)
    if sink.security == "tls":
        return smtplib.SMTP_SSL(sink.host, sink.port, timeout=sink.timeout, context=trust)
    server = smtplib.SMTP(sink.host, sink.port, timeout=sink.timeout)
    if sink.security == "starttls":
        try:
            server.starttls(context=trust)
        except BaseException:
            server.close()
            raise
    return server
