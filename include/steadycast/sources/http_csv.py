"""Tables in CSV answers."""

from __future__ import annotations

from typing import Any

from steadycast.progress import Progress, silent
from steadycast.settings import HttpCsvSource
from steadycast.sources.answers import Answer
from steadycast.sources.decoding import csv_table
from steadycast.sources.http import Transport, Waiting
from steadycast.sources.paging import read_pages
from steadycast.sources.poll import Connection, Poll, Window
from steadycast.sources.table import Table, to_poll


def fetch(
    source: HttpCsvSource,
    window: Window,
    connection: Connection | None,
    *,
    progress: Progress = silent,
    waiting: Waiting | None = None,
) -> Poll:
    """Read all pages of a CSV answer; errors as ``steadycast.sources.fetch`` lists them."""

    def read(answer: Answer) -> tuple[Table, Any]:
        return csv_table(answer.body, delimiter=source.delimiter, encoding=source.encoding), None

    with Transport(source, connection, waiting=waiting) as transport:
        table = read_pages(transport, source, window, read, wanted="CSV", progress=progress)
        return to_poll(table, source, source.layout, window, requests=transport.requests, size=transport.size)
