"""One run of a DAG through Airflow's REST API: asynchronous, for the triggerer; every call is bounded."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

if TYPE_CHECKING:
    from steadycast.sources import Connection

TIMEOUT_S = 15.0
PAGE = 100
LONGEST_NOTE = 1000
"""Characters that Airflow takes for a note."""


class ApiFailure(Exception):
    """Airflow did not answer, or refused; the text says what."""


class ApiRefusal(ApiFailure):
    """Airflow answered that it did not do it."""


class RunApi:
    """Reads and changes the task instances of one run; logs in when it has to.

    Args:
        connection: address of the API server, user and password.
        dag_id: the DAG.
        run_id: the run.

    Raises (all calls):
        ApiFailure: no answer within ``TIMEOUT_S``, or a refusal.
    """

    def __init__(self, connection: Connection, dag_id: str, run_id: str) -> None:
        self._login = {"username": connection.login or "", "password": connection.password or ""}
        self._http = httpx.AsyncClient(base_url=connection.address, timeout=TIMEOUT_S, trust_env=False)
        self._dag = f"/api/v2/dags/{quote(dag_id, safe='')}"
        self._run = f"{self._dag}/dagRuns/{quote(run_id, safe='')}"
        self._dag_id, self._run_id = dag_id, run_id

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def run(self) -> dict[str, Any]:
        """Airflow's record of the run."""
        found: dict[str, Any] = await self._call("GET", self._run)
        return found

    async def task_instances(self) -> list[dict[str, Any]]:
        """Airflow's records of the run's task instances."""
        return await self._pages(f"{self._run}/taskInstances", "task_instances")

    async def usual_s(self, runs: int) -> dict[str, list[float]]:
        """Task: seconds that it took in each of the last successful runs, the slowest of a mapped one."""
        params = {"state": "success", "order_by": "-id", "limit": runs}
        last = (await self._call("GET", f"{self._dag}/dagRuns", params=params))["dag_runs"]
        taken: dict[tuple[str, str], float] = {}
        for run in last:
            path = f"{self._dag}/dagRuns/{quote(run['dag_run_id'], safe='')}/taskInstances"
            for record in await self._pages(path, "task_instances"):
                if record["state"] == "success" and record["duration"] is not None:
                    key = record["task_id"], run["dag_run_id"]
                    taken[key] = max(taken.get(key, 0.0), float(record["duration"]))
        usual: dict[str, list[float]] = {}
        for (task, _), seconds in taken.items():
            usual.setdefault(task, []).append(seconds)
        return usual

    async def stored(self, task: str, map_index: int, key: str) -> dict[str, Any] | None:
        """A value of a task's state store with its ``updated_at``; None if there is none."""
        path = f"{self._task(task)}/state-store/{key}"
        answer = await self._send("GET", path, params={"map_index": map_index})
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found: dict[str, Any] = _json(answer)
        return found

    async def store(self, task: str, key: str, value: object) -> None:
        """Write a value into the state store of an unmapped task."""
        await self._call("PUT", f"{self._task(task)}/state-store/{key}", json={"value": value})

    async def clear(self, task: str, map_index: int, *, only_running: bool, note: str) -> int:
        """Let a task instance run again; a running one is killed first. Returns how many were cleared.

        Args:
            task: task id.
            map_index: -1 if it is not mapped.
            only_running: leave it alone unless it runs; else it is cleared in whatever state it is.
            note: shown with the task instance in the web UI.
        """
        body = {
            "dry_run": False,
            "only_failed": False,
            "only_running": only_running,
            # the run is running: it needs no reset, which would look like a person's
            "reset_dag_runs": False,
            "dag_run_id": self._run_id,
            "task_ids": [task if map_index < 0 else [task, map_index]],
            "note": note[:LONGEST_NOTE],
        }
        return int((await self._call("POST", f"{self._dag}/clearTaskInstances", json=body))["total_entries"])

    async def fail(self, task: str, map_index: int, *, note: str) -> None:
        """Set a task instance to failed; a running one is killed."""
        mapped = "" if map_index < 0 else f"/{map_index}"
        body = {"new_state": "failed", "note": note[:LONGEST_NOTE]}
        await self._call("PATCH", f"{self._task(task)}{mapped}", json=body)

    def _task(self, task: str) -> str:
        return f"{self._run}/taskInstances/{quote(task, safe='')}"

    async def _pages(self, path: str, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = await self._call("GET", path, params={"limit": PAGE, "offset": len(found)})
            found += page[key]
            if len(page[key]) < PAGE:
                return found

    async def _call(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 as the API answers
        return _json(await self._send(method, path, **options))

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
        if "Authorization" not in self._http.headers:
            await self._log_in()
        answer = await self._request(method, path, **options)
        # a token that was made before the clock was set back is forbidden until the clock has caught up
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            await self._log_in()
            answer = await self._request(method, path, **options)
        return answer

    async def _log_in(self) -> None:
        self._http.headers.pop("Authorization", None)
        told = _json(await self._request("POST", "/auth/token", json=self._login))
        self._http.headers["Authorization"] = f"Bearer {told['access_token']}"

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
        try:
            return await self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise ApiFailure(f"{method} {path}: {error!r}") from error


def moment(text: str | None) -> dt.datetime | None:
    """An aware moment of the API's text."""
    if text is None:
        return None
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _json(answer: httpx.Response) -> Any:  # noqa: ANN401 as the API answers
    if answer.is_error:
        request = answer.request
        raise ApiRefusal(f"{request.method} {request.url.path}: {answer.status_code} {answer.text[:200]}")
    try:
        return answer.json() if answer.content else None
    except ValueError as error:
        raise ApiFailure(f"{answer.request.url.path}: the answer is no JSON") from error
