"""A web server that takes the watchdog's alerts (Slack's webhook format) and its dead-man's pings."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Listener:
    """What came: texts of alerts and paths of pings, each with the second at which it came."""

    url: str
    alerts: list[tuple[float, str]] = field(default_factory=list)
    pings: list[tuple[float, str]] = field(default_factory=list)

    def wait_for(self, text: str, timeout_s: float) -> tuple[float, str]:
        """The first alert that contains the text.

        Raises:
            AssertionError: none came in time.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for told in list(self.alerts):
                if text in told[1]:
                    return told
            time.sleep(0.2)
        raise AssertionError(f"no alert with {text!r} within {timeout_s:.0f} s; there were {self.alerts}")


@contextlib.contextmanager
def running_listener() -> Iterator[Listener]:
    """A listener on a free loopback port that ends with the block."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.listener = Listener(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    listener: Listener


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.listener.alerts.append((time.time(), json.loads(body)["text"]))
        self._answer()

    def do_GET(self) -> None:
        self.server.listener.pings.append((time.time(), self.path))
        self._answer()

    def _answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, *_: object) -> None:
        """Say nothing; what came is in the listener."""
