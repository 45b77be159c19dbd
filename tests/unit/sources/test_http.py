from __future__ import annotations

import gzip
import logging
import socket
import time
import zlib

import pytest

from steadycast.errors import (
    BadCredential,
    BadResponse,
    SourceError,
    SourceRateLimited,
    SourceTimeout,
    SourceUnreachable,
)
from steadycast.sources import Connection, http_csv, http_json
from steadycast.sources.http import Transport, Waiting
from tests.unit.sources.conftest import DAY
from tests.unit.sources.provider import answer, drip, drop, hang, raw

RECORDS = [{"date": DAY, "tmax": 70.5}]
GOOD = answer(RECORDS)


@pytest.fixture
def poll(provider, at, week, waiting, json_source):
    """Poll the provider; its answers follow the script."""

    def ask(*script, connection=None, **changes):
        provider.says(*script)
        source = json_source(**changes)
        return http_json.fetch(source, week, connection or at(), waiting=waiting)

    return ask


def test_a_plain_answer_is_read(poll, provider):
    found = poll(GOOD)
    assert found.frame["value"].tolist() == [70.5]
    assert (found.requests, found.bytes) == (1, len(b'[{"date": "2016-06-01", "tmax": 70.5}]'))
    assert provider.requests[0].headers["accept"] == "application/json"


def test_a_refused_connection_is_unreachable_and_says_where(json_source, week, waiting, waits):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        with pytest.raises(
            SourceUnreachable, match=rf"can not connect to http://127.0.0.1:{port}.*4 attempts"
        ):
            http_json.fetch(
                json_source(), week, Connection("weather", f"http://127.0.0.1:{port}"), waiting=waiting
            )
    assert waits == [0.5, 1.0, 2.0]


def test_silence_before_the_headers_ends_at_read_s(poll, provider):
    began = time.monotonic()
    with pytest.raises(SourceTimeout, match=r"silent for read_s = 0.2 s.*2 attempts"):
        poll(hang, timeouts={"read_s": 0.2}, retries={"attempts": 2})
    assert time.monotonic() - began < 2
    assert len(provider.requests) == 2


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", id="in_the_body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Long: ", id="in_the_headers"),
        pytest.param(b"", id="before_the_status_line"),
    ],
)
def test_a_dripping_answer_ends_at_request_s(poll, head):
    began = time.monotonic()
    with pytest.raises(SourceTimeout, match=r"no complete answer within request_s = 0.4 s.*1 attempt\)"):
        poll(drip(b"a", head=head), timeouts={"request_s": 0.4, "read_s": 5}, retries={"attempts": 1})
    assert time.monotonic() - began < 1.5


def test_the_whole_poll_ends_at_total_s(poll, provider):
    began = time.monotonic()
    with pytest.raises(SourceTimeout, match=r"total_s = 0.5 s"):
        poll(drip(b" "), timeouts={"request_s": 5, "read_s": 5, "total_s": 0.5})
    assert time.monotonic() - began < 1.5
    assert len(provider.requests) == 1


