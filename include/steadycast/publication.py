"""What the client reads: published forecasts, written so that a reader never sees half of one.

The files of a publication are stored under the name of their content, ``published/<week>/versions/<id>/``,
and the week's ``manifest.json`` names them with their SHA-256. It is written last and replaced whole, so that
whoever reads through it (``read_published``) gets the old publication or the new one, whenever a writer dies.
The copies beside it, ``published/<week>/forecast.csv`` and so on, are for people; ``published/latest/`` has
those of the newest week.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from steadycast import schema
from steadycast.errors import ArtefactMissing, ArtefactUnreadable, PublicationError
from steadycast.lake import Lake

PARQUET: Final = "forecast.parquet"
CSV: Final = "forecast.csv"
PLOT: Final = "forecast.png"
MANIFEST: Final = "manifest.json"
LATEST: Final = "published/latest"
FALLBACK: Final = "fallback"
"""Verdict of a publication that stands in for a forecast which was not there by its deadline."""
DECIMALS: Final = 3
"""Of values in the CSV. Parquet keeps all."""

_WEEK = re.compile(r"published/(\d{4}-\d{2}-\d{2})/manifest\.json")
_LATEST_ATTEMPTS = 5


def write_published(lake: Lake, as_of: dt.date, files: Mapping[str, bytes], facts: Mapping[str, Any]) -> str:
    """Publish a week, or publish it again; the manifest is last. Returns the manifest's path.

    Args:
        lake: where to.
        as_of: the week's Monday.
        files: name and content of each file.
        facts: what else the manifest says.
    """
    manifest = _stored(lake, as_of, files, facts)
    for name, data in sorted(files.items()):
        lake.write_bytes(f"{_folder(as_of)}/{name}", data)
    return lake.write_json(f"{_folder(as_of)}/{MANIFEST}", manifest)


def write_fallback(lake: Lake, as_of: dt.date, files: Mapping[str, bytes], facts: Mapping[str, Any]) -> str:
    """Publish a week unless it is published, by whomever, at that moment. Returns the manifest's path.

    The manifest goes first here, since taking its place is what decides between this writer and a run that
    ends just now; the copies for people follow from whichever manifest stands.

    Args:
        lake: where to.
        as_of: the week's Monday.
        files: name and content of each file.
        facts: what else the manifest says; its verdict is FALLBACK.

    Raises:
        PublicationError: other writers kept publishing this week meanwhile; what they published stands.
    """
    path = f"{_folder(as_of)}/{MANIFEST}"
    draft = lake.write_json(f"runs/{as_of}/fallback/{MANIFEST}", _stored(lake, as_of, files, facts))
    lake.write_bytes_if_absent(path, lake.read_bytes(draft))
    for _ in range(_LATEST_ATTEMPTS):
        before = lake.read_bytes(path)
        for name, stored in sorted(lake.read_json(path)["files"].items()):
            lake.write_bytes(f"{_folder(as_of)}/{name}", lake.read_bytes(stored))
        if lake.read_bytes(path) == before:
            return path
    raise PublicationError(
        f"week {as_of} was published {_LATEST_ATTEMPTS} times while its fallback was written",
        remedy="look at published/ of the week; what its manifest names is whole",
    )


def _folder(as_of: dt.date) -> str:
    return f"published/{as_of}"


def _stored(
    lake: Lake, as_of: dt.date, files: Mapping[str, bytes], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Store the files under the name of their content; returns the manifest that names them."""
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    version = hashlib.sha256(
        "\n".join(f"{name} {digest}" for name, digest in sums.items()).encode()
    ).hexdigest()
    paths = {
        name: lake.write_bytes(f"{_folder(as_of)}/versions/{version[:16]}/{name}", files[name])
        for name in sums
    }
    return {**facts, schema.AS_OF: as_of, "files": paths, "sha256": sums}


