"""Mail over SMTP, with the picture attached. Its Message-ID is the message's: mail programs drop a repeat."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from email.message import EmailMessage
from typing import Final

from steadycast.alerts.answer import Answer
from steadycast.alerts.credentials import Credential
from steadycast.alerts.wording import Rendered, page, plain

_PORT: Final = 587
_TLS_PORT: Final = 465


def send(
    message: Rendered, to: str, credential: Credential, timeout_s: float, risk: Callable[[], None]
) -> Answer:
    """Hand the mail to the server. Until its text was sent, nothing can have arrived."""
    handed_over = False
    try:
        letter = compose(message, str(credential.extra.get("from") or credential.login or to), to)
        with _connected(credential, timeout_s) as smtp:
            code, said = smtp.mail(letter["From"].addresses[0].addr_spec)
            if code >= 400:
                return _refusal(code, said)
            accepted = 0
            for address in letter["To"].addresses:
                code, said = smtp.rcpt(address.addr_spec)
                accepted += code < 400
            if not accepted:
                return _refusal(code, said)
            handed_over = True
            risk()
            code, said = smtp.data(letter.as_bytes())
            return Answer("delivered", f"{code} {_text(said)}") if code < 400 else _refusal(code, said)
    except smtplib.SMTPAuthenticationError as error:
        return Answer("locked", f"{error.smtp_code} log-in refused")
    except smtplib.SMTPResponseException as error:
        return _refusal(error.smtp_code, error.smtp_error)
    except (smtplib.SMTPException, OSError, IndexError, UnicodeError) as error:
        return Answer("unclear" if handed_over else "unreachable", type(error).__name__)


def compose(message: Rendered, sender: str, to: str) -> EmailMessage:
    """The mail: text, HTML beside it, and the picture."""
    letter = EmailMessage()
    letter["Subject"] = message.headline
    letter["From"], letter["To"] = sender, to
    letter["Message-ID"] = f"<{message.id}@steadycast.alerts>"
    letter["X-Steadycast-Alert"] = message.id
    if message.thread is not None:
        letter["References"] = f"<{message.thread[1]}@steadycast.alerts>"
    letter.set_content(plain(message))
    letter.add_alternative(page(message), subtype="html")
    if message.picture is not None:
        letter.add_attachment(message.picture, maintype="image", subtype="png", filename="forecast.png")
    return letter


def _connected(credential: Credential, timeout_s: float) -> smtplib.SMTP:
    at_once = bool(credential.extra.get("ssl")) or credential.port == _TLS_PORT
    kind = smtplib.SMTP_SSL if at_once else smtplib.SMTP
    smtp = kind(credential.host, credential.port or _PORT, timeout=timeout_s)
    try:
        smtp.ehlo_or_helo_if_needed()
        if not at_once and smtp.has_extn("starttls"):
            smtp.starttls()
        if credential.login and credential.password:
            smtp.login(credential.login, credential.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _refusal(code: int, said: bytes | str) -> Answer:
    """4xx: later. 5xx about the content: never. Other 5xx: sender or recipient are not allowed."""
    text = f"{code} {_text(said)}"
    if code < 500:
        return Answer("busy", text)
    return Answer("refused" if code in (552, 554) else "locked", text)


def _text(said: bytes | str) -> str:
    return (said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said))[:80]
