"""Below HTTP: sockets that can be ended from outside, and unpacking that can not flood the memory."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import ssl
import threading
import zlib
from collections import deque
from collections.abc import Iterator
from typing import Any

import httpx

from steadycast.sources.decoding import Unreadable


class Wire:
    """The sockets of a client, so that a read kept alive by a dripping server can be ended from outside."""

    def __init__(self) -> None:
        self._streams: deque[Any] = deque(maxlen=8)
        self._lock = threading.Lock()
        self.is_cut = False

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Remember each new connection, or shut it down if it comes after the cut; called by httpcore."""
        stream = info.get("return_value")
        if event.endswith(".complete") and hasattr(stream, "get_extra_info"):
            with self._lock:
                self._streams.append(stream)
                if self.is_cut:
                    _shut_down(stream)

    @contextlib.contextmanager
    def cut_after(self, seconds: float) -> Iterator[None]:
        """Shut the sockets down if the block takes longer."""
        self.is_cut = False
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # or a cut that comes late would end the next attempt

    def _cut(self) -> None:
        with self._lock:
            self.is_cut = True
            for stream in self._streams:
                _shut_down(stream)


def _shut_down(stream: Any) -> None:  # noqa: ANN401 httpcore's streams share no public type
    connected = stream.get_extra_info("socket")
    if isinstance(connected, socket.socket):
        with contextlib.suppress(OSError):
            # not SSLSocket's own shutdown, which would pull the session from under the reader
            socket.socket.shutdown(connected, socket.SHUT_RDWR)


class Unpacker:
    """Unpacks gzip and zlib piece by piece, never more than the limit at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._new()

    def _new(self) -> None:
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def more(self, piece: bytes) -> bytes:
        """What the piece unpacks to; at most one byte over the limit."""
        content = bytearray()
        try:
            while piece and len(content) <= self._limit:
                if self._zlib.eof:  # a gzip body may have several members
                    self._new()
                content += self._zlib.decompress(piece, self._limit + 1 - len(content))
                piece = self._zlib.unused_data if self._zlib.eof else self._zlib.unconsumed_tail
        except zlib.error as error:
            raise Unreadable(f"is broken gzip: {error}", cut=True) from error
        return bytes(content)

    def end(self) -> None:
        """Refuse a body that ends before its packing does."""
        if not self._zlib.eof:
            raise Unreadable("is cut: its gzip packing is not closed", cut=True)


def trusted() -> ssl.SSLContext:
    """The certificate authorities to trust: those of SSL_CERT_FILE or SSL_CERT_DIR, else the public ones."""
    return _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.lru_cache(maxsize=4)
def _trusted(file: str | None, folder: str | None) -> ssl.SSLContext:
    # reading the list of authorities takes longer than most requests
    return httpx.create_ssl_context(trust_env=file is not None or folder is not None)
