"""One lake per store: what a test here says of ``lake`` holds for a local folder and for S3."""

from __future__ import annotations

import pytest

from tests.s3_server import running_s3


@pytest.fixture(scope="session")
def s3_server():
    with running_s3() as server:
        yield server


@pytest.fixture(params=["local", "s3"])
def lake_url(request, tmp_path):
    if request.param == "local":
        return f"file://{tmp_path}/lake"
    return f"s3://{request.getfixturevalue('s3_server').new_bucket()}/team/lake"


@pytest.fixture
def open_again(request, lake_url):
    """Opens the lake as another process would."""
    from steadycast.lake import open_lake

    return request.getfixturevalue("s3_server").lake if lake_url.startswith("s3:") else open_lake


@pytest.fixture
def lake(open_again, lake_url):
    return open_again(lake_url)
