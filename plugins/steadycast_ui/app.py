"""Pages under ``/steadycast``: the published forecast, and the gates' Data Docs of a week.

Nobody sees them without logging in: Airflow does not protect a plugin's routes by itself.
"""

from __future__ import annotations

import datetime as dt
import mimetypes
from pathlib import PurePosixPath
from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import requires_access_dag, requires_access_view
from airflow.models import DagRun, TaskInstance
from fastapi import Depends, FastAPI, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy import select

from steadycast.errors import ArtefactMissing, SteadycastError
from steadycast_ui import pages

Week = Annotated[str, Path(pattern=r"^\d{4}-\d{2}-\d{2}$", description="The week's Monday.")]
Gate = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="A source, or check_forecast.")]
NO_SCRIPTS = (
    "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "style-src 'self' 'unsafe-inline' https:; font-src 'self' data: https:; img-src 'self' data:"
)
"""Data Docs and messages show texts that a provider sent: a script among them must not run as the reader."""


def create_app(prefix: str) -> FastAPI:
    """The application that Airflow mounts under the prefix."""
    app = FastAPI(
        title="Steadycast",
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(requires_access_view(AccessView.PLUGINS))],
    )
    app.add_exception_handler(SteadycastError, _told)
    app.middleware("http")(_no_scripts)
    _add_forecast(app, prefix)
    _add_gates(app, prefix)
    _add_audits(app)
    _add_places_in_airflow(app, prefix)
    return app


def _add_forecast(app: FastAPI, prefix: str) -> None:
    @app.get("/forecast")
    def newest(entity: Annotated[str | None, Query()] = None) -> HTMLResponse:
        """The newest published forecast."""
        return HTMLResponse(pages.forecast_page(pages.newest_week(), entity, prefix))

    @app.get("/forecast/{week}")
    def of_week(week: Week, entity: Annotated[str | None, Query()] = None) -> HTMLResponse:
        """The published forecast of a week."""
        return HTMLResponse(pages.forecast_page(week, entity, prefix))

    @app.get("/forecast/{week}/plot.png")
    def plot(week: Week, entity: Annotated[str | None, Query()] = None) -> Response:
        """Recent weeks, forecast, intervals and benchmarks: of one entity, or the published picture."""
        if entity is None:
            return Response(pages.lake().read_bytes(f"published/{week}/forecast.png"), media_type="image/png")
        from steadycast_ui.plot import entity_png

        return Response(entity_png(week, entity), media_type="image/png")

    @app.get("/forecast/{week}/why.png")
    def why(week: Week) -> Response:
        """What the forecast is made of, and what changed since last week's: the published picture."""
        return Response(pages.lake().read_bytes(f"published/{week}/why.png"), media_type="image/png")

    @app.get("/forecast/{week}/forecast.{kind}")
    def file(week: Week, kind: Annotated[str, Path(pattern=r"^(csv|parquet)$")]) -> Response:
        """The published file, byte for byte."""
        media = "text/csv; charset=utf-8" if kind == "csv" else "application/vnd.apache.parquet"
        name = f'attachment; filename="forecast-{week}.{kind}"'
        data = pages.lake().read_bytes(f"published/{week}/forecast.{kind}")
        return Response(data, media_type=media, headers={"Content-Disposition": name})


def _add_gates(app: FastAPI, prefix: str) -> None:
    @app.get("/gates/{week}")
    def gates(week: Week) -> HTMLResponse:
        """Verdicts of all gates of a week, with links to their Data Docs."""
        return HTMLResponse(pages.gates_page(week, prefix))

    @app.get("/docs/{week}/{gate}/{file:path}")
    def docs(week: Week, gate: Gate, file: str) -> Response:
        """A file of the Data Docs that Great Expectations wrote for a gate."""
        inside = PurePosixPath(file or "index.html")
        if inside.is_absolute() or ".." in inside.parts:
            raise HTTPException(404)
        media = mimetypes.guess_type(inside.name)[0] or "application/octet-stream"
        try:
            data = pages.lake().read_bytes(f"{pages.docs_folder(week, gate)}/{inside}")
        except ArtefactMissing:
            if inside.name != "index.html":
                raise
            # a source that was absent has a verdict and no Data Docs
            return RedirectResponse(f"{prefix}/gates/{week}")
        return Response(data, media_type=media)


def _add_audits(app: FastAPI) -> None:
    @app.get("/audit/{source}")
    def audit(source: Gate) -> HTMLResponse:
        """The scorecard of a candidate or a source."""
        return HTMLResponse(pages.lake().read_bytes(f"audits/{source}/scorecard.html"))


def _add_places_in_airflow(app: FastAPI, prefix: str) -> None:
    """What the tabs of a run and of a task show: frames, where nothing opens a new window."""
    may_read = Depends(requires_access_dag("GET", DagAccessEntity.RUN))

    @app.get("/run/{dag_id}/{run_id:path}", dependencies=[may_read])
    def run(dag_id: str, run_id: str, session: SessionDep) -> HTMLResponse:
        """Verdicts of a run's gates and, once it is there, its forecast."""
        return HTMLResponse(pages.run_page(_week_of_run(session, dag_id, run_id), prefix))

    @app.get("/task/{dag_id}/{run_id}/{task_id}/{map_index}", dependencies=[may_read])
    def task(dag_id: str, run_id: str, task_id: str, map_index: str, session: SessionDep) -> Response:
        """The gate's findings of a task."""
        week = _week_of_run(session, dag_id, run_id)
        if task_id == "check_forecast":
            return HTMLResponse(pages.gate_page(week, task_id, prefix))
        if task_id not in {"ingest", "validate"}:
            where = "Data Docs are at `ingest`, `validate` and `check_forecast`."
            return HTMLResponse(pages.note(f"{task_id} is no gate", where))
        if not map_index.isdigit():
            return HTMLResponse(pages.run_page(week, prefix))
        source = session.scalar(
            select(TaskInstance.rendered_map_index).where(
                TaskInstance.dag_id == dag_id,
                TaskInstance.run_id == run_id,
                TaskInstance.task_id == task_id,
                TaskInstance.map_index == int(map_index),
            )
        )
        if not source:
            return HTMLResponse(pages.note("Not run yet", "The task's Data Docs are here when it has ended."))
        return HTMLResponse(pages.gate_page(week, source.split(" ")[0], prefix))

    @app.get("/")
    def home() -> RedirectResponse:
        """The forecast."""
        return RedirectResponse(f"{prefix}/forecast")


def _week_of_run(session: SessionDep, dag_id: str, run_id: str) -> str:
    key = session.scalar(select(DagRun.partition_key).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
    try:
        return dt.date.fromisoformat(key or "").isoformat()
    except ValueError:
        raise HTTPException(404, "this run has no week: it was triggered without a partition key") from None


async def _no_scripts(request: Request, call_next) -> Response:  # noqa: ANN001 starlette names no public type
    response = await call_next(request)
    response.headers["Content-Security-Policy"] = NO_SCRIPTS
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def _told(request: Request, error: Exception) -> Response:
    status = 404 if isinstance(error, ArtefactMissing) else 500
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(pages.note("Nothing to show", str(error)), status_code=status)
    return JSONResponse({"detail": str(error)}, status_code=status)
