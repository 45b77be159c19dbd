"""Runs the application with uvicorn; ends at once on SIGTERM and SIGINT even when requests hang."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import ipaddress
import socket
import sys
from pathlib import Path
from typing import Any, Final

import uvicorn

from sandbox.app import create_app
from sandbox.broken_http import DroppableProtocol

DEFAULT_PORT: Final = 8090


class CannotServe(Exception):
    """The address can not be used; the text says why and what to do."""


class SandboxServer(uvicorn.Server):
    """Tells hanging requests first that it closes."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self.closing = closing

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of hanging requests, then close as uvicorn does."""
        self.closing.set()
        await super().shutdown(sockets)


def serve(data: Path, host: str, port: int, *, allow_remote: bool) -> None:
    """Serve until a signal ends it; prints the address once it listens.

    Raises:
        CannotServe: the port is taken, or the host is not loopback and ``allow_remote`` is not given.
        DataMissing: the data folder lacks a file.
    """
    if not allow_remote and not is_loopback(host):
        raise CannotServe(
            f"{host} can be reached from other machines and the sandbox asks nobody who they are; "
            "use 127.0.0.1, or add --allow-remote if that is what you want"
        )
    app = create_app(data)
    listening = _listen(host, port)
    config = uvicorn.Config(
        app,
        http=DroppableProtocol,
        lifespan="off",
        log_config=_logging(),
        log_level="info",
        timeout_graceful_shutdown=1,
        ws="none",
    )
    address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    sys.stdout.write(f"Sandbox on {address} with the data of {data}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how one ends it
        SandboxServer(config, app.state.closing).run([listening])


def is_loopback(host: str) -> bool:
    """Is the host only reachable from this machine?"""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _logging() -> dict[str, Any]:
    """Let uvicorn log to standard error: who reads our standard output reads the address only, if at all."""
    settings = copy.deepcopy(uvicorn.config.LOGGING_CONFIG)
    settings["handlers"]["access"]["stream"] = "ext://sys.stderr"
    return settings


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise CannotServe(
            f"{host}:{port} can not be used ({error.strerror}); stop what listens there or set --port"
        ) from error
    return listening
