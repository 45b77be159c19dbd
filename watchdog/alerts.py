"""The watchdog's own way to people: a Slack-compatible webhook, then mail; always its log and a file."""

from __future__ import annotations

import datetime as dt
import json
import logging
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

log = logging.getLogger(__name__)
TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Mail:
    """Where mails go.

    Args:
        server: ``smtp://user:password@host:port`` (STARTTLS if offered) or ``smtps://…``.
        sender: address of the sender.
        to: addresses, separated by commas.
    """

    server: str
    sender: str
    to: str

    def __repr__(self) -> str:
        return f"Mail(to={self.to})"


class Alerts:
    """Sends messages.

    Args:
        title: of the pipeline, before each text.
        file: gets every message as one JSON line, for the case that nothing else can be reached.
        webhook: address that takes ``{"text": …}``; a secret.
        mail: tried if the webhook is missing or refuses.
    """

    def __init__(
        self, title: str, file: Path, *, webhook: str | None = None, mail: Mail | None = None
    ) -> None:
        self._title, self._file, self._webhook, self._mail = title, file, webhook, mail

    @property
    def has_path(self) -> bool:
        """Is there a way to people that is the watchdog's own?"""
        return bool(self._webhook or self._mail)

    def note(self, text: str, at: dt.datetime) -> None:
        """Write a message down, in the log and in the file."""
        log.warning("%s", text)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps({"at": at.isoformat(), "text": text}, ensure_ascii=False) + "\n")

    def send(self, text: str) -> bool:
        """Send a message; False if there are paths and none took it, so that it has to be tried again."""
        paths = [
            path for path, there in ((self._to_webhook, self._webhook), (self._to_mail, self._mail)) if there
        ]
        for path in paths:
            try:
                path(f"{self._title}, watchdog: {text}")
            except (httpx.HTTPError, httpx.InvalidURL, OSError, smtplib.SMTPException, ValueError) as error:
                # never the text of the error: it may hold the address, which is a secret
                log.error("an alert could not be sent by %s: %s", path.__name__[4:], type(error).__name__)
            else:
                return True
        return not paths

    def _to_webhook(self, text: str) -> None:
        sign = ":white_check_mark:" if ": resolved: " in text else ":red_circle:"
        safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        with httpx.Client(timeout=TIMEOUT_S) as client:
            client.post(str(self._webhook), json={"text": f"{sign} {safe}"}).raise_for_status()

    def _to_mail(self, text: str) -> None:
        if self._mail is None:
            return
        server = urlsplit(self._mail.server)
        message = EmailMessage()
        message["Subject"] = " ".join(text.split())[:150]
        message["From"], message["To"] = self._mail.sender, self._mail.to
        message.set_content(text)
        kind = smtplib.SMTP_SSL if server.scheme == "smtps" else smtplib.SMTP
        with kind(server.hostname or "", server.port or 0, timeout=TIMEOUT_S) as smtp:
            if server.scheme != "smtps" and smtp.has_extn("starttls"):
                smtp.starttls()
            if server.username:
                smtp.login(unquote(server.username), unquote(server.password or ""))
            smtp.send_message(message)
