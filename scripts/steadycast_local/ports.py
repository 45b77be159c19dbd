"""Is a port free, and if not, who has it?"""

from __future__ import annotations

import errno
import shlex
import socket

import psutil

HOST = "127.0.0.1"


class PortBusy(Exception):
    """A port that a component needs is in use; the message names who has it and how to choose another."""

    def __init__(self, port: int, purpose: str, variable: str) -> None:
        self.port = port
        other = free_port() if port >= 65535 else next_free(port + 1)
        super().__init__(
            f"port {port}, wanted for {purpose}, is in use by {holder(port)}.\n"
            f"Next: end that program, or choose another port: {variable}={other} make run"
        )


def free_port() -> int:
    """A port that nothing uses now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def next_free(port: int) -> int:
    """The first free port from this one on."""
    return next((p for p in range(port, 65536) if is_free(p)), free_port())


def is_free(port: int) -> bool:
    """Can a server listen on this port?"""
    with socket.socket() as probe:
        # as servers do: connections that are only closing do not count
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def holder(port: int) -> str:
    """Who listens on the port, as far as the system tells."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:  # macOS tells only root
        connections = []
    for connection in connections:
        if connection.status != psutil.CONN_LISTEN or connection.laddr.port != port or not connection.pid:
            continue
        try:
            command = shlex.join(psutil.Process(connection.pid).cmdline())
        except psutil.Error:
            command = ""
        return f"process {connection.pid}" + (f" ({command[:160]})" if command else "")
    if port < 1024:
        return "the system (ports below 1024 need special rights)"
    return "another program (it belongs to another user, so its name is not shown)"
