from __future__ import annotations

import gzip
import time

import pytest

from steadycast import schema as c
from steadycast.errors import BadCredential, BadResponse, SourceError, SourceTimeout, SourceUnreachable
from steadycast.settings import S3ObjectSource
from steadycast.sources import Connection, fetch
from tests.s3_server import ACCESS_KEY, SECRET_KEY, running_s3
from tests.services import free_port
from tests.unit.sources.conftest import TMAX
from tests.unit.sources.provider import answer, drip, hang

CSV = b"date,tmax\n2016-06-01,70.5\n"


@pytest.fixture(scope="module")
def server():
    with running_s3() as running:
        yield running


@pytest.fixture
def poll(week):
    def ask(address, **changes):
        given = {
            "name": "weather",
            "kind": "s3_object",
            "connection": "store",
            "bucket": "feeds",
            "key": "weather.csv",
            "layout": {"entity": "midway"},
            "variables": [TMAX],
        }
        source = S3ObjectSource.model_validate(given | changes)
        return fetch(source, week, Connection("store", address, ACCESS_KEY, SECRET_KEY))

    return ask


def _error(code, status):
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>No, never</Message></Error>"
    return answer(body, status=status, kind="application/xml")


@pytest.mark.parametrize(
    ("key", "kind", "body"),
    [
        pytest.param("{as_of}/weather.csv", "csv", CSV, id="csv"),
        pytest.param("{as_of}/weather.csv.gz", "csv", gzip.compress(CSV), id="csv_gz"),
        pytest.param("{as_of}/weather.json", "json", b'[{"date": "2016-06-01", "tmax": 70.5}]', id="json"),
    ],
)
def test_the_weeks_object_is_read(poll, server, key, kind, body):
    bucket = server.new_bucket()
    server.client().put_object(Bucket=bucket, Key=key.replace("{as_of}", "2016-06-06"), Body=body)
    found = poll(server.url, bucket=bucket, key=key, format=kind)
    assert found.frame[c.VALUE].tolist() == [70.5]
    assert found.bytes == len(body)


def test_a_missing_object_is_unreachable_and_named(poll, server):
    bucket = server.new_bucket()
    with pytest.raises(SourceUnreachable, match=f"there is no object s3://{bucket}/2016-06-06.csv"):
        poll(server.url, bucket=bucket, key="{as_of}.csv")


def test_a_missing_bucket_is_named(poll, server):
    with pytest.raises(SourceError, match=r"there is no bucket 'nowhere'"):
        poll(server.url, bucket="nowhere")


def test_an_object_over_the_limit_is_refused(poll, server):
    bucket = server.new_bucket()
    server.client().put_object(Bucket=bucket, Key="weather.csv", Body=CSV * 100)
    with pytest.raises(BadResponse, match=r"weather.csv is larger than max_response_mb = 0.001"):
        poll(server.url, bucket=bucket, max_response_mb=0.001)


def test_a_broken_object_is_refused(poll, server):
    bucket = server.new_bucket()
    server.client().put_object(Bucket=bucket, Key="weather.csv", Body=b"date,tmax\n2016-06-01,1,2\n")
    with pytest.raises(BadResponse, match=rf"s3://{bucket}/weather.csv is broken CSV: line 2"):
        poll(server.url, bucket=bucket)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDenied", 403),
        ("InvalidAccessKeyId", 403),
        ("SignatureDoesNotMatch", 403),
        ("ExpiredToken", 400),
    ],
)
def test_a_refused_key_is_a_bad_credential(poll, provider, code, status):
    provider.says(_error(code, status))
    with pytest.raises(BadCredential, match=rf"refused for s3://feeds/weather.csv: .*{code}") as raised:
        poll(provider.url)
    assert SECRET_KEY not in str(raised.value).split("s3://")[0]


def test_another_refusal_tells_the_stores_words(poll, provider):
    provider.says(_error("InvalidObjectState", 409))
    with pytest.raises(SourceError, match=r"InvalidObjectState.*No, never"):
        poll(provider.url)


def test_a_failing_store_is_asked_again(poll, provider):
    provider.says(_error("SlowDown", 503), answer(CSV, kind="text/csv"))
    assert len(poll(provider.url).frame) == 1
    assert len(provider.requests) == 2


def test_a_refused_connection_is_unreachable(poll):
    with pytest.raises(SourceUnreachable, match=r"Could not connect"):
        poll(f"http://127.0.0.1:{free_port()}")


def test_a_silent_store_is_a_timeout(poll, provider):
    provider.says(hang)
    with pytest.raises(SourceTimeout, match=r"Read timeout|total_s"):
        poll(provider.url, timeouts={"read_s": 0.1, "total_s": 20})


def test_a_dripping_store_is_left_at_total_s(poll, provider):
    provider.says(drip(b"x"))
    began = time.monotonic()
    with pytest.raises(SourceTimeout, match=r"took longer than total_s = 0.6 s"):
        poll(provider.url, timeouts={"read_s": 5, "total_s": 0.6})
    assert time.monotonic() - began < 2


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(poll, provider, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    provider.says(answer(CSV, kind="text/csv"))
    assert len(poll(provider.url).frame) == 1


def test_an_address_that_is_none_is_refused(poll):
    with pytest.raises(SourceError, match=r"correct the connection's address"):
        poll("not an address")


def test_without_any_key_the_credential_is_missing(week, provider, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    source = S3ObjectSource(
        name="weather",
        kind="s3_object",
        bucket="feeds",
        key="x.csv",
        layout={"entity": "midway"},
        variables=[TMAX],
    )
    with pytest.raises(BadCredential, match=r"there is no credential for s3://feeds/x.csv"):
        fetch(source, week, Connection("store", provider.url))
