import socket

import httpx
import pytest

from sandbox.server import CannotServe, is_loopback, serve
from tests.sandbox_server import running_sandbox


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_these_hosts_are_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "example.com", ""])  # noqa: S104 that is the point
def test_these_hosts_are_not(host):
    assert not is_loopback(host)


def test_it_refuses_to_listen_where_others_can_reach_it(small_data):
    with pytest.raises(CannotServe, match=r"0\.0\.0\.0 can be reached from other machines.*--allow-remote"):
        serve(small_data, "0.0.0.0", 0, allow_remote=False)  # noqa: S104 that is the point


def test_a_port_in_use_is_named(small_data):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotServe, match=f"127.0.0.1:{port} can not be used .*--port"):
            serve(small_data, "127.0.0.1", port, allow_remote=False)


def test_it_ends_at_once_and_its_log_is_on_standard_error(small_data, tmp_path):
    with running_sandbox(small_data, tmp_path / "log") as sandbox:
        assert httpx.get(f"{sandbox.url}/health", trust_env=False).status_code == 200
        assert sandbox.stop() < 2
        assert sandbox.process.returncode in (0, -15)
    assert '"GET /health HTTP/1.1" 200' in (tmp_path / "log").read_text()
