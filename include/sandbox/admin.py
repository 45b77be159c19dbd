"""The admin routes: set, clear and list faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from sandbox.faults import OPTIONS, SOURCES, Fault, FaultBoard, FaultRefused, read_fault


class NoSuchSource(Exception):
    """The sandbox has no source of that name."""


def add_admin(app: FastAPI, board: FaultBoard, check: Callable[[Fault, str], None]) -> None:
    """Add the routes.

    Args:
        app: the application.
        board: the faults in force.
        check: raises FaultRefused when a fault does not fit a source.
    """
    app.add_exception_handler(NoSuchSource, _no_such_source)
    app.add_exception_handler(FaultRefused, _refused)

    @app.get("/admin/faults")
    def faults() -> dict[str, Any]:
        """The faults set, by source, and the kinds that there are."""
        return {
            "faults": board.listing(),
            "kinds": {kind: list(options) for kind, options in OPTIONS.items()},
        }

    @app.put("/admin/faults/{source}")
    async def put(source: str, request: Request) -> dict[str, Any]:
        """Set the fault of a source in place of the one before."""
        _known(source)
        fault = read_fault(_body(await request.body()))
        check(fault, source)
        board.put(source, fault)
        return {source: board.listing()[source]}

    @app.delete("/admin/faults")
    def clear_all() -> dict[str, Any]:
        """Take back all faults."""
        return {"cleared": board.clear()}

    @app.delete("/admin/faults/{source}")
    def clear(source: str) -> dict[str, Any]:
        """Take back the fault of a source; nothing happens if it has none."""
        _known(source)
        return {"cleared": board.clear(source)}


def _known(source: str) -> None:
    if source not in SOURCES:
        raise NoSuchSource(f"there is no source {source!r}; there are {', '.join(SOURCES)}")


def _body(raw: bytes) -> dict[str, Any]:
    example = 'send JSON like {"kind": "html", "count": 2}'
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise FaultRefused([f"the body is not JSON ({error}); {example}"]) from error
    if not isinstance(body, dict):
        raise FaultRefused([f"the body is no JSON object; {example}"])
    return body


def _no_such_source(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=404)


def _refused(request: Request, error: Exception) -> Response:
    problems = error.problems if isinstance(error, FaultRefused) else [str(error)]
    return JSONResponse({"error": str(error), "problems": problems}, status_code=422)
