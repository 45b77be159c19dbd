import datetime as dt
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from sandbox.broken_http import asked_as_of
from tests.sandbox_server import running_sandbox

JUNE = {"as_of": "2016-06-06", "start": "2016-05-30", "end": "2016-06-06"}
WEATHER = "/weather_a/daily"


def test_down_answers_503_and_recovers(get, sandbox):
    sandbox.fault("weather_a", "down", count=1)
    assert [get(WEATHER).status_code for _ in range(2)] == [503, 200]


@pytest.mark.parametrize("status", [401, 404, 500])
def test_down_takes_another_status(get, sandbox, status):
    sandbox.fault("weather_a", "down", status=status)
    assert get(WEATHER).status_code == status


def test_down_can_name_a_time_to_retry(get, sandbox):
    sandbox.fault("weather_a", "down", retry_after=7)
    assert get(WEATHER).headers["retry-after"] == "7"


def test_dropped_connections_bring_no_answer(get, sandbox):
    sandbox.fault("weather_a", "down", drop=True)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        get(WEATHER)


def test_too_many_names_a_time_to_retry(get, sandbox):
    sandbox.fault("weather_a", "too_many", retry_after=3)
    assert (get(WEATHER).status_code, get(WEATHER).headers["retry-after"]) == (429, "3")
    sandbox.fault("weather_a", "too_many")
    assert get(WEATHER).headers["retry-after"] == "1"


def test_html_is_a_page_with_status_200(get, sandbox):
    sandbox.fault("weather_a", "html")
    found = get(WEATHER)
    assert (found.status_code, found.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>" in found.text


@pytest.mark.parametrize("route", [WEATHER, "/weather_b/daily.csv"])
def test_truncated_ends_before_the_length_it_declares(get, sandbox, route):
    whole = len(get(route, params=JUNE).content)
    sandbox.fault(route.split("/")[1], "truncated")
    with pytest.raises(httpx.RemoteProtocolError, match=rf"received {whole // 2} bytes, expected {whole}"):
        get(route, params=JUNE)


def test_slow_waits_and_then_answers(get, sandbox):
    sandbox.fault("weather_a", "slow", seconds=0.4)
    began = time.monotonic()
    assert get(WEATHER, params=JUNE).json()["observations"]
    assert 0.4 <= time.monotonic() - began < 5


def test_a_hang_never_answers_and_others_are_served_meanwhile(get, sandbox):
    sandbox.fault("weather_a", "hang")
    with ThreadPoolExecutor(20) as pool:
        hung = [pool.submit(get, WEATHER, timeout=1.5) for _ in range(20)]
        assert get("/fuel/weekly.csv").status_code == 200
        assert not any(one.done() for one in hung)
        assert [type(one.exception()) for one in hung] == [httpx.ReadTimeout] * 20


def test_a_drip_sends_a_byte_at_a_time(server, sandbox):
    sandbox.fault("weather_a", "hang", drip=True, seconds=0.05)
    with httpx.stream("GET", server.url + WEATHER, params=JUNE, timeout=5, trust_env=False) as answer:
        assert int(answer.headers["content-length"]) > 100
        pieces = answer.iter_raw()
        assert [next(pieces) for _ in range(4)] == [b"{", b'"', b"o", b"b"]


def test_a_drip_comes_to_an_end_if_one_waits(get, sandbox):
    sandbox.fault("fuel", "hang", drip=True, seconds=0.001)
    found = get("/fuel/weekly.csv", params={**JUNE, "start": "2016-05-20"}).text
    assert found.startswith("datetime,petrol_usd_per_gallon\n2016-05-20")


def test_the_server_reports_no_error_of_its_own_after_broken_answers(small_data, tmp_path):
    log = tmp_path / "log"
    with running_sandbox(small_data, log) as sandbox:
        for kind, options in (
            ("down", {"drop": True}),
            ("truncated", {}),
            ("hang", {}),
            ("hang", {"drip": True}),
        ):
            sandbox.fault("fuel", kind, **options)
            with pytest.raises(httpx.HTTPError):
                httpx.get(f"{sandbox.url}/fuel/weekly.csv", timeout=0.5, trust_env=False)
    told = log.read_text()
    assert "Traceback" not in told
    assert "ERROR" not in told


@pytest.mark.parametrize("kind", ["hang", "slow"])
def test_a_hanging_request_does_not_hold_up_the_end(small_data, tmp_path, kind):
    with running_sandbox(small_data, tmp_path / "log") as sandbox, ThreadPoolExecutor(1) as pool:
        sandbox.fault("fuel", kind)
        hung = pool.submit(httpx.get, f"{sandbox.url}/fuel/weekly.csv", timeout=30, trust_env=False)
        while '"hit":1' not in httpx.get(f"{sandbox.url}/admin/faults", trust_env=False).text:
            time.sleep(0.02)
        assert sandbox.stop() < 2
        assert hung.exception() is not None


@pytest.mark.parametrize(
    ("query", "day"),
    [
        pytest.param(b"as_of=2016-06-06&start=2016-01-01", dt.date(2016, 6, 6), id="as_of"),
        pytest.param(b"realtime_end=2016-06-05", dt.date(2016, 6, 6), id="fred_asked_on_the_sunday"),
        pytest.param(b"as_of=soon", None, id="unreadable"),
        pytest.param(b"", None, id="none"),
    ],
)
def test_the_day_that_a_request_is_meant_for(query, day):
    assert asked_as_of(query) == day
