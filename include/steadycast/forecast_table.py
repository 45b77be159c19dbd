"""The forecast as a database table: a week is replaced in one transaction, so a retry doubles nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from steadycast import schema
from steadycast.errors import PublicationError

KEY: Final = (schema.AS_OF, schema.ENTITY, schema.WEEK)
_ATTEMPTS = 3


def replace_week(url: sa.URL, table: str, forecast: pd.DataFrame, as_of: dt.date) -> int:
    """Put the week's rows in the place of those of the same as_of; make the table if it is not there.

    Args:
        url: address of the database, with its credential.
        table: its name, or ``schema.table``; the schema must be there.
        forecast: FORECAST_DTYPES; missing numbers become NULL.
        as_of: the week's Monday.

    Returns: number of rows written.

    Raises:
        PublicationError: the database can not be reached or refuses; nothing was changed.
    """
    try:
        engine = sa.create_engine(url, poolclass=NullPool)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return _replace(engine, _definition(table), forecast, as_of)
            except IntegrityError:
                # another run wrote the same week, or made the table, at the same moment
                if attempt == _ATTEMPTS:
                    raise
    except ModuleNotFoundError as error:
        raise _refused(url, table, f"the driver {error.name!r} is not installed") from error
    except (SQLAlchemyError, UnicodeError) as error:
        raise _refused(url, table, _said(error, url)) from error
    raise AssertionError("unreachable: the last attempt returns or raises")


def address(text: str, login: str | None, password: str | None) -> sa.URL:
    """SQLAlchemy's address, with the connection's credential where the text has none.

    Raises:
        PublicationError: the text is no address of a database.
    """
    try:
        url = sa.make_url(
            text.replace("postgres://", "postgresql://", 1) if text.startswith("postgres://") else text
        )
    except ArgumentError as error:
        raise PublicationError(
            "the connection of publish has no database address",
            remedy="give the Airflow connection its type, host, schema (database) and port",
        ) from error
    if login and url.username is None and url.get_backend_name() != "sqlite":
        url = url.set(username=login, password=password)
    return url


def _definition(table: str) -> sa.Table:
    schema_name, _, name = table.rpartition(".")
    return sa.Table(
        name,
        sa.MetaData(),
        *(
            sa.Column(column, _type(column, kind), primary_key=column in KEY, autoincrement=False)
            for column, kind in schema.FORECAST_DTYPES.items()
        ),
        schema=schema_name or None,
    )


def _type(column: str, kind: str) -> sa.types.TypeEngine[Any]:
    if column == schema.DEGRADED_REASONS:
        return sa.Text()
    kinds: dict[str, sa.types.TypeEngine[Any]] = {
        "str": sa.String(255),
        "float64": sa.Double(),
        "int64": sa.Integer(),
        "bool": sa.Boolean(),
        "datetime64[us]": sa.Date(),
    }
    return kinds[kind]


def _replace(engine: sa.Engine, table: sa.Table, forecast: pd.DataFrame, as_of: dt.date) -> int:
    rows = _rows(forecast)
    with engine.begin() as session:
        table.create(session, checkfirst=True)
        session.execute(sa.delete(table).where(table.c[schema.AS_OF] == as_of))
        session.execute(sa.insert(table), rows)
    return len(rows)


def _rows(forecast: pd.DataFrame) -> list[dict[str, Any]]:
    out = forecast[list(schema.FORECAST_DTYPES)].astype("object").where(forecast.notna(), None)
    for column in (schema.WEEK, schema.AS_OF):
        out[column] = forecast[column].dt.date
    return [{str(key): value for key, value in row.items()} for row in out.to_dict("records")]


def _said(error: Exception, url: sa.URL) -> str:
    if isinstance(error, NoSuchModuleError):
        return f"there is no SQL dialect {url.drivername!r}"
    text = str(getattr(error, "orig", None) or error).strip()
    return text.replace(url.password, "***") if url.password else text


def _refused(url: sa.URL, table: str, said: str) -> PublicationError:
    return PublicationError(
        f"table {table} of {url.render_as_string(hide_password=True)} was not written: {said}",
        remedy="the week's files are published; mend the database or its connection and clear publish",
    )
