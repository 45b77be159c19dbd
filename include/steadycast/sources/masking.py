"""Keeps secrets out of every message: by value, whoever echoes them, and by the usual names in a query."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus, unquote

from steadycast.sources.poll import Connection

_SECRET_PARAMS = re.compile(
    r"([?&;](?:[\w.-]*(?:api[_-]?key|token|secret|passw(?:or)?d|signature|credential)[\w.-]*|key|sig|auth)=)[^&;\s#'\"]+",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(\w://)[^/@\s]+@")
MASK = "***"


class Secrets:
    """The secrets of a connection, to be hidden in texts."""

    def __init__(self, connection: Connection | None) -> None:
        values: set[str] = set()
        if connection is not None:
            in_address = re.search(r"//[^/@:]*:([^/@]*)@", connection.address)
            values = {
                connection.password or "",
                connection.token or "",
                unquote(in_address[1] if in_address else ""),
            }
            values |= {v for k, v in connection.extra.items() if k.startswith(("header:", "query:"))}
        values.discard("")
        # the longest first, so that a secret that contains another one is hidden whole
        forms = {form for v in values for form in (v, quote(v, safe=""), quote_plus(v))}
        self._values = sorted(forms, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """``text`` without secrets."""
        for value in self._values:
            text = text.replace(value, MASK)
        return _SECRET_PARAMS.sub(rf"\1{MASK}", _USER_INFO.sub(rf"\1{MASK}@", text))
