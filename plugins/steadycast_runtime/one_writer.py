"""On SQLite, lets the API server handle one writing request at a time.

Airflow 3.3 writes its audit log on the event loop. If another request holds SQLite's write lock then, and
gives it back only when the event loop goes on, the whole API server stands still until SQLite's patience
ends: tasks can not report, and whoever cleared a task gets "Database error".
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airflow.configuration import conf

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

READS = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST_WAIT_S = 30.0
"""Then a request goes on without its turn: that is no worse than without turns."""


def on_sqlite() -> bool:
    """Is Airflow's database SQLite?"""
    return str(conf.get("database", "sql_alchemy_conn")).startswith("sqlite")


class OneWriter:
    """ASGI middleware: writing requests wait for their turn, reading ones do not.

    A turn ends when the answer begins, since Airflow closes its database session before that. The request is
    received in full before its turn begins, so that no slow client holds it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] in READS:
            await self.app(scope, receive, send)
            return
        received = await _whole(receive)

        async def replay() -> Message:
            return received.pop(0) if received else await receive()

        async def answer(message: Message) -> None:
            end()
            await send(message)

        end = await self._begin()
        try:
            await self.app(scope, replay, answer)
        finally:
            end()

    async def _begin(self) -> Ends:
        try:
            await asyncio.wait_for(self._turn.acquire(), LONGEST_WAIT_S)
        except TimeoutError:
            return Ends(None)
        return Ends(self._turn)


class Ends:
    """Ends a turn, once."""

    def __init__(self, turn: asyncio.Lock | None) -> None:
        self._turn = turn

    def __call__(self) -> None:
        """End it."""
        if self._turn is not None:
            self._turn.release()
            self._turn = None


async def _whole(receive: Receive) -> list[Message]:
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages
