"""An S3 server on a free loopback port, for tests: moto's, spoken to by boto3 over HTTP.

In a test folder's conftest.py::

    from tests.s3_server import running_s3
"""

from __future__ import annotations

import functools
import itertools
import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from steadycast.lake import Lake, open_lake
from steadycast.lake.s3 import make_client

ACCESS_KEY = "testing"
SECRET_KEY = "testing"
REGION = "us-east-1"
_numbers = itertools.count(1)


class _OneAtATime:
    """Moto looks whether a key is there and stores it in two steps; S3 does it in one, and so does this."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with self._lock:
            return list(self._app(environ, start_response))


class _Server(ThreadedMotoServer):
    def _server_entry(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line per request would bury a failure
        app = _OneAtATime(DomainDispatcherApplication(create_backend_app))
        self._server = make_server(
            self._ip_address, self._port, app, threaded=True, request_handler=MotoRequestHandler
        )
        self._server_ready_event.set()
        self._server.serve_forever()


@functools.cache
def _client(url: str, **limits: Any) -> Any:
    return make_client(url, ACCESS_KEY, SECRET_KEY, REGION, **limits)


@dataclass(frozen=True)
class S3Server:
    """A running server.

    Attributes:
        url: its address, the ``endpoint_url`` of clients.
    """

    url: str

    def client(self, **limits: Any) -> Any:
        """A client as the lake makes it; the same one for the same limits."""
        return _client(self.url, **limits)

    def new_bucket(self) -> str:
        """Make a bucket and return its name."""
        name = f"bucket-{next(_numbers)}"
        self.client().create_bucket(Bucket=name)
        return name

    def lake(self, url: str) -> Lake:
        """Open a lake of this server by its s3 address."""
        return open_lake(url, s3_client=self.client())


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """Run the server for the time of the block."""
    server = _Server(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server(f"http://{host}:{port}")
    finally:
        server.stop()
