"""The HTTP application: five providers' routes, the admin routes for faults, and a page for people."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import math
import re
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from sandbox.admin import add_admin
from sandbox.broken_http import Breaker
from sandbox.faults import Fault, FaultBoard
from sandbox.fred import FredError, answer, read_fred_query
from sandbox.page import page
from sandbox.providers import ROUTES, Providers, load_providers
from sandbox.query import BadQuery, read_whole, read_window

_PAGE_ROWS: Final = 1000
_MOST_PAGE_ROWS: Final = 10_000
_CURSOR_ROWS: Final = 500


def create_app(data: Path) -> FastAPI:
    """Build the application on a data folder.

    Raises:
        DataMissing: the folder lacks a file.
    """
    app = FastAPI(title="Steadycast sandbox", redoc_url=None)
    providers = load_providers(data)
    board = FaultBoard()
    app.state.closing = asyncio.Event()
    app.add_middleware(
        Breaker,
        board=board,
        sources={route: name for name, route in ROUTES.items()},
        closing=app.state.closing,
    )
    app.add_exception_handler(BadQuery, _refuse_query)
    app.add_exception_handler(FredError, _refuse_fred)
    _add_json_tables(app, providers)
    _add_csv_tables(app, providers)
    _add_fred(app, providers)
    add_admin(app, board, providers.check)

    @app.get("/health")
    def health() -> dict[str, Any]:
        """Is it up, and what does it serve?"""
        return {"status": "ok", "sources": providers.describe()}

    @app.get("/", include_in_schema=False)
    def front_page(request: Request) -> HTMLResponse:
        """What people see."""
        address = str(request.base_url).rstrip("/")
        return HTMLResponse(page(address, providers.describe(), board.listing()))

    return app


def _fault(request: Request) -> Fault | None:
    """The fault of data that the middleware noted for this request."""
    fault: Fault | None = getattr(request.state, "fault", None)
    return fault


def _refuse_query(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error), "route": request.url.path}, status_code=422)


def _refuse_fred(request: Request, error: Exception) -> Response:
    return JSONResponse({"error_code": 400, "error_message": str(error)}, status_code=400)


def _add_json_tables(app: FastAPI, providers: Providers) -> None:
    @app.get(ROUTES["ridership"])
    def ridership(request: Request) -> dict[str, Any]:
        """Daily entries by station in thousands, page by page."""
        query = request.query_params
        window = read_window(query, extra=("page", "per_page"))
        per_page = read_whole(query, "per_page", _PAGE_ROWS, most=_MOST_PAGE_ROWS)
        page = read_whole(query, "page", 1, most=10**6)
        rows = providers.rows("ridership", window, _fault(request))
        pages = max(1, math.ceil(len(rows) / per_page))
        return {"data": rows[(page - 1) * per_page : page * per_page], "page": page, "pages": pages}

    @app.get(ROUTES["weather_a"])
    def weather_a(request: Request) -> dict[str, Any]:
        """Daily weather in US units, with a cursor to what follows."""
        window = read_window(request.query_params, extra=("cursor",))
        begin = _read_cursor(request.query_params.get("cursor", ""))
        rows = providers.rows("weather_a", window, _fault(request))
        end = begin + _CURSOR_ROWS
        return {"observations": rows[begin:end], "next_cursor": _cursor(end) if end < len(rows) else None}


def _add_csv_tables(app: FastAPI, providers: Providers) -> None:
    @app.get(ROUTES["weather_b"])
    def weather_b(request: Request) -> Response:
        """Daily weather of the second provider."""
        return _csv(request, providers, "weather_b")

    @app.get(ROUTES["fuel"])
    def fuel(request: Request) -> Response:
        """Weekly petrol price."""
        return _csv(request, providers, "fuel")


def _add_fred(app: FastAPI, providers: Providers) -> None:
    @app.get(ROUTES["government"])
    def fred(request: Request) -> dict[str, Any]:
        """US macro series in FRED's format."""
        query = read_fred_query(request.query_params, today=providers.vintages.newest)
        return answer(query, providers.observations(query, _fault(request)))


def _csv(request: Request, providers: Providers, source: str) -> Response:
    rows = providers.rows(source, read_window(request.query_params), _fault(request))
    fields = list(rows[0]) if rows else list(providers.tables[source].fields)
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return Response(text.getvalue(), media_type="text/csv")


def _cursor(begin: int) -> str:
    return base64.urlsafe_b64encode(f"row:{begin}".encode()).decode().rstrip("=")


def _read_cursor(text: str) -> int:
    if not text:
        return 0
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError as error:
        raise BadQuery(f"cursor={text!r} is not one that this provider gave out") from error
    found = re.fullmatch(r"row:(\d{1,9})", plain)
    if not found:
        raise BadQuery(f"cursor={text!r} is not one that this provider gave out")
    return int(found[1])
