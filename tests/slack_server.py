"""A server that speaks the part of Slack's API that alerts need, on a free port, with failures on request."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "xoxb-local"
CHANNELS = {"#forecast": "C0FORECAST"}
REFUSED = ("invalid_blocks", "too many blocks, or a text that is too long")


@dataclass
class SlackServer:
    """What the server got, and how it is to answer.

    Attributes:
        mode: ``ok``, ``rate_limited`` (429), ``not_ok`` (200 with ok:false), ``hang`` (no answer),
            ``take_and_hang``, ``drip`` (a byte now and then), ``drop`` (takes the message and drops the
            connection within the answer), ``drop_unheard`` (drops it, and takes nothing) or ``broken`` (HTML,
            500).
        only: methods that the mode holds for; all if empty.
        times: so many requests more it holds for; None for ever.
        posts: all accepted messages, oldest first, with their ``ts``.
        files: all pictures, with the channel and the thread that they were put into.
        reactions: names of reactions by ``ts``.
        requests: how many requests came, refused ones included; methods: which.
    """

    url: str = ""
    mode: str = "ok"
    only: tuple[str, ...] = ()
    times: int | None = None
    retry_after: str = "30"
    error: str = "internal_error"
    posts: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    methods: list[str] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def requests(self) -> int:
        return len(self.methods)

    @property
    def connection(self) -> str:
        """The Airflow connection of this server, as JSON for AIRFLOW_CONN_SLACK."""
        return json.dumps({"conn_type": "slack", "password": TOKEN, "extra": {"base_url": self.url}})

    @property
    def webhook(self) -> str:
        """The connection of its incoming webhook."""
        return json.dumps(
            {"conn_type": "slack", "extra": {"webhook": self.url.replace("/api/", "/hook/T/B/x")}}
        )

    @property
    def texts(self) -> list[str]:
        """Of all accepted messages, the blocks' texts among them."""
        return [told(post) for post in list(self.posts)]

    def wait_for(self, text: str, timeout_s: float = 60) -> dict[str, Any]:
        """The first message that contains the text; waits for it."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for post in list(self.posts):
                if text in told(post):
                    return post
            time.sleep(0.2)
        raise AssertionError(f"no message with {text!r} within {timeout_s} s; got {self.texts}")


def told(post: dict[str, Any]) -> str:
    """All texts of a message."""
    return f"{post['text']}\n" + "\n".join(texts_of(post.get("blocks") or []))


def texts_of(part: Any) -> list[str]:
    """Every text within blocks."""
    if isinstance(part, list):
        return [text for one in part for text in texts_of(one)]
    if isinstance(part, dict):
        inner = [text for name, one in part.items() if name != "text" for text in texts_of(one)]
        text = part.get("text")
        return [text, *inner] if isinstance(text, str) else [*texts_of(text), *inner]
    return []


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
    request_queue_size = 64
    slack: SlackServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle is what the tests do."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        slack = self.server.slack
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path)
        method = path.path.rsplit("/", 1)[-1] if "/api/" in path.path else path.path.split("/")[1]
        match mode := self._mode(method):
            case "hang" | "take_and_hang":
                if mode == "take_and_hang":
                    self._taken(method, body)
                slack.closing.wait(60)
            case "drip":
                self._drip()
            case "rate_limited":
                self._answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": slack.retry_after})
            case "not_ok":
                self._answer(200, {"ok": False, "error": slack.error}, {})
            case "broken":
                self._send(500, b"<html>Server Error</html>", "text/html", {})
            case "drop" | "drop_unheard":
                if mode == "drop":
                    self._taken(method, body)
                self._drop()
            case _:
                status, content = self._taken(method, body)
                if isinstance(content, str):
                    self._send(status, content.encode(), "text/plain", {})
                else:
                    self._answer(status, content, {})

    def _mode(self, method: str) -> str:
        slack = self.server.slack
        with slack.lock:
            slack.methods.append(method)
            slack.arrivals.append(time.monotonic())
            mode = slack.mode if not slack.only or method in slack.only else "ok"
            if mode != "ok" and slack.times is not None:
                slack.times -= 1
                if slack.times < 0:
                    mode, slack.mode = "ok", "ok"
        return mode

    def _taken(self, method: str, body: bytes) -> tuple[int, Any]:
        """Slack's own order: the method, the token, the channel, the text."""
        slack = self.server.slack
        if method == "upload":
            slack.uploads[self.path.rsplit("/", 1)[-1]] = body
            return 200, "OK"
        given = self._given(body)
        if method == "hook":
            if not given.get("text"):
                return 400, "no_text"
            if given.get("blocks") and not within_limits(given["blocks"]):
                return 400, "invalid_blocks"
            with slack.lock:
                slack.posts.append(given | {"ts": f"{time.time():.6f}"})
            return 200, "ok"
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 200, {"ok": False, "error": "invalid_auth"}
        handler = getattr(self, "_" + method.replace(".", "_"), None)
        if handler is None:
            return 200, {"ok": False, "error": "unknown_method"}
        with slack.lock:
            return 200, handler(given)

    def _given(self, body: bytes) -> dict[str, Any]:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if "json" in (self.headers.get("Content-Type") or ""):
            return query | json.loads(body or b"{}")
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        for name in ("blocks", "metadata", "files"):
            if isinstance(form.get(name), str):
                form[name] = json.loads(form[name])
        return query | form

    def _channel(self, given: dict[str, Any], name: str = "channel") -> str | None:
        wanted = given.get(name)
        return CHANNELS.get(wanted) or (wanted if wanted in CHANNELS.values() else None)

    def _chat_postMessage(self, given: dict[str, Any]) -> dict[str, Any]:
        posts, channel = self.server.slack.posts, self._channel(given)
        if channel is None:
            return {"ok": False, "error": "channel_not_found"}
        if not given.get("text"):
            return {"ok": False, "error": "no_text"}
        if given.get("blocks") and not within_limits(given["blocks"]):
            return {"ok": False, "error": "invalid_blocks"}
        if given.get("thread_ts") and all(post["ts"] != given["thread_ts"] for post in posts):
            return {"ok": False, "error": "thread_not_found"}
        ts = f"{time.time():.3f}{len(posts):03}"
        posts.append(given | {"ts": ts, "to": channel})
        return {"ok": True, "channel": channel, "ts": ts, "message": {"text": given["text"]}}

    def _conversations_list(self, given: dict[str, Any]) -> dict[str, Any]:
        listed = [{"id": number, "name": name[1:]} for name, number in CHANNELS.items()]
        return {"ok": True, "channels": listed, "response_metadata": {"next_cursor": ""}}

    def _conversations_history(self, given: dict[str, Any]) -> dict[str, Any]:
        parents = [post for post in self.server.slack.posts if "thread_ts" not in post]
        return self._page([self._with_replies(post) for post in parents], given)

    def _conversations_replies(self, given: dict[str, Any]) -> dict[str, Any]:
        mine = [p for p in self.server.slack.posts if given["ts"] in (p["ts"], p.get("thread_ts"))]
        return self._page(mine, given)

    def _with_replies(self, post: dict[str, Any]) -> dict[str, Any]:
        replies = [p["ts"] for p in self.server.slack.posts if p.get("thread_ts") == post["ts"]]
        return post | ({"latest_reply": max(replies)} if replies else {})

    def _page(self, posts: list[dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
        if self._channel(given) is None:
            return {"ok": False, "error": "channel_not_found"}
        found = [post for post in posts if float(post["ts"]) >= float(given.get("oldest") or 0)][::-1]
        if not given.get("include_all_metadata"):
            found = [{name: value for name, value in post.items() if name != "metadata"} for post in found]
        start = int(given.get("cursor") or 0)
        end = start + int(given.get("limit") or 100)
        more = str(end) if end < len(found) else ""
        return {"ok": True, "messages": found[start:end], "response_metadata": {"next_cursor": more}}

    def _reactions_get(self, given: dict[str, Any]) -> dict[str, Any]:
        names = self.server.slack.reactions.get(given["timestamp"], [])
        told = [{"name": name, "count": 1, "users": ["U1"]} for name in names]
        return {"ok": True, "type": "message", "message": {"ts": given["timestamp"], "reactions": told}}

    def _files_getUploadURLExternal(self, given: dict[str, Any]) -> dict[str, Any]:
        number = f"F{len(self.server.slack.uploads)}"
        base = self.server.slack.url.replace("/api/", "/upload/")
        return {"ok": True, "upload_url": f"{base}{number}", "file_id": number}

    def _files_completeUploadExternal(self, given: dict[str, Any]) -> dict[str, Any]:
        files, slack = given["files"], self.server.slack
        if self._channel(given, "channel_id") is None:
            return {"ok": False, "error": "channel_not_found"}
        for one in files:
            slack.files.append(given | {"data": slack.uploads[one["id"]]})
        return {"ok": True, "files": [{"id": one["id"], "title": one.get("title")} for one in files]}

    def _drop(self) -> None:
        """Half an answer, and a reset."""
        self.wfile.write(
            b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{"ok":'
        )
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

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

    def _answer(self, status: int, content: dict[str, Any], headers: dict[str, str]) -> None:
        self._send(status, json.dumps(content).encode(), "application/json", headers)

    def _send(self, status: int, content: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """The tests look at the messages, not at an access log."""


LIMITS = {"header": 150, "section": 3000, "context": 3000, "button": 75}


def within_limits(blocks: list[dict[str, Any]]) -> bool:
    """Does Slack take these blocks?"""
    return problems_of(blocks) == []


def problems_of(blocks: list[dict[str, Any]]) -> list[str]:
    """What Slack's reference does not allow: number of blocks, lengths of texts, empty texts, addresses."""
    found = [f"{len(blocks)} blocks"] if not 1 <= len(blocks) <= 50 else []
    for i, block in enumerate(blocks):
        match block.get("type"):
            case "header":
                found += _text(i, block["text"], "plain_text", LIMITS["header"])
            case "section":
                found += _text(i, block["text"], "mrkdwn", LIMITS["section"])
            case "context":
                found += [] if 1 <= len(block["elements"]) <= 10 else [f"{i}: number of elements"]
                for element in block["elements"]:
                    found += _text(i, element, "mrkdwn", LIMITS["context"])
            case "actions":
                found += [] if 1 <= len(block["elements"]) <= 25 else [f"{i}: number of elements"]
                for element in block["elements"]:
                    found += _text(i, element["text"], "plain_text", LIMITS["button"])
                    address = element.get("url", "http://x")
                    if len(address) > 3000 or not address.startswith(("http://", "https://")):
                        found.append(f"{i}: address {address[:80]}")
            case "divider":
                pass
            case other:
                found.append(f"{i}: type {other}")
    return found


def _text(i: int, text: dict[str, Any], kind: str, most: int) -> list[str]:
    found = [f"{i}: {text.get('type')} and not {kind}"] if text.get("type") != kind else []
    length = len(text.get("text", ""))
    return found + ([f"{i}: {length} characters of {most}"] if not 1 <= length <= most else [])
