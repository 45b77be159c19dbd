"""The HTTP application: five providers' routes, the admin routes for faults, and a page for people."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from sandbox.fred import FredError, FredQuery, answer, observations, read_fred_query
from sandbox.query import BadQuery, WindowQuery, read_whole, read_window
from sandbox.tables import Row, Table, load_tables
from sandbox.vintages import Vintages, load_vintages

ROUTES: Final = {
    "ridership": "/ridership/daily",
    "weather_a": "/weather_a/daily",
    "weather_b": "/weather_b/daily.csv",
    "fuel": "/fuel/weekly.csv",
    "government": "/fred/series/observations",
}
_PAGE_ROWS: Final = 1000
_MOST_PAGE_ROWS: Final = 10_000
_CURSOR_ROWS: Final = 500


@dataclass(frozen=True)
class Providers:
    """What the sandbox serves, and whether it is closing."""

    tables: dict[str, Table]
    vintages: Vintages
    closing: asyncio.Event

    def rows(self, source: str, window: WindowQuery, request: Request) -> list[Row]:
        """The rows that the provider shows for a window."""
        table = self.tables[source]
        until = table.visible_until(window.as_of)
        end = min(window.end.isoformat(), until) if window.end else until
        return table.window(window.start.isoformat() if window.start else "", end)

    def observations(self, query: FredQuery, request: Request) -> list[dict[str, Any]]:
        """The observations that the provider shows for a FRED request."""
        return observations(self.vintages, query)


def create_app(data: Path) -> FastAPI:
    """Build the application on a data folder.

    Raises:
        DataMissing: the folder lacks a file.
    """
    app = FastAPI(title="Steadycast sandbox", docs_url="/docs", redoc_url=None)
    app.state.providers = providers = Providers(load_tables(data), load_vintages(data), asyncio.Event())
    app.add_exception_handler(BadQuery, _refuse_query)
    app.add_exception_handler(FredError, _refuse_fred)
    _add_tables(app, providers)
    _add_fred(app, providers)

    @app.get("/health")
    def health() -> dict[str, Any]:
        """Is it up, and what does it serve?"""
        return {"status": "ok", "sources": describe(providers)}

    return app


def describe(providers: Providers) -> dict[str, dict[str, Any]]:
    """Route, rows, first and last date of every source."""
    found: dict[str, dict[str, Any]] = {
        name: {
            "route": ROUTES[name],
            "rows": len(table.rows),
            "first": table.dates[0],
            "last": table.dates[-1],
        }
        for name, table in providers.tables.items()
    }
    periods = [period for series in providers.vintages.series.values() for period in series.recorded]
    found["government"] = {
        "route": ROUTES["government"],
        "rows": len(periods),
        "first": min(periods).isoformat(),
        "last": max(periods).isoformat(),
    }
    return found


def _refuse_query(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error), "route": request.url.path}, status_code=422)


def _refuse_fred(request: Request, error: Exception) -> Response:
    return JSONResponse({"error_code": 400, "error_message": str(error)}, status_code=400)


def _add_tables(app: FastAPI, providers: Providers) -> None:
    @app.get(ROUTES["ridership"])
    def ridership(request: Request) -> dict[str, Any]:
        """Daily entries by station in thousands, page by page."""
        query = request.query_params
        window = read_window(query, extra=("page", "per_page"))
        per_page = read_whole(query, "per_page", _PAGE_ROWS, most=_MOST_PAGE_ROWS)
        page = read_whole(query, "page", 1, most=10**6)
        rows = providers.rows("ridership", window, request)
        pages = max(1, math.ceil(len(rows) / per_page))
        return {"data": rows[(page - 1) * per_page : page * per_page], "page": page, "pages": pages}

    @app.get(ROUTES["weather_a"])
    def weather_a(request: Request) -> dict[str, Any]:
        """Daily weather in US units, with a cursor to what follows."""
        window = read_window(request.query_params, extra=("cursor",))
        begin = _read_cursor(request.query_params.get("cursor", ""))
        rows = providers.rows("weather_a", window, request)
        end = begin + _CURSOR_ROWS
        return {"observations": rows[begin:end], "next_cursor": _cursor(end) if end < len(rows) else None}

    @app.get(ROUTES["weather_b"])
    def weather_b(request: Request) -> Response:
        """Daily weather of the second provider as CSV."""
        return _csv(
            providers.tables["weather_b"],
            providers.rows("weather_b", read_window(request.query_params), request),
        )

    @app.get(ROUTES["fuel"])
    def fuel(request: Request) -> Response:
        """Weekly petrol price as CSV."""
        return _csv(
            providers.tables["fuel"], providers.rows("fuel", read_window(request.query_params), request)
        )


def _add_fred(app: FastAPI, providers: Providers) -> None:
    @app.get(ROUTES["government"])
    def fred(request: Request) -> dict[str, Any]:
        """US macro series in FRED's format."""
        query = read_fred_query(request.query_params, today=providers.vintages.newest)
        return answer(query, providers.observations(query, request))


def _csv(table: Table, rows: list[Row]) -> Response:
    fields = list(rows[0]) if rows else list(table.fields)
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return PlainTextResponse(text.getvalue(), media_type="text/csv")


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
