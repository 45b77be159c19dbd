"""Where an HTTP source is and with which credential; what counts as the same server."""

from __future__ import annotations

import ipaddress

import httpx

from steadycast.errors import SourceError
from steadycast.sources.poll import Connection


def base(source: str, connection: Connection | None, documented: str) -> httpx.URL:
    """The address to go to.

    Raises:
        SourceError: there is none, or it is not http or https.
    """
    address = (connection.address if connection else "") or documented
    try:
        base = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise SourceError(
            source, "its address is no URL", remedy="correct the connection's address"
        ) from error
    if base.scheme not in ("http", "https") or not base.host:
        named = f"connection {connection.id!r}" if connection else "its connection"
        raise SourceError(
            source,
            f"{named} has no http or https address",
            remedy=f"set `connection` of {source} in pipeline.yaml and the connection's address in Airflow, "
            "e.g. https://api.example.org",
        )
    return base


def credential(
    connection: Connection | None, auth: bool
) -> tuple[dict[str, str], dict[str, str], httpx.Auth | None]:
    """Headers, query parameters and basic login; without login and token if not ``auth``."""
    if connection is None:
        return {}, {}, None
    headers = {k.removeprefix("header:"): v for k, v in connection.extra.items() if k.startswith("header:")}
    params = {k.removeprefix("query:"): v for k, v in connection.extra.items() if k.startswith("query:")}
    if not auth:
        return headers, params, None
    if connection.token:
        return {**headers, "Authorization": f"Bearer {connection.token}"}, params, None
    if connection.login or connection.password:
        return headers, params, httpx.BasicAuth(connection.login or "", connection.password or "")
    return headers, params, None


def same_server(one: httpx.URL, other: httpx.URL) -> bool:
    """Same host and port, or the same host's step from http to https."""
    ports = {"http": 80, "https": 443}
    if one.host != other.host:
        return False
    same_port = (one.port or ports.get(one.scheme)) == (other.port or ports.get(other.scheme))
    upgrade = one.scheme == "http" and other.scheme == "https" and one.port is None and other.port is None
    return (one.scheme == other.scheme and same_port) or upgrade


def is_loopback(host: str) -> bool:
    """Is this a name or address of this machine itself?"""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
