"""A server that speaks Slack's API for posting messages, on a free port, with failures on request."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

TOKEN = "xoxb-local"
CHANNELS = ("#forecast",)


@dataclass
class SlackServer:
    """What the server got, and how it is to answer.

    Args:
        mode: ``ok``, ``rate_limited`` (429), ``hang`` (no answer), ``drip`` (a byte now and then) or
            ``broken`` (HTML, 500).
        posts: all accepted messages, oldest first.
        requests: how many requests came, refused ones included.
    """

    url: str = ""
    mode: str = "ok"
    posts: list[dict[str, str]] = field(default_factory=list)
    requests: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def connection(self) -> str:
        """The Airflow connection of this server, as JSON for AIRFLOW_CONN_SLACK."""
        return json.dumps({"conn_type": "slack", "password": TOKEN, "extra": {"base_url": self.url}})

    def wait_for(self, text: str, timeout_s: float = 60) -> dict[str, str]:
        """The first message that contains the text; waits for it."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for post in list(self.posts):
                if text in post["text"]:
                    return post
            time.sleep(0.2)
        raise AssertionError(f"no message with {text!r} within {timeout_s} s; got {self.posts}")


@contextmanager
def running_slack() -> Iterator[SlackServer]:
    """A server that ends with the block."""
    slack = SlackServer()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.slack = slack
    slack.url = f"http://127.0.0.1:{server.server_address[1]}/api/"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield slack
    finally:
        slack.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    slack: SlackServer


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        slack = self.server.slack
        slack.requests += 1
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        match slack.mode:
            case "hang":
                slack.closing.wait(60)
            case "drip":
                self._drip()
            case "rate_limited":
                self._answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"})
            case "broken":
                self._send(500, b"<html>Server Error</html>", "text/html", {})
            case _:
                self._answer(200, self._accept(body), {})

    def _accept(self, body: str) -> dict[str, object]:
        """Slack's own order: the method, the token, the channel, the text."""
        if not self.path.endswith("/api/chat.postMessage"):
            return {"ok": False, "error": "unknown_method"}
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return {"ok": False, "error": "invalid_auth"}
        if "json" in (self.headers.get("Content-Type") or ""):
            post = json.loads(body)
        else:
            post = {name: values[0] for name, values in parse_qs(body).items()}
        if post.get("channel") not in CHANNELS:
            return {"ok": False, "error": "channel_not_found"}
        if not post.get("text"):
            return {"ok": False, "error": "no_text"}
        posts = self.server.slack.posts
        posts.append(post)
        return {"ok": True, "channel": "C1", "ts": f"{len(posts)}.0", "message": {"text": post["text"]}}

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        while not self.server.slack.closing.wait(0.5):
            try:
                self.wfile.write(b" ")
                self.wfile.flush()
            except OSError:
                return

    def _answer(self, status: int, content: dict[str, object], headers: dict[str, str]) -> None:
        self._send(status, json.dumps(content).encode(), "application/json", headers)

    def _send(self, status: int, content: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """The tests look at the messages, not at an access log."""
