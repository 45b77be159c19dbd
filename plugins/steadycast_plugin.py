"""What Airflow's web UI gets from Steadycast: Data Docs of each run and task, and the published forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import steadycast_listener
from airflow.plugins_manager import AirflowPlugin
from steadycast_runtime.one_writer import OneWriter, on_sqlite

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/steadycast"


class BuiltOnFirstRequest:
    """The pages' application, imported when somebody opens one.

    Every task and every parse of a DAG file loads the plugins; only the API server serves pages, and only
    there the seconds for its imports are well spent.
    """

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request as the application does."""
        if self.app is None:
            from steadycast_ui.app import create_app

            self.app = create_app(PREFIX)
        await self.app(scope, receive, send)


class SteadycastPlugin(AirflowPlugin):
    """Registers the pages under ``/steadycast`` and their places in the UI."""

    name = "steadycast"
    fastapi_apps: list[Any] = [  # noqa: RUF012 Airflow's own declaration
        {"app": BuiltOnFirstRequest(), "url_prefix": PREFIX, "name": "Steadycast"}
    ]
    fastapi_root_middlewares: list[Any] = (
        [{"middleware": OneWriter, "name": "One writer at a time"}] if on_sqlite() else []
    )
    listeners: list[Any] = [steadycast_listener]  # noqa: RUF012
    external_views: list[Any] = [  # noqa: RUF012
        {"name": "Forecast", "href": f"{PREFIX}/forecast", "destination": "nav", "url_route": "forecast"},
        {
            "name": "Forecast and gates",
            "href": f"{PREFIX}/run/{{DAG_ID}}/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "forecast-and-gates",
        },
        {
            "name": "Data Docs",
            "href": f"{PREFIX}/task/{{DAG_ID}}/{{RUN_ID}}/{{TASK_ID}}/{{MAP_INDEX}}",
            "destination": "task_instance",
            "url_route": "data-docs",
        },
    ]
