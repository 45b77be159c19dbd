"""The lake, as the watchdog needs it: is a week published, and a fallback for one that is not."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from steadycast.lake import open_lake
from steadycast.publication import standing

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