def test_no_wait_goes_beyond_total_s(poll, waits):
    with pytest.raises(SourceUnreachable, match=r"503.*1 attempt, no time left of total_s = 1 s"):
        poll(answer(status=503), timeouts={"total_s": 1}, retries={"first_wait_s": 5})
    assert waits == []


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(drop(), id="before_the_answer"),
        pytest.param(drop(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[{"), id="reset_in_the_body"),
        pytest.param(answer(RECORDS, length=5000), id="shorter_than_its_length"),
        pytest.param(
            raw(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[{"da\r\n'),
            id="chunks_without_end",
        ),
        pytest.param(answer('[{"date": "2016-06-01", "tma', Content_Length=None), id="json_not_closed"),
        pytest.param(answer("", Content_Length=None), id="empty"),
        pytest.param(
            answer(gzip.compress(b'[{"date":1}]')[:-12], Content_Encoding="gzip"), id="gzip_not_closed"
        ),
        pytest.param(answer(b"no gzip", Content_Encoding="gzip"), id="not_gzip_at_all"),
        pytest.param(answer("not found yet", status=425), id="too_early"),
        pytest.param(answer(status=500), id="server_error"),
    ],
)
def test_a_broken_answer_is_asked_for_again(poll, broken, waits):
    assert poll(broken, GOOD).frame["value"].tolist() == [70.5]
    assert len(waits) == 1


def test_a_dropped_connection_that_stays_so_is_unreachable(poll):
    with pytest.raises(SourceUnreachable, match=r"dropped before the answer .*\(4 attempts\)"):
        poll(drop(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[{"))


def test_json_that_stays_cut_is_a_bad_response(poll):
    with pytest.raises(BadResponse, match=r"is cut: 12 characters.*4 attempts"):
        poll(answer('[{"date": "2', Content_Length=None))


def test_broken_json_is_not_asked_for_again(poll, waits):
    with pytest.raises(BadResponse, match=r"broken JSON at line 1 column 10.*near"):
        poll(answer('[{"date" 3}]'))
    assert waits == []


def test_waits_double_up_to_the_longest_and_are_spread(json_source, week, at, provider):
    provider.says(answer(status=503))
    waits: list[float] = []
    least = Waiting(sleep=waits.append, jitter=lambda: 0.0)
    rules = {"attempts": 5, "first_wait_s": 1, "max_wait_s": 3}
    with pytest.raises(SourceUnreachable, match=r"503 Service Unavailable"):
        http_json.fetch(json_source(retries=rules, timeouts={"total_s": 60}), week, at(), waiting=least)
    assert waits == [0.5, 1.0, 1.5, 1.5]


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        pytest.param({"Retry_After": "3"}, 3.5, id="seconds"),
        pytest.param(
            {"Retry_After": "Mon, 06 Jun 2016 06:00:05 GMT", "Date": "Mon, 06 Jun 2016 06:00:01 GMT"},
            4.5,
            id="date_by_the_servers_clock",
        ),
        pytest.param(
            {"Retry_After": "Mon, 06 Jun 2016 06:00:05 GMT"}, 0.5, id="date_without_the_servers_clock"
        ),
        pytest.param({"Retry_After": "soon"}, 0.5, id="nonsense"),
        pytest.param({"Retry_After": "3600"}, 6.0, id="longer_than_the_longest_wait"),
    ],
)
def test_retry_after_is_kept(poll, waits, headers, waited):
    found = poll(answer(status=429, **headers), GOOD, retries={"max_wait_s": 6})
    assert found.requests == 2
    assert waits == [waited]


def test_429_that_stays_tells_the_servers_wish(poll):
    with pytest.raises(SourceRateLimited, match=r"429 Too Many Requests: slow down.*2 attempts") as raised:
        poll(
            answer({"message": "slow down"}, status=429, Retry_After="7"),
            retries={"attempts": 2, "max_wait_s": 1},
        )
    assert raised.value.retry_after_s == 7


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_fails_at_once_and_names_the_connection(poll, waits, status):
    with pytest.raises(BadCredential, match=rf"{status} .*key expired.*\nNext: renew .*'weather'"):
        poll(answer({"error": {"message": "key expired"}}, status=status))
    assert waits == []


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        pytest.param(
            {"detail": "no such station"}, "application/json", "404 X: no such station from", id="json"
        ),
        pytest.param("no such station\n", "text/plain", "404 X: no such station from", id="text"),
        pytest.param("<html><title>Not&nbsp;here</title>", "text/html", "404 X: Not here from", id="page"),
        pytest.param('<error code="4" message="gone"/>', "text/xml", "404 X: gone from", id="xml"),
        pytest.param("", "text/plain", "404 X from", id="nothing"),
        pytest.param(
            {"errorMessage": "Bad", "errors": [{"field": "startDate", "message": "no date"}]},
            "application/json",
            r"404 X: Bad \(no date\) from",
            id="json_with_a_list",
        ),
    ],
)
def test_a_refusal_tells_the_servers_words(poll, body, kind, said, waits):
    with pytest.raises(BadResponse, match=said):
        poll(answer(body, status=404, kind=kind))
    assert waits == []


def test_an_html_page_with_status_200_is_named_as_such(poll, waits):
    page = "<!DOCTYPE html><html><head><title>Down for\n maintenance</title></head></html>"
    with pytest.raises(BadResponse, match=r"an HTML page titled 'Down for maintenance' instead of JSON"):
        poll(answer(page, kind="text/html; charset=utf-8"))
    with pytest.raises(BadResponse, match=r"an HTML page titled .* instead of JSON"):
        poll(answer(page, kind="application/json"))
    assert waits == []


def test_json_that_is_labelled_as_a_page_is_read(poll):
    assert poll(answer(RECORDS, kind="text/html")).frame["value"].tolist() == [70.5]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        pytest.param("image/png", "image/png instead of JSON", id="image"),
        pytest.param("application/pdf", "application/pdf instead of JSON", id="pdf"),
        pytest.param("text/csv", "text/csv instead of JSON", id="csv"),
        pytest.param("application/xml", "application/xml instead of JSON", id="xml"),
    ],
)
def test_another_content_type_is_refused(poll, kind, said):
    with pytest.raises(BadResponse, match=said):
        poll(answer(RECORDS, kind=kind))


def test_json_where_csv_belongs_tells_what_it_says(provider, at, week, csv_source):
    provider.says(answer({"error": "unknown station"}))
    with pytest.raises(BadResponse, match=r"application/json instead of CSV .*\(unknown station\)"):
        http_csv.fetch(csv_source(), week, at())


@pytest.mark.parametrize(
    "huge",
    [
        pytest.param(answer("[]", length=10**9), id="by_its_length"),
        pytest.param(answer("[" + " " * 50_000 + "]", Content_Length=None), id="while_reading"),
        pytest.param(answer(gzip.compress(b" " * 50_000_000), Content_Encoding="gzip"), id="gzip_bomb"),
        pytest.param(
            answer(gzip.compress(b" " * 9_000) + gzip.compress(b" " * 9_000), Content_Encoding="gzip"),
            id="gzip_in_members",
        ),
    ],
)
def test_a_body_over_the_limit_is_refused(poll, huge, waits):
    with pytest.raises(BadResponse, match=r"larger than max_response_mb = 0.01"):
        poll(huge, max_response_mb=0.01)
    assert waits == []


@pytest.mark.parametrize(
    ("pack", "name"),
    [
        pytest.param(gzip.compress, "gzip", id="gzip"),
        pytest.param(zlib.compress, "deflate", id="deflate"),
        pytest.param(lambda b: gzip.compress(b[:10]) + gzip.compress(b[10:]), "x-gzip", id="gzip_in_members"),
    ],
)
def test_packed_answers_are_unpacked(poll, pack, name):
    packed = pack(b'[{"date": "2016-06-01", "tmax": 70.5}]')
    assert poll(answer(packed, Content_Encoding=name)).frame["value"].tolist() == [70.5]


def test_a_packing_that_was_not_asked_for_is_refused(poll):
    with pytest.raises(BadResponse, match=r"encoding 'br'"):
        poll(answer(RECORDS, Content_Encoding="br"))


def test_a_partial_answer_is_no_answer(poll):
    with pytest.raises(BadResponse, match=r"206"):
        poll(answer(RECORDS, status=206))


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        pytest.param({"login": "ann", "password": "pw"}, ("authorization", "Basic YW5uOnB3"), id="basic"),
        pytest.param({"token": "t0k"}, ("authorization", "Bearer t0k"), id="bearer"),
        pytest.param({"extra": {"header:X-Api-Key": "k1"}}, ("x-api-key", "k1"), id="header"),
    ],
)
def test_the_credential_is_sent(poll, provider, at, given, sent):
    poll(GOOD, connection=at(**given))
    assert provider.requests[0].headers[sent[0]] == sent[1]


def test_a_key_in_the_query_is_sent_and_never_shown(poll, provider, at, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(BadResponse) as raised:
        poll(answer("no s3cret+key here", status=400), connection=at(extra={"query:key": "s3cret+key"}))
    assert provider.requests[0].query["key"] == "s3cret+key"
    for text in (str(raised.value), caplog.text):
        assert "s3cret" not in text
    assert "no *** here" in str(raised.value)


def test_a_redirect_on_the_same_server_keeps_the_credential(poll, provider, at):
    found = poll(answer(status=302, Location="/moved?x=1"), GOOD, connection=at(token="t0k"))
    assert found.requests == 2
    assert [r.path for r in provider.requests] == ["/daily", "/moved"]
    assert provider.requests[1].headers["authorization"] == "Bearer t0k"


def test_a_redirect_to_another_server_does_not_get_the_credential(poll, provider, other_server, at):
    other_server.says(GOOD)
    given = {"extra": {"header:X-Api-Key": "k1", "query:key": "k2"}}
    for credential in ({"token": "t0k"}, {"login": "ann", "password": "pw"}):
        poll(answer(status=302, Location=f"{other_server.url}/there"), connection=at(**credential, **given))
    assert [r.headers.get("authorization", "")[:6] for r in provider.requests] == ["Bearer", "Basic "]
    for request in other_server.requests:
        assert request.path == "/there"
        assert request.query == {}
        assert not {"authorization", "x-api-key"} & set(request.headers)


def test_redirects_in_a_circle_end(poll, provider):
    with pytest.raises(BadResponse, match=r"redirects more than 5 times"):
        poll(answer(status=302, Location="/daily"))
    assert len(provider.requests) == 6


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(poll, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert poll(GOOD).requests == 1


@pytest.mark.parametrize(
    "connection",
    [
        pytest.param(None, id="none"),
        pytest.param(Connection("weather"), id="no_address"),
        pytest.param(Connection("weather", "ftp://host/x"), id="another_protocol"),
        pytest.param(Connection("weather", "http://[::1"), id="broken_address"),
    ],
)
def test_a_missing_address_says_what_to_set(json_source, week, connection):
    with pytest.raises(SourceError, match=r"address"):
        http_json.fetch(json_source(), week, connection)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        pytest.param("http://h", "http://h/fred/series", id="host"),
        pytest.param("http://h/", "http://h/fred/series", id="host_with_slash"),
        pytest.param("http://h/fred", "http://h/fred/series", id="half_of_the_path"),
        pytest.param("http://h/fred/series", "http://h/fred/series", id="whole_path"),
        pytest.param("http://h/proxy", "http://h/proxy/fred/series", id="another_path"),
    ],
)
def test_a_documented_path_is_found_below_any_base(json_source, base, url):
    with Transport(json_source(), Connection("x", base)) as transport:
        assert str(transport.documented_url("/fred/series")) == url
