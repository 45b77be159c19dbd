"""A file on this machine or on a mounted share."""

from __future__ import annotations

import os
import re
from pathlib import Path

from steadycast.errors import BadResponse, SourceError, SourceUnreachable
from steadycast.progress import Progress, silent
from steadycast.settings import LocalFileSource
from steadycast.sources.decoding import Unreadable, file_table, too_large, unzipped
from steadycast.sources.poll import Connection, Poll, Window
from steadycast.sources.table import to_poll


def fetch(
    source: LocalFileSource,
    window: Window,
    connection: Connection | None = None,
    *,
    progress: Progress = silent,
) -> Poll:
    """Read the file; ``.gz`` is unpacked; a file needs no connection.

    Raises:
        SourceUnreachable: the file is not there, or somebody is writing it.
        BadResponse: it can not be read as its format, or is over the limit.
        SchemaDrift: it lacks a column that pipeline.yaml names.
        SourceError: the path names an unset environment variable, a folder, or a file that we may not read.
    """
    path = _path(source, window)
    limit = int(source.max_response_mb * 1e6)
    try:
        body = _read(source.name, path, limit)
        size = len(body)
        if path.suffix == ".gz":
            body = unzipped(body, limit)
        table = file_table(body, source.format, delimiter=source.delimiter, encoding=source.encoding)
    except Unreadable as error:
        raise BadResponse(source.name, f"{path} {error.what}", remedy=error.remedy) from error
    progress(f"{source.name} file", 1, 1)
    return to_poll(table, source, source.layout, window, requests=1, size=size)


def _path(source: LocalFileSource, window: Window) -> Path:
    text = os.path.expandvars(window.fill(source.path))
    unset = re.search(r"\$\{?(\w+)\}?", text)
    if unset:
        raise SourceError(
            source.name,
            f"the environment variable {unset[1]} of the path {source.path} is not set",
            remedy=f"set {unset[1]} for all of Airflow's components, e.g. in .env",
        )
    return Path(text).expanduser()


def _read(source: str, path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            if before.st_size > limit:
                raise too_large(limit)
            body = file.read(limit + 1)
            after = os.fstat(file.fileno())
    except FileNotFoundError as error:
        raise SourceUnreachable(source, f"there is no file {path}", remedy=_where(path)) from error
    except IsADirectoryError as error:
        raise SourceError(source, f"{path} is a folder", remedy="let path name a file") from error
    except OSError as error:
        raise SourceError(
            source,
            f"{path} can not be read: {error.strerror}",
            remedy="give Airflow's user the right to read it, or check the mount",
        ) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(
        body
    ) != before.st_size:
        raise SourceUnreachable(
            source, f"{path} is being written", remedy="clear the task when it is complete"
        )
    return body


def _where(path: Path) -> str:
    if not path.parent.is_dir():
        return f"the folder {path.parent} is missing too: check path, or the mount"
    there = sorted(p.name for p in path.parent.iterdir())[:5]
    return f"its folder holds {', '.join(there) if there else 'nothing'}; deliver the file or correct path"
