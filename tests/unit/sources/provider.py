"""A real HTTP server on a free port that answers as scripted, misbehaviour included."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

REASONS = {200: "OK", 302: "Found", 429: "Too Many Requests", 503: "Service Unavailable"}


@dataclass(frozen=True)
class Request:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Provider:
    """Each request takes the next step of ``script``; the last step stands for all that follow."""

    port: int
    script: list[Callable[[Provider, socket.socket, Request], None]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def says(self, *script) -> Provider:
        self.script[:] = script
        return self


def answer(body="", status=200, kind="application/json", length=None, **headers):
    """A whole answer; ``length`` lies about its length."""
    data = (
        body
        if isinstance(body, bytes)
        else body.encode()
        if isinstance(body, str)
        else json.dumps(body).encode()
    )

    def step(provider, wire, request):
        head = {"Content-Type": kind, "Content-Length": str(len(data) if length is None else length)}
        head |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value is not None)
        wire.sendall(
            f"HTTP/1.1 {status} {REASONS.get(status, 'X')}\r\n{lines}Connection: close\r\n\r\n".encode()
            + data
        )

    return step


def by_query(choose):
    """The answer that ``choose`` picks for the request."""
    return lambda provider, wire, request: choose(request)(provider, wire, request)


def hang(provider, wire, request):
    """Accept the request and say nothing."""
    provider.over.wait(30)


def drip(
    data,
    every_s=0.05,
    head=b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999\r\n\r\n",
):
    """A byte at a time, for ever."""

    def step(provider, wire, request):
        with contextlib.suppress(OSError):
            wire.sendall(head)
            while not provider.over.wait(every_s):
                wire.sendall(data)

    return step


def drop(data=b""):
    """Send that and reset the connection."""

    def step(provider, wire, request):
        wire.sendall(data)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return step


def raw(data):
    """Send exactly these bytes and close."""
    return lambda provider, wire, request: wire.sendall(data)


@contextlib.contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[Provider]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        provider = Provider(listening.getsockname()[1], tls=tls)
        threads: list[threading.Thread] = []

        def serve() -> None:
            while not provider.over.is_set():
                try:
                    wire, _ = listening.accept()
                except OSError:
                    return
                thread = threading.Thread(target=_serve, args=(provider, wire))
                threads.append(thread)
                thread.start()

        loop = threading.Thread(target=serve)
        loop.start()
        try:
            yield provider
        finally:
            provider.over.set()
            listening.shutdown(socket.SHUT_RDWR)
            loop.join(5)
            for thread in threads:
                thread.join(5)


def _serve(provider: Provider, wire: socket.socket) -> None:
    wire.settimeout(20)
    if provider.tls:
        try:
            wire = provider.tls.wrap_socket(wire, server_side=True)
        except OSError:
            wire.close()
            return
    with wire, contextlib.suppress(OSError):
        data = b""
        while b"\r\n\r\n" not in data:
            more = wire.recv(65536)
            if not more:
                return
            data += more
        first, *lines = data.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
        target = urlsplit(first.split(" ")[1])
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        request = Request(target.path, dict(parse_qsl(target.query, keep_blank_values=True)), headers)
        provider.requests.append(request)
        step = provider.script.pop(0) if len(provider.script) > 1 else provider.script[0]
        step(provider, wire, request)
