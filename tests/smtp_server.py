"""An SMTP server on a free port, with failures on request."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


@dataclass
class SmtpServer:
    """What came, and how the server is to answer.

    Attributes:
        mode: ``ok``, ``hang`` (takes the connection and says nothing), ``greet_and_hang``, ``refuse`` (554
            as its greeting), ``busy`` (451 to each recipient), ``no_recipient`` (550), ``hang_after_data``
            (takes the mail, and does not say so).
        mails: what was accepted, oldest first.
    """

    port: int = 0
    mode: str = "ok"
    mails: list[EmailMessage] = field(default_factory=list)
    connections: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def connection(self) -> str:
        """As AIRFLOW_CONN_<ID>."""
        extra = {"from": "steadycast@example.org", "to": "on-call@example.org"}
        return json.dumps({"conn_type": "smtp", "host": "127.0.0.1", "port": self.port, "extra": extra})

    @property
    def texts(self) -> list[str]:
        """Subject and text of each mail."""
        return [f"{mail['Subject']}\n{body(mail)}" for mail in list(self.mails)]


def body(mail: EmailMessage) -> str:
    """The text of a mail."""
    part = mail.get_body(("plain",))
    return part.get_content() if part else ""


@contextmanager
def running_smtp() -> Iterator[SmtpServer]:
    """A server that ends with the block."""
    smtp = SmtpServer()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.smtp = smtp
    smtp.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield smtp
    finally:
        smtp.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    smtp: SmtpServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle is what the tests do."""


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        smtp = self.server.smtp
        smtp.connections += 1
        if smtp.mode == "hang":
            smtp.closing.wait(60)
            return
        if smtp.mode == "refuse":
            self._say("554 no service here")
            return
        self._say("220 local SMTP")
        if smtp.mode == "greet_and_hang":
            smtp.closing.wait(60)
            return
        while line := self.rfile.readline():
            word = line.split()[0].upper().decode() if line.strip() else ""
            if word == "DATA":
                if not self._data():
                    return
            elif word == "RCPT" and smtp.mode in ("busy", "no_recipient"):
                self._say("451 later" if smtp.mode == "busy" else "550 no such user")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _data(self) -> bool:
        smtp = self.server.smtp
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        smtp.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
        if smtp.mode == "hang_after_data":
            smtp.closing.wait(60)
            return False
        self._say("250 taken")
        return True

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
