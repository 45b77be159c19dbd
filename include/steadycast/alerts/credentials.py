"""What a channel needs to reach people, from the environment: Airflow's connections, without Airflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from steadycast.errors import AlertsMisconfigured

if TYPE_CHECKING:
    from steadycast.settings import ChannelSettings

PREFIX: Final = "AIRFLOW_CONN_"
_WANTED: Final = {
    "slack": '{"conn_type": "slack", "password": "xoxb-…"} or {"conn_type": "slack", "extra": {"webhook": "https://…"}}',
    "mail": '{"conn_type": "smtp", "host": "…", "port": 587, "login": "…", "password": "…", '
    '"extra": {"from": "…", "to": "…"}}',
    "sns": '{"conn_type": "aws", "login": "…", "password": "…", '
    '"extra": {"region_name": "…", "topic_arn": "…"}}',
    "ses": '{"conn_type": "aws", "login": "…", "password": "…", '
    '"extra": {"region_name": "…", "from": "…", "to": "…"}}',
    "webhook": '{"conn_type": "http", "host": "https://…"}',
}


@dataclass(frozen=True)
class Credential:
    """A connection as Airflow writes it; ``repr`` shows no secret."""

    host: str = ""
    port: int | None = None
    login: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


def credential(channel: ChannelSettings, environ: Mapping[str, str]) -> Credential | None:
    """The channel's connection; None if the environment has none, so that the channel is left out.

    Raises:
        AlertsMisconfigured: it is there and can not be read; the text shows no part of it.
    """
    if channel.kind == "log":
        return Credential()
    return connection(channel.conn_id, environ)


def connection(conn_id: str, environ: Mapping[str, str]) -> Credential | None:
    """The connection that ``AIRFLOW_CONN_<ID>`` holds, as JSON or as a URI; None if it is not set.

    Raises:
        AlertsMisconfigured: it can not be read.
    """
    name = variable(conn_id)
    text = environ.get(name, "").strip()
    if not text:
        return None
    try:
        return _of_json(text) if text.startswith("{") else _of_uri(text)
    except (ValueError, TypeError, AttributeError):
        # not the error's own text: it may hold the secret
        raise AlertsMisconfigured(
            f"{name} can not be read as a connection",
            remedy='write it as JSON, e.g. {"conn_type": "slack", "password": "xoxb-…"}, and in one line',
        ) from None


def variable(conn_id: str) -> str:
    """Name of the environment variable of a connection."""
    return f"{PREFIX}{conn_id.upper()}"


def wanted(channel: ChannelSettings) -> str:
    """What to set so that the channel is used, for people."""
    return f"{variable(channel.conn_id)}='{_WANTED[channel.kind]}'"


def _of_json(text: str) -> Credential:
    told = json.loads(text)
    extra = told.get("extra") or {}
    extra = json.loads(extra) if isinstance(extra, str) else extra
    port = told.get("port")
    host = told.get("host") or ""
    if host and told.get("schema") and "://" not in host:
        host = f"{told['schema']}://{host}"
    return Credential(host, int(port) if port else None, told.get("login"), told.get("password"), dict(extra))


def _of_uri(text: str) -> Credential:
    parts = urlsplit(text)
    extra: dict[str, Any] = dict(parse_qsl(parts.query))
    if "__extra__" in extra:
        extra = json.loads(extra["__extra__"])
    host = unquote(parts.hostname or "")
    if host and parts.scheme in ("http", "https"):
        host = f"{parts.scheme}://{host}{parts.path}"
    user, password = parts.username, parts.password
    return Credential(
        host, parts.port, unquote(user) if user else None, unquote(password) if password else None, extra
    )
