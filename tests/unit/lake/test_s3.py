"""What only S3 can do wrong, over real connections."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import moto.settings
import pandas as pd
import pytest

from steadycast.errors import ArtefactMissing, LakeDenied, LakeMisplaced, LakeUnreachable
from steadycast.lake import open_lake
from steadycast.lake.s3 import make_client
from tests.s3_server import ACCESS_KEY, REGION, SECRET_KEY


@contextmanager
def proxy(target, *, faults=(), sizes=None):
    """A server before the S3 server; each fault meets one PUT: a status, or 'lost' to drop the answer."""
    host = target.removeprefix("http://")
    waiting = list(faults)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # so that it answers 100 Continue, which boto waits for

        def answer(self):
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            fault = waiting.pop(0) if waiting and self.command == "PUT" else None
            if isinstance(fault, int):
                code = {409: "ConditionalRequestConflict", 503: "SlowDown"}[fault]
                return self.send(
                    fault, {}, f"<Error><Code>{code}</Code><Message>x</Message></Error>".encode()
                )
            upstream = http.client.HTTPConnection(host, timeout=20)
            upstream.request(self.command, self.path, body, dict(self.headers))
            reply = upstream.getresponse()
            data = reply.read()
            upstream.close()
            if fault == "lost":
                self.close_connection = True
                return None
            if sizes is not None and self.command == "GET":
                sizes.append(len(data))
            return self.send(reply.status, dict(reply.headers), data)

        def send(self, status, headers, data):
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "connection", "date", "server"):
                    self.send_header(name, value)
            length = (
                headers.get("Content-Length", str(len(data))) if self.command == "HEAD" else str(len(data))
            )
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_PUT = do_HEAD = do_DELETE = answer

        def log_message(self, *_):
            """Tests are silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert not waiting, f"faults that no request met: {waiting}"


def lake_at(endpoint, bucket, **limits):
    return open_lake(
        f"s3://{bucket}/lake", s3_client=make_client(endpoint, ACCESS_KEY, SECRET_KEY, REGION, **limits)
    )


every_use = pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda lake: lake.write_bytes("a", b""), id="write"),
        pytest.param(lambda lake: lake.write_bytes_if_absent("b", b""), id="claim"),
        pytest.param(lambda lake: lake.read_bytes("a"), id="read"),
        pytest.param(lambda lake: lake.backend.open("a"), id="open"),
        pytest.param(lambda lake: lake.exists("a"), id="exists"),
        pytest.param(lambda lake: lake.list(""), id="list"),
        pytest.param(lambda lake: lake.delete("a"), id="delete"),
    ],
)


def test_the_address_and_the_keys_are_enough(s3_server):
    bucket = s3_server.new_bucket()
    lake = open_lake(
        f"s3://{bucket}", endpoint_url=s3_server.url, access_key=ACCESS_KEY, secret_key=SECRET_KEY
    )
    lake.write_bytes("a/b", b"1")
    assert lake.list("a") == ["a/b"]
    assert lake.link("a/b") == f"s3://{bucket}/a/b"
    assert s3_server.client().get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"1"


def test_the_lake_stays_within_its_prefix(s3_server):
    bucket = s3_server.new_bucket()
    s3_server.client().put_object(Bucket=bucket, Key="lake2/theirs", Body=b"")
    s3_server.client().put_object(Bucket=bucket, Key="theirs", Body=b"")
    assert s3_server.lake(f"s3://{bucket}/lake").list("") == []


def test_folder_marks_of_a_console_are_no_artefacts(s3_server):
    bucket = s3_server.new_bucket()
    s3_server.client().put_object(Bucket=bucket, Key="lake/runs/", Body=b"")
    lake = s3_server.lake(f"s3://{bucket}/lake")
    lake.write_bytes("runs/a", b"")
    assert lake.list("") == ["runs/a"]


@every_use
def test_a_store_that_refuses_connections_is_unreachable(use):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        lake = lake_at(f"http://127.0.0.1:{unused.getsockname()[1]}", "any", attempts=1)
        with pytest.raises(LakeUnreachable, match=r"s3://any/lake does not answer.*\nNext: see that"):
            use(lake)


def test_a_store_that_accepts_and_never_answers_is_given_up_in_bounded_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        lake = lake_at(f"http://127.0.0.1:{silent.getsockname()[1]}", "any", attempts=2, read_timeout_s=0.3)
        began = time.monotonic()
        with pytest.raises(LakeUnreachable, match="does not answer"):
            lake.read_bytes("a")
        assert time.monotonic() - began < 10


