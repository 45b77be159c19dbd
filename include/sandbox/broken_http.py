"""The faults that break an answer itself: an ASGI middleware, and a protocol that lets it cut connections."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import MutableMapping
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable
from uvicorn._types import Scope as UvicornScope
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.faults import Fault, FaultBoard, monday_of

CONNECTION: Final = "sandbox.connection"
"""Key of the connection in the scope's extensions."""

MAINTENANCE: Final = """<!doctype html>
<html><head><title>Scheduled maintenance</title></head>
<body><h1>We will be back soon</h1><p>Our data service is being maintained.</p></body>
</html>
"""


class DroppableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 which hands the connection to the application, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection."""
        super().connection_made(transport)
        plain = self.app

        async def with_connection(
            scope: UvicornScope, receive: ASGIReceiveCallable, send: ASGISendCallable
        ) -> None:
            if scope["type"] == "http":
                scope.setdefault("extensions", {})[CONNECTION] = {"transport": transport}
            await plain(scope, receive, send)

        self.app = with_connection


class Breaker:
    """Picks the fault for each request of a source: acts out those of transport, notes those of data."""

    def __init__(
        self, app: ASGIApp, board: FaultBoard, sources: MutableMapping[str, str], closing: asyncio.Event
    ) -> None:
        self.app = app
        self.board = board
        self.sources = sources
        self.closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, with the source's fault if it has one."""
        source = self.sources.get(scope["path"]) if scope["type"] == "http" else None
        fault = self.board.take(source, asked_as_of(scope["query_string"])) if source else None
        if fault is None:
            await self.app(scope, receive, send)
        elif not fault.is_transport:
            scope.setdefault("state", {})["fault"] = fault
            await self.app(scope, receive, send)
        else:
            await self._act(fault, scope, receive, send)

    async def _act(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "hang":
            await self._hang(fault, scope, receive, send)
        elif fault.kind == "slow":
            if await self._gone(receive, fault.seconds or 5.0):
                await _cut(scope, receive)
            else:
                await self.app(scope, receive, send)
        elif fault.kind == "truncated":
            await self._truncate(fault, scope, receive, send)
        elif fault.drop:
            _connection(scope).abort()
            await _until_disconnect(receive)
        else:
            await _plain_answer(fault)(scope, receive, send)

    async def _gone(self, receive: Receive, seconds: float | None) -> bool:
        """Wait that long (for ever if None); True as soon as the client has left or the sandbox closes."""
        waits = {
            asyncio.ensure_future(_until_disconnect(receive)),
            asyncio.ensure_future(self.closing.wait()),
        }
        done, pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return bool(done)

    async def _hang(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.drip:
            start, body = await self._whole_answer(scope, receive)
            await send(start)
            for i in range(len(body) - 1):
                await send({"type": "http.response.body", "body": body[i : i + 1], "more_body": True})
                if await self._gone(receive, fault.seconds or 1.0):
                    break
            else:
                await send({"type": "http.response.body", "body": body[-1:]})
                return
        else:
            await self._gone(receive, None)
        await _cut(scope, receive)

    async def _truncate(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await self._whole_answer(scope, receive)
        await send(start)
        kept = max(1, int(len(body) * (fault.share or 0.5)))
        await send(
            {"type": "http.response.body", "body": body[: min(kept, len(body) - 1)], "more_body": True}
        )
        await _cut(scope, receive)

    async def _whole_answer(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """The application's start message, with the declared length, and body."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in messages[1:])
        MutableHeaders(scope=messages[0])["content-length"] = str(len(body))
        return messages[0], body


def asked_as_of(query_string: bytes) -> dt.date | None:
    """The as_of of a request; for FRED the Monday of its real-time day; None if none can be read."""
    query = parse_qs(query_string.decode("latin-1"))
    for name in ("as_of", "realtime_end"):
        if name in query:
            try:
                day = dt.date.fromisoformat(query[name][0])
            except ValueError:
                return None
            return day if name == "as_of" else monday_of(day)
    return None


def _plain_answer(fault: Fault) -> Response:
    if fault.kind == "html":
        return HTMLResponse(MAINTENANCE)
    status = 429 if fault.kind == "too_many" else fault.status
    wait = fault.retry_after if fault.retry_after is not None or status != 429 else 1
    headers = {} if wait is None else {"Retry-After": str(wait)}
    text = {429: "too many requests", 401: "not authorised", 403: "forbidden"}.get(
        status, "service unavailable"
    )
    return JSONResponse({"error": text}, status_code=status, headers=headers)


def _connection(scope: Scope) -> asyncio.Transport:
    transport: asyncio.Transport = scope["extensions"][CONNECTION]["transport"]
    return transport


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _cut(scope: Scope, receive: Receive) -> None:
    """Close the connection after what was sent, and wait until the server knows."""
    _connection(scope).close()
    await _until_disconnect(receive)
