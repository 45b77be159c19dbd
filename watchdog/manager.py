"""supervisor, over its unix socket: what runs, and stop and start of one program."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from watchdog.seen import Program

TIMEOUT_S = 60.0
"""Of one call: supervisor waits ``stopwaitsecs`` for a program before it kills it."""
NOT_RUNNING = 70
"""supervisor's fault code for a stop of what does not run."""
ALREADY_STARTED = 60
"""supervisor's fault code for a start of what runs."""


class NotMended(Exception):
    """supervisor did not answer or refused; the text says what."""


class Manager:
    """Asks and tells one supervisord.

    Args:
        path: its unix socket.
        myself: name of the watchdog's own program, which is never stopped.

    Raises (all calls):
        NotMended: no answer, or a refusal.
    """

    def __init__(self, path: Path, *, myself: str = "watchdog", timeout_s: float = TIMEOUT_S) -> None:
        self._proxy = xmlrpc.client.ServerProxy("http://supervisor", transport=_Transport(path, timeout_s))
        self._myself = myself
        self._full: dict[str, str] = {}

    def programs(self) -> Mapping[str, Program]:
        """All programs but the watchdog's own, by name without their group."""
        listed: Any = self._call("getAllProcessInfo")
        self._full = {p["name"]: f"{p['group']}:{p['name']}" for p in listed if p["name"] != self._myself}
        return {
            p["name"]: Program(p["statename"], float(max(0, p["now"] - p["start"])))
            for p in listed
            if p["name"] != self._myself
        }

    def restart(self, name: str) -> None:
        """Stop a program, and start it.

        supervisor asks it to end, and after ``stopwaitsecs`` kills it with its group: SIGKILL ends also what
        is stopped by SIGSTOP or ignores everything else.
        """
        full = self._full.get(name, name)
        self._call("stopProcess", full, True, unless=NOT_RUNNING)
        self._call("startProcess", full, False, unless=ALREADY_STARTED)

    def _call(self, method: str, *arguments: Any, unless: int | None = None) -> Any:  # noqa: ANN401
        try:
            return getattr(self._proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == unless:
                return None
            raise NotMended(f"supervisor refused {method}: {fault.faultString}") from fault
        except (OSError, xmlrpc.client.Error, http.client.HTTPException) as error:
            raise NotMended(f"supervisor does not answer {method}: {error!r}") from error
        finally:
            self._proxy("close")()


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.sock.close()
            raise


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__()
        self._path, self._timeout_s = path, timeout_s

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ANN401 as the base class has it
        # a fresh one each time: supervisord may have been started anew on the same path
        made = _Connection(self._path, self._timeout_s)
        self._connection = host, made
        return made