@every_use
def test_a_missing_bucket_is_named(s3_server, use):
    lake = s3_server.lake("s3://no-such-bucket/lake")
    with pytest.raises(LakeMisplaced, match="there is no bucket 'no-such-bucket'"):
        use(lake)


@every_use
def test_a_refused_credential_is_said(s3_server, monkeypatch, use):
    lake = s3_server.lake(f"s3://{s3_server.new_bucket()}/lake")
    # moto checks credentials after so many requests; nobody has the ones that we send
    monkeypatch.setattr(moto.settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
    with pytest.raises(LakeDenied, match=r"is refused: .*\nNext: give the lake's credential s3:GetObject"):
        use(lake)


def test_no_credential_at_all_is_said(s3_server, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    lake = open_lake("s3://any/lake", endpoint_url=s3_server.url)
    with pytest.raises(LakeDenied, match=r"no usable credential for s3://any/lake.*\nNext: set both keys"):
        lake.read_bytes("a")


def test_a_claim_whose_answer_was_lost_is_still_ours(s3_server):
    bucket = s3_server.new_bucket()
    with proxy(s3_server.url, faults=["lost"]) as endpoint:
        lake = lake_at(endpoint, bucket)
        assert lake.write_bytes_if_absent("claim", b"ours") is True
        assert lake.write_bytes_if_absent("claim", b"ours") is False
        assert lake.read_bytes("claim") == b"ours"


def test_a_claim_that_another_won_while_our_answer_was_lost_is_theirs(s3_server):
    bucket = s3_server.new_bucket()
    lake_at(s3_server.url, bucket).write_bytes_if_absent("claim", b"same content")
    with proxy(s3_server.url, faults=["lost"]) as endpoint:
        assert lake_at(endpoint, bucket).write_bytes_if_absent("claim", b"same content") is False


def test_an_overloaded_store_is_asked_again(s3_server):
    bucket = s3_server.new_bucket()
    with proxy(s3_server.url, faults=[503, 503]) as endpoint:
        lake = lake_at(endpoint, bucket)
        lake.write_bytes("a", b"at last")
        assert lake.read_bytes("a") == b"at last"


def test_a_store_that_stays_overloaded_is_unreachable(s3_server):
    with (
        proxy(s3_server.url, faults=[503, 503]) as endpoint,
        pytest.raises(LakeUnreachable, match=r"is not served now.*SlowDown"),
    ):
        lake_at(endpoint, s3_server.new_bucket(), attempts=2).write_bytes("a", b"")


def test_a_conflict_with_another_conditional_write_is_tried_again(s3_server):
    with proxy(s3_server.url, faults=[409, 409]) as endpoint:
        assert lake_at(endpoint, s3_server.new_bucket()).write_bytes_if_absent("claim", b"") is True


def test_a_conflict_that_lasts_is_worth_a_retry_of_the_task(s3_server):
    with (
        proxy(s3_server.url, faults=[409] * 6) as endpoint,
        pytest.raises(LakeUnreachable, match=r"is being written by others .*\nNext: let the task retry"),
    ):
        lake_at(endpoint, s3_server.new_bucket()).write_bytes_if_absent("claim", b"")


def test_reading_some_weeks_fetches_a_part_of_a_long_history_only(s3_server):
    days = pd.date_range("2008-01-01", periods=3000).as_unit("us")
    stores = [f"store_{i:03d}" for i in range(200)]
    count = len(days) * len(stores)
    frame = pd.DataFrame(
        {
            "entity": pd.Series(stores * len(days), dtype="str"),
            "date": days.repeat(len(stores)),
            "variable": pd.Series(["sales"] * count, dtype="str"),
            "value": pd.Series(range(count), dtype="float64") ** 0.5,
        }
    )
    bucket, sizes = s3_server.new_bucket(), []
    with proxy(s3_server.url, sizes=sizes) as endpoint:
        lake = lake_at(endpoint, bucket)
        observations = lake.observations("sales")
        observations.accept(
            observations.append(frame, pd.Timestamp("2016-06-06", tz="UTC")).segment, by="test"
        )
        whole = len(lake.read_bytes(lake.list("observations")[0]))
        sizes.clear()
        newest = observations.read(start=days[-14].date())
    assert len(newest) == 14 * len(stores)
    assert sum(sizes) < whole / 2


def test_an_object_that_vanished_is_missing(s3_server):
    lake = s3_server.lake(f"s3://{s3_server.new_bucket()}")
    lake.write_bytes("a", bytes(200_000))
    with lake.backend.open("a") as file:
        lake.delete("a")
        with pytest.raises(ArtefactMissing, match="a is not in the lake"):
            file.read(10)
