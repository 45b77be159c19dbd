"""A query over a database connection, read-only and within limits of time."""

from __future__ import annotations

import contextlib
import math
import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.pool import NullPool

from steadycast.errors import BadCredential, BadResponse, SourceError, SourceTimeout, SourceUnreachable
from steadycast.progress import Progress, silent
from steadycast.settings import SqlQuerySource, Timeouts
from steadycast.sources.masking import Secrets
from steadycast.sources.poll import Connection, Poll, Window
from steadycast.sources.table import Table, to_poll

_ROWS = 10_000
# SQLSTATE codes, the same on every server that follows the standard
_BAD_LOGIN = ("28",)  # invalid authorization
_NO_RIGHT = "42501"
_CANCELLED = "57014"
_WRITES = "25006"
_DENIED_TEXTS = ("password authentication failed", "no password supplied", "access denied", "login failed")


def fetch(
    source: SqlQuerySource, window: Window, connection: Connection | None, *, progress: Progress = silent
) -> Poll:
    """Run the query with ``:start``, ``:end`` and ``:as_of`` bound to dates.

    Raises:
        SourceTimeout: no connection within connect_s, or no complete answer within total_s.
        SourceUnreachable: the server refuses or drops the connection.
        BadCredential: login, password or rights are refused.
        BadResponse: the database refuses the query.
        SchemaDrift: the answer lacks a column that pipeline.yaml names.
        SourceError: there is no address, no driver for it, or the query has an unknown parameter.
    """
    url = _url(source.name, connection)
    statement = _statement(source, window)
    clock = _Clock(source.timeouts.total_s)
    try:
        engine = sa.create_engine(url, poolclass=NullPool, connect_args=_limits(url, source.timeouts))
        with clock.over(engine), engine.connect() as session:
            table = _rows(session, statement, source.name, progress)
    except exc.NoSuchModuleError as error:
        raise SourceError(
            source.name, f"there is no SQL dialect {url.drivername!r}", remedy=_DRIVER
        ) from error
    except ModuleNotFoundError as error:
        raise SourceError(
            source.name, f"the driver {error.name!r} is not installed", remedy=_DRIVER
        ) from error
    except exc.SQLAlchemyError as error:
        raise _failed(source, error, Secrets(connection).hide(_said(error)), url, clock) from error
    return to_poll(table, source, source.layout, window, requests=1)


_DRIVER = "add the driver to requirements.in, or correct the connection's type"


def _url(source: str, connection: Connection | None) -> sa.URL:
    address = connection.address if connection else ""
    # Airflow and many hosters still write postgres://
    address = (
        address.replace("postgres://", "postgresql://", 1) if address.startswith("postgres://") else address
    )
    try:
        url = sa.make_url(address)
    except exc.ArgumentError as error:
        raise SourceError(
            source,
            f"connection {connection.id!r} has no database address" if connection else "it has no connection",
            remedy="set `connection` of the source, and that Airflow connection's type, host and schema",
        ) from error
    if connection and connection.login and url.username is None and url.get_backend_name() != "sqlite":
        url = url.set(username=connection.login, password=connection.password)
    return url


def _statement(source: SqlQuerySource, window: Window) -> sa.TextClause:
    statement = sa.text(source.query)
    known = {"start": window.start, "end": window.end, "as_of": window.as_of}
    used = set(statement.compile().params)
    if used - set(known):
        raise SourceError(
            source.name,
            f"the query has the unknown parameter :{sorted(used - set(known))[0]}",
            remedy="use :start, :end and :as_of; write \\: for a colon that is none",
        )
    return statement.bindparams(**{name: known[name] for name in used})


def _limits(url: sa.URL, limits: Timeouts) -> dict[str, Any]:
    """Limits that the driver or the server keeps itself; ``_Clock`` ends what they do not see."""
    if url.get_backend_name() == "postgresql":
        longest_ms = math.ceil(min(limits.request_s, limits.total_s) * 1000)
        options = f"-c statement_timeout={longest_ms} -c default_transaction_read_only=on"
        # libpq takes less than 2 s for 2 s
        return {
            "connect_timeout": max(2, math.ceil(min(limits.connect_s, limits.total_s))),
            "options": options,
        }
    if url.get_backend_name() == "sqlite":
        # another thread interrupts a query that is too long
        return {"timeout": limits.connect_s, "check_same_thread": False}
    return {}


