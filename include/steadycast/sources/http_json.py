"""Records in JSON answers."""

from __future__ import annotations

from typing import Any

from steadycast.progress import Progress, silent
from steadycast.settings import HttpJsonSource
from steadycast.sources.answers import Answer
from steadycast.sources.decoding import flat, json_value
from steadycast.sources.http import Transport, Waiting
from steadycast.sources.paging import read_pages, records_at
from steadycast.sources.poll import Connection, Poll, Window
from steadycast.sources.table import Table, to_poll


def fetch(
    source: HttpJsonSource,
    window: Window,
    connection: Connection | None,
    *,
    progress: Progress = silent,
    waiting: Waiting | None = None,
) -> Poll:
    """Read all pages of a JSON answer; errors as ``steadycast.sources.fetch`` lists them."""

    def read(answer: Answer) -> tuple[Table, Any]:
        whole = json_value(answer.body, answer.charset)
        records = records_at(source.name, whole, source.records)
        return Table.of_records([flat(record) for record in records]), whole

    with Transport(source, connection, waiting=waiting) as transport:
        table = read_pages(transport, source, window, read, wanted="JSON", progress=progress)
        return to_poll(table, source, source.layout, window, requests=transport.requests, size=transport.size)
