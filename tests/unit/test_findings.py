import datetime as dt

import pytest

from steadycast.findings import Finding, path, read, write
from steadycast.lake import Lake, open_lake

WEEK = dt.date(2016, 8, 22)
SCALED = Finding(
    "revision", "warning", "revision/weather_a/tmax_f", "weather_a rewrote its past", "x 1.8.", "Ask them.",
    source="weather_a",
)  # fmt: skip
LATE = Finding("late", "info", "late/fuel", "fuel is late", "It ends on 2016-08-01.", "Wait.", source="fuel")


@pytest.fixture
def lake(tmp_path) -> Lake:
    return open_lake(str(tmp_path))


def test_findings_come_back_as_they_were_written(lake):
    write(lake, [SCALED], as_of=WEEK, stage="revisions")
    write(lake, [LATE], as_of=WEEK, stage="ingest.fuel")

    assert read(lake, as_of=WEEK) == [LATE, SCALED]
    assert read(lake, as_of=dt.date(2016, 8, 15)) == []


def test_a_stage_that_runs_again_replaces_what_it_found(lake):
    write(lake, [SCALED, LATE], as_of=WEEK, stage="revisions")
    assert write(lake, [], as_of=WEEK, stage="revisions") == path(WEEK, "revisions")

    assert read(lake, as_of=WEEK) == []
