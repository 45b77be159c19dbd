"""The part of Airflow's REST API that the watchdog needs; every call ends within its time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx

from watchdog.seen import Run

TIMEOUT_S = 15.0
PAGE = 100
MOST_PAGES = 20
AGAIN = "again__"
"""Begins the name of a run that replaces another; the rest is the other's."""


class Unreachable(Exception):
    """Airflow did not answer, or refused; the text says what."""


@dataclass(frozen=True)
class Health:
    """What the health endpoint says: heartbeats by its own names, the database's trouble, the clock."""

    heartbeats: Mapping[str, dt.datetime | None]
    database: str | None
    at: dt.datetime | None = None


class Airflow:
    """A client that logs in when it has to.

    Args:
        url: address of the API server.
        user: who logs in.
        password: asked for at each log-in, since the file that holds it may come later.

    Raises (all calls):
        Unreachable: no answer, or a refusal.
    """

    def __init__(
        self, url: str, user: str, password: Callable[[], str], timeout_s: float = TIMEOUT_S
    ) -> None:
        self._user = user
        self._password = password
        self._http = httpx.Client(base_url=url, timeout=timeout_s, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def health(self) -> Health:
        """Heartbeats and the database's state; needs no log-in."""
        answer = self._send("GET", "/api/v2/monitor/health")
        told = _json(answer)
        try:
            parts = {name: part or {} for name, part in told.items()}
            beats = {
                name: _moment(part.get(f"latest_{name}_heartbeat"))
                for name, part in parts.items()
                if name != "metadatabase"
            }
            state = parts["metadatabase"]["status"]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Unreachable(f"the health endpoint's answer is not Airflow's: {error!r}") from error
        return Health(beats, None if state == "healthy" else str(state), _clock(answer))

    def paused(self, dag: str) -> bool:
        """Is the DAG paused?"""
        return bool(self._call("GET", f"/api/v2/dags/{dag}")["is_paused"])

    def run_states(self, dag: str, week: dt.date) -> tuple[str, ...]:
        """States of the runs of a week, oldest first."""
        states: list[str] = []
        for page in range(MOST_PAGES):
            params = {"limit": PAGE, "offset": PAGE * page, "order_by": "-id"}
            runs = self._call("GET", f"/api/v2/dags/{dag}/dagRuns", params=params)["dag_runs"]
            states += [run["state"] for run in runs if run.get("partition_key") == str(week)]
            if len(runs) < PAGE:
                break
        return tuple(reversed(states))

    def create_run(self, dag: str, week: dt.date) -> bool:
        """Create the week's run; False if an earlier call has done it. Its name makes it one at most."""
        body: dict[str, Any] = {
            "dag_run_id": f"watchdog__{week}",
            "logical_date": None,
            "partition_key": str(week),
            "conf": {},
            "note": "created by the watchdog, because the trigger had not fired",
        }
        return self._create(dag, body)

    def running(self, dag: str) -> tuple[Run, ...]:
        """The runs that go on, the newest first."""
        params = {"state": "running", "limit": PAGE, "order_by": "-id"}
        runs = self._call("GET", f"/api/v2/dags/{dag}/dagRuns", params=params)["dag_runs"]
        told = [(run["dag_run_id"], run.get("partition_key"), _moment(run["run_after"])) for run in runs]
        return tuple(Run(name, week, after) for name, week, after in told if week and after)

    def begin_again(self, dag: str, run: str, why: str) -> bool:
        """End a run as failed, after creating one of the same week in its place; False if that is done.

        The new one's name tells which one it replaces, so that there is one at most.
        """
        path, again = f"/api/v2/dags/{dag}/dagRuns/{quote(run, safe='')}", f"{AGAIN}{run}"
        old = self._call("GET", path)
        body = {name: old[name] for name in ("logical_date", "partition_key", "conf")}
        note = f"created by the watchdog in place of {run}: {why}"
        created = self._create(dag, {**body, "dag_run_id": again, "note": note})
        if old["state"] == "running":
            change = {"state": "failed", "note": f"ended by the watchdog: {why}; {again} replaces it"}
            self._call("PATCH", path, json=change)
        return created

    def _create(self, dag: str, body: Mapping[str, Any]) -> bool:
        """Create a run; False if there is one of that name."""
        try:
            self._call("POST", f"/api/v2/dags/{dag}/dagRuns", json=body)
        except Unreachable as error:
            answer = getattr(error.__cause__, "response", None)
            if answer is not None and answer.status_code == httpx.codes.CONFLICT:
                return False
            raise
        return True

    def _call(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 as the API answers
        if "Authorization" not in self._http.headers:
            self._log_in()
        answer = self._send(method, path, **options)
        # a token that was made before the clock was set back is forbidden until the clock has caught up
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            self._log_in()
            answer = self._send(method, path, **options)
        return _json(answer)

    def _log_in(self) -> None:
        self._http.headers.pop("Authorization", None)
        try:
            login = {"username": self._user, "password": self._password()}
        except (OSError, KeyError, ValueError) as error:
            raise Unreachable(f"the password of {self._user} can not be read: {error!r}") from error
        told = _json(self._send("POST", "/auth/token", json=login))
        self._http.headers["Authorization"] = f"Bearer {told['access_token']}"

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
        try:
            return self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise Unreachable(f"{method} {path}: {error!r}") from error


def _json(answer: httpx.Response) -> Any:  # noqa: ANN401
    try:
        answer.raise_for_status()
        return answer.json()
    except httpx.HTTPStatusError as error:
        request = answer.request
        raise Unreachable(
            f"{request.method} {request.url.path}: {answer.status_code} {answer.text[:200]}"
        ) from error
    except json.JSONDecodeError as error:
        raise Unreachable(f"{answer.request.url.path}: the answer is no JSON") from error


def _clock(answer: httpx.Response) -> dt.datetime | None:
    """What the clock of the answering machine said; heartbeats do not tell it after it was set back."""
    try:
        return parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return None


def _moment(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
