"""Airflow connections, in the terms of steadycast: addresses and credentials never stand in pipeline.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Connection as AirflowConnection
from airflow.sdk.exceptions import AirflowNotFoundException

from steadycast.errors import SteadycastError

if TYPE_CHECKING:
    from steadycast.sources import Connection

DRIVERS = {
    "postgres": "postgresql+psycopg2",
    "sqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mssql": "mssql+pyodbc",
    "oracle": "oracle+oracledb",
}
"""SQLAlchemy's name for Airflow's connection types; another type is taken as SQLAlchemy's own name."""


class ConnectionMissing(SteadycastError):
    """pipeline.yaml names an Airflow connection that does not exist."""


def airflow_connection(conn_id: str) -> AirflowConnection:
    """The connection of that id.

    Raises:
        ConnectionMissing: there is none; says how to create it.
    """
    try:
        return AirflowConnection.get(conn_id)
    except AirflowNotFoundException:
        raise ConnectionMissing(
            f"there is no Airflow connection {conn_id!r}",
            remedy=f"create it under Admin, Connections, or set AIRFLOW_CONN_{conn_id.upper()} everywhere",
        ) from None


def source_connection(conn_id: str | None) -> Connection | None:
    """What a source needs to reach its provider; None for a source that needs no connection."""
    from steadycast.sources import Connection

    if conn_id is None:
        return None
    found = airflow_connection(conn_id)
    extra = {key: str(value) for key, value in found.extra_dejson.items()}
    return Connection(
        id=conn_id,
        address=_address(found, extra),
        login=found.login,
        password=found.password,
        token=extra.pop("token", None),
        extra=extra,
    )


def storage_arguments(conn_id: str) -> dict[str, Any]:
    """Arguments of ``open_lake`` for an S3 lake, from a connection of type ``aws``."""
    found = airflow_connection(conn_id)
    extra = found.extra_dejson
    given = {
        "endpoint_url": extra.get("endpoint_url"),
        "access_key": found.login,
        "secret_key": found.password,
        "region": extra.get("region_name"),
    }
    return {name: value for name, value in given.items() if value}


def _address(found: AirflowConnection, extra: dict[str, str]) -> str:
    kind, host = found.conn_type or "", found.host or ""
    if kind == "aws":
        return extra.get("endpoint_url", "")
    if kind in {"http", "https"}:
        if "://" not in host:
            host = f"{found.schema or kind}://{host}"
        start, _, rest = host.partition("://")
        name, slash, path = rest.partition("/")
        port = f":{found.port}" if found.port and ":" not in name else ""
        return f"{start}://{name}{port}{slash}{path}".rstrip("/")
    from sqlalchemy.engine import URL

    driver = DRIVERS.get(kind, kind)
    if driver == "sqlite":
        return f"sqlite:///{host or found.schema or ''}"
    url = URL.create(driver, found.login, found.password, host or None, found.port, found.schema or None)
    return url.render_as_string(hide_password=False)
