"""The lake, as the watchdog needs it: what is published, a fallback for what is not, and are alerts sent."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from steadycast.alerts import Event, mutes
from steadycast.alerts.deliverer import STATUS
from steadycast.alerts.ledger import Journal
from steadycast.alerts.planning import plan
from steadycast.alerts.telling import tell
from steadycast.errors import ArtefactMissing, SteadycastError
from steadycast.lake import open_lake
from steadycast.publication import standing
from steadycast.settings import Settings

log = logging.getLogger(__name__)

TIMEOUT_S = 300.0
LAKE_CONNECTION = "AIRFLOW_CONN_LAKE"


class NoFallback(Exception):
    """The fallback could not be published; the text says why."""


class Store:
    """Reads the lake here, and publishes in a child process, which can be killed if it hangs.

    Args:
        url: of the lake.
        settings: pipeline.yaml.
        environ: holds the lake's credential: AIRFLOW_CONN_LAKE as JSON, or AWS' own variables.
    """

    def __init__(self, url: str, settings: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._url, self._settings = url, settings
        given = _credential(environ) if url.startswith("s3://") else {}
        self._lake = open_lake(url, **given)
        self._journal = Journal(self._lake)
        self._env = dict(environ) | {
            name: value
            for name, value in (
                ("AWS_ENDPOINT_URL", given.get("endpoint_url")),
                ("AWS_ACCESS_KEY_ID", given.get("access_key")),
                ("AWS_SECRET_ACCESS_KEY", given.get("secret_key")),
                ("AWS_DEFAULT_REGION", given.get("region")),
            )
            if value
        }

    def verdict(self, week: dt.date) -> str:
        """Verdict of the week's publication; "" if there is none."""
        manifest = standing(self._lake, week)
        return "" if manifest is None else str(manifest.get("verdict") or "published")

    def alerts(self, settings: Settings, now: dt.datetime) -> tuple[dt.datetime | None, list[str] | None]:
        """Last sign of life of whoever sends the alerts, and titles of those that reached nobody in time.

        None for both if nobody has ever sent alerts from this lake.

        Raises:
            LakeError: it can not be known.
        """
        try:
            beat = dt.datetime.fromisoformat(self._lake.read_json(STATUS)["at"])
        except ArtefactMissing:
            return None, None
        rules = settings.alerts
        quiet = [*rules.mutes, *mutes.every(self._lake)]
        found = plan(self._journal.read(), rules, quiet, now, settings.schedule.timezone)
        late = dt.timedelta(minutes=rules.deadline_min)
        return beat, [posted.event.title for posted in found.unsent if now - posted.at > late]

    def tell(self, before: Mapping[str, str], after: Mapping[str, str], now: dt.datetime) -> None:
        """Leave problems that are open, and the ends of those that were, in the outbox of the alerts.

        Args:
            before: problems of the look before, by key.
            after: problems of this look.
            now: an aware moment.
        """
        ended = [_event(key, text, ended=True) for key, text in before.items() if key not in after]
        begun = [_event(key, text) for key, text in after.items() if key not in before]
        try:
            tell(self._lake, [*begun, *ended], now)
        except SteadycastError as error:
            log.error("the outbox could not be told: %s", error)

    def publish_fallback(self, week: dt.date, reason: str, timeout_s: float = TIMEOUT_S) -> str:
        """Publish the week's fallback unless the week is published; returns what it is.

        Raises:
            NoFallback: nothing is known to make one from, or it did not end in time.
        """
        command = [sys.executable, "-m", "steadycast.fallback", "--lake", self._url]
        command += ["--settings", str(self._settings), "--week", str(week), "--reason", reason]
        child = subprocess.Popen(  # noqa: S603 our own command
            command, env=self._env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            said, trouble = child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            raise NoFallback(f"the fallback of {week} did not end within {timeout_s:.0f} s") from None
        if child.returncode:
            raise NoFallback(f"the fallback of {week} could not be published: {trouble.strip()[-500:]}")
        return said.strip()


def _event(key: str, text: str, *, ended: bool = False) -> Event:
    # a week without its forecast is one thing, whoever tells of it
    week = key.removeprefix("publication ")
    return Event(
        "watchdog", "failure", f"fallback/{week}" if week != key else f"watchdog/{key}",
        f"watchdog: {text}", text,
        next="" if ended else "see the runbook, `The watchdog says`", resolves=ended,
    )  # fmt: skip


def _credential(environ: Mapping[str, str]) -> dict[str, str]:
    text = environ.get(LAKE_CONNECTION)
    if not text:
        return {}
    told = json.loads(text)
    extra = told.get("extra") or {}
    found = {
        "endpoint_url": extra.get("endpoint_url"),
        "access_key": told.get("login"),
        "secret_key": told.get("password"),
        "region": extra.get("region_name"),
    }
    return {name: value for name, value in found.items() if value}
