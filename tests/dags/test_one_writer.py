"""Writing requests take turns, reading ones do not, and nobody holds a turn for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.airflow_imports import add_plugins

add_plugins()

from steadycast_runtime import one_writer  # noqa: E402 only importable now
from steadycast_runtime.one_writer import OneWriter  # noqa: E402


class App:
    """An ASGI application that notes how many requests are inside it at once."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.bodies: list[bytes] = []
        self.answered = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.bodies.append(body)
        await asyncio.sleep(0.02)
        self.inside -= 1
        if scope["path"] == "/breaks":
            raise RuntimeError("broken")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/slow-reader":
            await self.answered.wait()


async def ask(app: Any, method: str, path: str = "/", body: tuple[bytes, ...] = (b"",)) -> list[Any]:
    parts = [{"type": "http.request", "body": part, "more_body": True} for part in body]
    parts[-1]["more_body"] = False
    sent: list[Any] = []

    async def receive() -> Any:
        return parts.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": method, "path": path}, receive, send)
    return sent


@pytest.mark.parametrize(
    ("method", "most"), [("POST", 1), ("PATCH", 1), ("PUT", 1), ("DELETE", 1), ("GET", 5)]
)
def test_only_one_writing_request_is_inside_at_a_time(method: str, most: int) -> None:
    async def run() -> App:
        app = App()
        turns = OneWriter(app)
        answers = await asyncio.gather(*(ask(turns, method) for _ in range(5)))
        assert [answer[0]["status"] for answer in answers] == [200] * 5
        return app

    assert asyncio.run(run()).most == most


def test_a_body_in_parts_arrives_whole() -> None:
    async def run() -> App:
        app = App()
        await ask(OneWriter(app), "POST", body=(b"one ", b"two ", b"three"))
        return app

    assert asyncio.run(run()).bodies == [b"one two three"]


def test_a_request_that_breaks_gives_its_turn_back() -> None:
    async def run() -> list[Any]:
        turns = OneWriter(App())
        with pytest.raises(RuntimeError):
            await ask(turns, "POST", "/breaks")
        return await asyncio.wait_for(ask(turns, "POST"), 5)

    assert asyncio.run(run())


def test_a_client_that_is_slow_to_read_its_answer_holds_no_turn() -> None:
    async def run() -> None:
        app = App()
        turns = OneWriter(app)
        slow = asyncio.create_task(ask(turns, "POST", "/slow-reader"))
        await asyncio.sleep(0.05)
        await asyncio.wait_for(ask(turns, "POST"), 5)
        assert not slow.done()
        app.answered.set()
        await slow

    asyncio.run(run())


def test_a_client_that_is_slow_to_send_holds_no_turn() -> None:
    async def run() -> None:
        turns = OneWriter(App())

        async def never() -> Any:
            await asyncio.Event().wait()

        async def ignore(message: Any) -> None:
            raise AssertionError(message)

        scope = {"type": "http", "method": "POST", "path": "/"}
        slow = asyncio.create_task(turns(scope, never, ignore))
        await asyncio.sleep(0.01)
        await asyncio.wait_for(ask(turns, "POST"), 5)
        slow.cancel()

    asyncio.run(run())


def test_a_turn_that_does_not_end_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_writer, "LONGEST_WAIT_S", 0.05)

    async def run() -> None:
        async def hangs(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/hangs":
                await asyncio.Event().wait()
            await send({"type": "http.response.start", "status": 200})

        turns = OneWriter(hangs)
        stuck = asyncio.create_task(ask(turns, "POST", "/hangs"))
        await asyncio.sleep(0.01)
        assert await asyncio.wait_for(ask(turns, "POST"), 5)
        stuck.cancel()

    asyncio.run(run())


def test_it_is_there_for_sqlite_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////home/airflow.db")
    assert one_writer.on_sqlite()
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql+psycopg2://airflow@db/airflow")
    assert not one_writer.on_sqlite()