def _rows(session: sa.Connection, statement: sa.TextClause, source: str, progress: Progress) -> Table:
    if session.dialect.name == "sqlite":
        session.exec_driver_sql("PRAGMA query_only = ON")
    result = session.execution_options(stream_results=True, max_row_buffer=_ROWS).execute(statement)
    names = list(result.keys())
    columns: dict[str, list[Any]] = {name: [] for name in names}
    rows = 0
    for done, part in enumerate(result.partitions(_ROWS), start=1):
        for i, name in enumerate(names):
            columns[name] += [row[i] for row in part]
        rows += len(part)
        progress(f"{source} rows {rows}", done, 0)
    return Table(columns, rows)


class _Clock:
    """Ends a query from outside: a server that hangs once the connection stands keeps no limit itself."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._connections: list[Any] = []
        self.is_over = False

    @contextlib.contextmanager
    def over(self, engine: sa.Engine) -> Iterator[None]:
        """Watch all that the engine does in the block, its own first questions to the server included."""
        sa.event.listen(engine, "connect", lambda made, _: self._connections.append(made), insert=True)
        timer = threading.Timer(self._seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _end(self) -> None:
        self.is_over = True
        for connection in self._connections:
            # a connection that is closed by now has nothing to end
            with contextlib.suppress(Exception):
                if isinstance(connection, sqlite3.Connection):
                    connection.interrupt()
                else:
                    with socket.socket(fileno=os.dup(connection.fileno())) as wire:
                        wire.shutdown(socket.SHUT_RDWR)


def _said(error: exc.SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split())[:300]


def _failed(
    source: SqlQuerySource, error: exc.SQLAlchemyError, said: str, url: sa.URL, clock: _Clock
) -> SourceError:
    cause = getattr(error, "orig", None)
    code = str(getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or "")
    where = url.render_as_string(hide_password=True)
    if clock.is_over or code == _CANCELLED:
        limit = (
            source.timeouts.total_s
            if clock.is_over
            else min(source.timeouts.request_s, source.timeouts.total_s)
        )
        return SourceTimeout(
            source.name,
            f"no complete answer of {where} within {limit:g} s",
            remedy="make the query faster or raise timeouts",
        )
    if (
        code == _NO_RIGHT
        or code.startswith(_BAD_LOGIN)
        or any(text in said.lower() for text in _DENIED_TEXTS)
    ):
        return BadCredential(
            source.name,
            f"{where} refuses us: {said}",
            remedy=f"renew login, password or rights of the Airflow connection {source.connection!r}",
        )
    if code == _WRITES or "readonly database" in said:
        return BadResponse(
            source.name, f"the query wants to write: {said}", remedy="a source's query only reads"
        )
    if code.startswith(("42", "22")) or isinstance(error, exc.ProgrammingError | exc.DataError):
        return BadResponse(
            source.name, f"{where} refuses the query: {said}", remedy=f"correct query of {source.name}"
        )
    if url.get_backend_name() == "sqlite":
        return _sqlite_failed(source, said, where)
    if isinstance(error, exc.OperationalError | exc.InterfaceError):
        slow = "timeout expired" in said or "timed out" in said
        kind = SourceTimeout if slow else SourceUnreachable
        return kind(source.name, f"{where}: {said}", remedy="wait for the database and clear the task")
    return BadResponse(source.name, f"{where}: {said}", remedy=f"correct query of {source.name}")


def _sqlite_failed(source: SqlQuerySource, said: str, where: str) -> SourceError:
    # SQLite has one error for a wrong query, a missing file and a lock
    if "unable to open" in said or "locked" in said:
        return SourceUnreachable(
            source.name, f"{where}: {said}", remedy="check the file, then clear the task"
        )
    return BadResponse(
        source.name, f"{where} refuses the query: {said}", remedy=f"correct query of {source.name}"
    )
