from __future__ import annotations

import datetime as dt

import pytest

from steadycast.settings import HttpCsvSource, HttpJsonSource
from steadycast.sources import Connection, Window
from steadycast.sources.http import Waiting
from tests.unit.sources import provider as providers

TMAX = {"name": "tmax_f", "field": "tmax", "unit": "degF"}
DAY = "2016-06-01"


@pytest.fixture
def provider():
    with providers.running() as running:
        yield running


@pytest.fixture
def other_server():
    with providers.running() as running:
        yield running


@pytest.fixture
def week():
    return Window(dt.date(2016, 5, 30), dt.date(2016, 6, 6), dt.date(2016, 6, 6))


@pytest.fixture
def at(provider):
    """The connection to the provider; arguments are its credential."""
    return lambda **given: Connection("weather", provider.url, **given)


@pytest.fixture
def waits():
    return []


@pytest.fixture
def waiting(waits):
    """No wait is slept through, each one is written down."""
    return Waiting(sleep=waits.append, jitter=lambda: 1.0)


def _given(kind, changes):
    return {
        "name": "weather",
        "kind": kind,
        "connection": "weather",
        "path": "/daily",
        "layout": {"entity": "midway"},
        "variables": [TMAX],
        "timeouts": {"connect_s": 2, "read_s": 2, "request_s": 3, "total_s": 10},
        **changes,
    }


@pytest.fixture
def json_source():
    return lambda **changes: HttpJsonSource.model_validate(_given("http_json", changes))


@pytest.fixture
def csv_source():
    return lambda **changes: HttpCsvSource.model_validate(_given("http_csv", changes))