def standing(lake: Lake, as_of: dt.date) -> dict[str, Any] | None:
    """The manifest of the week's publication, a fallback or not; None if there is none."""
    path = f"{_folder(as_of)}/{MANIFEST}"
    try:
        manifest: dict[str, Any] = lake.read_json(path)
    except ArtefactMissing:
        return None
    return manifest


def sealed(lake: Lake, as_of: dt.date) -> bool:
    """Has a run published this week? A fallback does not count: the run may still come, with new polls."""
    manifest = standing(lake, as_of)
    return manifest is not None and manifest.get("verdict") != FALLBACK


def renew_latest(lake: Lake) -> dt.date:
    """Copy the newest published week to ``published/latest/``, manifest last; returns that week.

    The newest is looked up, not taken from the caller, so that a re-run of an old week changes nothing. It is
    looked up again after writing, because another week's run may have published meanwhile.

    Raises:
        PublicationError: other runs kept publishing meanwhile; the weeks themselves are published.
    """
    for _ in range(_LATEST_ATTEMPTS):
        before = _newest(lake)
        manifest = lake.read_json(f"published/{before[0]}/{MANIFEST}")
        for name, path in sorted(manifest["files"].items()):
            lake.write_bytes(f"{LATEST}/{name}", lake.read_bytes(path))
        lake.write_bytes(f"{LATEST}/{MANIFEST}", before[1])
        if _newest(lake) == before:
            return before[0]
    raise PublicationError(
        f"{LATEST} was overtaken {_LATEST_ATTEMPTS} times by other weeks that were published meanwhile",
        remedy="clear this task when the other runs have ended",
    )


def _newest(lake: Lake) -> tuple[dt.date, bytes]:
    weeks = published_weeks(lake)
    if not weeks:
        raise ArtefactMissing(f"published/<week>/{MANIFEST}", remedy="publish a week first")
    return weeks[-1], lake.read_bytes(f"published/{weeks[-1]}/{MANIFEST}")


def published_weeks(lake: Lake) -> list[dt.date]:
    """The Mondays of all published weeks, oldest first."""
    found = (_WEEK.fullmatch(path) for path in lake.list("published"))
    return sorted(dt.date.fromisoformat(match[1]) for match in found if match)


def read_published(lake: Lake, as_of: dt.date | None = None) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A published forecast and its manifest, checked against the manifest's SHA-256.

    Args:
        lake: where from.
        as_of: the week's Monday; the latest one if left out.

    Returns: a table of FORECAST_DTYPES, and the manifest.

    Raises:
        ArtefactMissing: that week is not published.
        ArtefactUnreadable: the file is not the one that was published.
    """
    folder = LATEST if as_of is None else f"published/{as_of}"
    try:
        manifest: dict[str, Any] = lake.read_json(f"{folder}/{MANIFEST}")
    except ArtefactMissing as error:
        raise ArtefactMissing(
            error.path, remedy="this week is not published; run weekly_forecast for it"
        ) from error
    path = manifest["files"][PARQUET]
    if hashlib.sha256(lake.read_bytes(path)).hexdigest() != manifest["sha256"][PARQUET]:
        raise ArtefactUnreadable(
            path, "its content is not the published one, which the manifest's SHA-256 tells"
        )
    return lake.read_frame(path), manifest


def csv_bytes(forecast: pd.DataFrame) -> bytes:
    """The forecast as CSV: UTF-8, ISO dates, ``true``/``false``, 3 decimals, empty where nothing is known."""
    out = forecast[list(schema.FORECAST_DTYPES)].copy()
    for column, kind in schema.FORECAST_DTYPES.items():
        if kind == "float64":
            out[column] = out[column].round(DECIMALS) + 0.0  # no -0.000
        elif kind.startswith("datetime"):
            out[column] = out[column].dt.strftime("%Y-%m-%d")
        elif kind == "bool":
            out[column] = out[column].map({True: "true", False: "false"})
    text = out.to_csv(index=False, float_format=f"%.{DECIMALS}f", lineterminator="\n")
    return text.encode("utf-8")
