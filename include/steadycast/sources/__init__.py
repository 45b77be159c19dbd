"""Connectors: one module per kind of source, all with the same answer.

``fetch`` reads the cells of a window from a source over its real protocol and returns them as received. It
never repairs, guesses or fills: what is no number stays as text for the gate to judge.
"""

from __future__ import annotations

import importlib

from steadycast.progress import Progress, silent
from steadycast.settings import AnySource
from steadycast.sources.poll import Connection, Poll, Window
from steadycast.sources.table import empty_frame

__all__ = ["Connection", "Poll", "Window", "fetch"]


def fetch(
    source: AnySource, window: Window, connection: Connection | None, *, progress: Progress = silent
) -> Poll:
    """Ask the source for the cells of the window.

    Args:
        source: what to ask; its kind picks the connector.
        window: days to ask for, end exclusive; a window without a day asks nothing.
        connection: address and credential; None for local files and public providers.
        progress: told after each page, place, series or object.

    Raises:
        SourceTimeout: slower than one of the source's limits.
        SourceRateLimited: 429 after all attempts.
        SourceUnreachable: refused, dropped or 5xx after all attempts; a file or object is not there.
        BadCredential: the credential is refused or missing.
        BadResponse: the answer is not the data.
        SchemaDrift: the answer lacks a column that pipeline.yaml names.
        SourceError: anything else that pipeline.yaml or the connection has to change.
    """
    if window.empty:
        return Poll(empty_frame(), notes=(f"no day from {window.start} to {window.end}, nothing was asked",))
    # the module of the kind is imported when it is needed: boto3 and sqlalchemy are slow to load
    connector = importlib.import_module(f"{__name__}.{source.kind}")
    poll: Poll = connector.fetch(source, window, connection, progress=progress)
    return poll
