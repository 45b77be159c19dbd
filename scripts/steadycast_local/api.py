"""The part of Airflow's REST API that the launcher and the tests need."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

ENDED = {"success", "failed"}
TASK_DONE = {"success", "skipped"}
TASK_FAILED = {"failed", "upstream_failed"}
RETRY_AFTER_S = (1, 3, 10)


class ApiError(Exception):
    """Airflow refused a request; ``status`` is the HTTP status, 0 if there was no answer."""

    def __init__(self, what: str, status: int = 0) -> None:
        self.status = status
        super().__init__(what)


@dataclass(frozen=True)
class Run:
    """One run of a DAG."""

    dag: str
    id: str
    week: str | None
    state: str

    @property
    def ended(self) -> bool:
        """Is the run over, well or not?"""
        return self.state in ENDED

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Run:
        """From the API's record."""
        return cls(record["dag_id"], record["dag_run_id"], record.get("partition_key"), record["state"])


@dataclass(frozen=True)
class Task:
    """One task instance; ``map_index`` is -1 if the task is not mapped."""

    id: str
    map_index: int
    state: str | None
    label: str
    tries: int
    started: str | None
    seconds: float | None


class AirflowApi:
    """A logged-in client. Logs in again by itself when its token has run out.

    Raises (all calls):
        ApiError: Airflow refused, or did not answer.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._login = {"username": user, "password": password}
        self._http = httpx.Client(base_url=url, timeout=90, trust_env=False)

    def __enter__(self) -> AirflowApi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def health(self) -> dict[str, str | None]:
        """State of each of Airflow's components as their heartbeats tell; needs no login."""
        answer = self._request("GET", "/api/v2/monitor/health")
        return {name: (part or {}).get("status") for name, part in answer.json().items()}

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One request below /api/v2; returns the JSON of the answer, None if it is empty."""
        if "Authorization" not in self._http.headers:
            self._log_in()
        answer = self._send(method, f"/api/v2{path}", **options)
        # a token that was made before the clock was set back is forbidden until the clock has caught up
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            self._log_in()
            answer = self._send(method, f"/api/v2{path}", **options)
        if answer.is_error:
            raise ApiError(f"{method} {path}: {answer.status_code} {answer.text[:500]}", answer.status_code)
        return answer.json() if answer.content else None

    def has_dag(self, dag: str) -> bool:
        """Has the DAG been read and is it ready to run?"""
        try:
            return not self.call("GET", f"/dags/{dag}")["is_stale"]
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return False
            raise

    def import_errors(self) -> list[str]:
        """What keeps DAG files from being read: file and trace."""
        return [
            f"{e['filename']}\n{e['stack_trace']}" for e in self.call("GET", "/importErrors")["import_errors"]
        ]

    def trigger(self, dag: str, week: str, conf: Mapping[str, Any] | None = None) -> Run:
        """Start a run for the week with this Monday."""
        body = {"logical_date": None, "partition_key": week, "conf": dict(conf or {})}
        return Run.of(self.call("POST", f"/dags/{dag}/dagRuns", json=body))

    def run(self, run: Run) -> Run:
        """The run as it is now."""
        return Run.of(self.call("GET", self._path(run)))

    def runs(self, dag: str) -> list[Run]:
        """All runs, oldest first."""
        return [Run.of(record) for record in self._pages(f"/dags/{dag}/dagRuns", "dag_runs", order_by="id")]

    def tasks(self, run: Run) -> list[Task]:
        """All task instances of a run."""
        return [
            Task(
                id=record["task_id"],
                map_index=record["map_index"],
                state=record["state"],
                label=str(record.get("rendered_map_index") or record["task_id"]),
                tries=record["try_number"],
                started=record["start_date"],
                seconds=record["duration"],
            )
            for record in self._pages(f"{self._path(run)}/taskInstances", "task_instances")
        ]

    def log(self, run: Run, task: Task) -> list[str]:
        """The log lines of a task's last try."""
        path = f"{self._path(run)}/taskInstances/{quote(task.id, safe='')}/logs/{max(task.tries, 1)}"
        answer = self.call("GET", path, params={"map_index": task.map_index, "full_content": True})
        return [_log_line(entry) for entry in answer["content"]]

    def clear_failed(self, run: Run) -> None:
        """Let the failed tasks of a run, and all after them, run again."""
        body = {"dry_run": False, "only_failed": True, "only_running": False, "dag_run_id": run.id}
        self.call("POST", f"/dags/{run.dag}/clearTaskInstances", json=body)

    def backfill(self, dag: str, first_week: str, last_week: str) -> int:
        """Run the weeks of the range that have no run yet, one after another; returns the backfill's id."""
        body = {
            "dag_id": dag,
            "from_date": f"{first_week}T00:00:00Z",
            "to_date": f"{last_week}T23:59:59Z",
            "max_active_runs": 1,
            "reprocess_behavior": "none",
        }
        return int(self.call("POST", "/backfills", json=body)["id"])

    def open_backfills(self, dag: str) -> list[int]:
        """Backfills of the DAG that have not ended."""
        listed = self.call("GET", "/backfills", params={"dag_id": dag, "limit": 100})["backfills"]
        return [int(b["id"]) for b in listed if b["completed_at"] is None]

    def wait(self, run: Run, *, timeout_s: float = 300, on_poll: Callable[[Run], None] | None = None) -> Run:
        """Wait until a run has ended; ``on_poll`` is called about every second.

        Raises:
            ApiError: it has not ended in time.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            now = self.run(run)
            if on_poll:
                on_poll(now)
            if now.ended:
                return now
            if time.monotonic() > deadline:
                raise ApiError(f"{run.dag} {run.week} is still {now.state} after {timeout_s:.0f} s")
            time.sleep(1)

    def run_page(self, run: Run) -> str:
        """Address of the run in the web UI."""
        return f"{self.url}/dags/{run.dag}/runs/{quote(run.id, safe='')}"

    def _pages(self, path: str, key: str, **params: Any) -> Iterator[dict[str, Any]]:
        seen = 0
        while True:
            page = self.call("GET", path, params=params | {"limit": 100, "offset": seen})
            yield from page[key]
            seen += len(page[key])
            if not page[key] or seen >= page["total_entries"]:
                return

    def _path(self, run: Run) -> str:
        return f"/dags/{run.dag}/dagRuns/{quote(run.id, safe='')}"

    def _log_in(self) -> None:
        answer = self._send("POST", "/auth/token", json=self._login)
        if answer.is_error:
            raise ApiError(f"log-in as {self._login['username']}: {answer.status_code}", answer.status_code)
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request; reading is tried again, since a busy server may be slow or just being restarted."""
        for wait_s in RETRY_AFTER_S if method == "GET" else ():
            try:
                return self._request(method, path, **options)
            except ApiError:
                time.sleep(wait_s)
        return self._request(method, path, **options)

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise ApiError(f"{method} {path}: {error!r}") from error


def _log_line(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    details = "".join(f"\n{d.get('exc_type')}: {d.get('exc_value')}" for d in entry.get("error_detail") or [])
    return f"{entry.get('event', '')}{details}"
