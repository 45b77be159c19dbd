"""One sandbox process on the small data for all tests of this folder."""

import httpx
import pytest

from tests.sandbox_server import running_sandbox
from tests.small_data import write_small_data


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    return write_small_data(tmp_path_factory.mktemp("small_data"))


@pytest.fixture(scope="session")
def server(small_data, tmp_path_factory):
    with running_sandbox(small_data, tmp_path_factory.mktemp("sandbox") / "log") as running:
        yield running


@pytest.fixture
def sandbox(server):
    """The running sandbox; the test's faults are taken back."""
    yield server
    server.clear()


@pytest.fixture
def get(server):
    with httpx.Client(base_url=server.url, timeout=10, trust_env=False) as client:
        yield client.get
