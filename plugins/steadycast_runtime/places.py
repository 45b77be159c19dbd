"""Where things are on this installation: settings, lake, checkout."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadycast.settings import Settings, load
from steadycast_runtime.connections import storage_arguments

if TYPE_CHECKING:
    from steadycast.lake import Lake

PROJECT = Path(__file__).resolve().parents[2]


def settings() -> Settings:
    """The settings file, from STEADYCAST_SETTINGS or the project's own place.

    Raises:
        SettingsError: the file has mistakes; in a DAG file this becomes the import error that the UI shows.
    """
    return load(Path(os.environ.get("STEADYCAST_SETTINGS") or PROJECT / "include/config/pipeline.yaml"))


def lake() -> Lake:
    """The lake that STEADYCAST_LAKE names."""
    from steadycast.lake import open_lake

    url, storage = lake_arguments()
    return open_lake(url, **storage)


def lake_arguments() -> tuple[str, dict[str, Any]]:
    """Address of the lake and further arguments of ``open_lake``, for a process that opens it itself.

    The credential for S3 is the Airflow connection that STEADYCAST_LAKE_CONNECTION names, or ``lake``.
    """
    url = os.environ.get("STEADYCAST_LAKE") or str(PROJECT / ".steadycast/lake")
    if not url.startswith("s3://"):
        return url, {}
    return url, storage_arguments(os.environ.get("STEADYCAST_LAKE_CONNECTION") or "lake")


def git_commit() -> str:
    """The commit that a model is recorded with: STEADYCAST_GIT_COMMIT, else the checkout's own."""
    if given := os.environ.get("STEADYCAST_GIT_COMMIT"):
        return given
    try:
        asked = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],  # noqa: S607 git is on PATH or absent
            cwd=PROJECT, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return "unversioned"
    return asked.stdout.strip()
