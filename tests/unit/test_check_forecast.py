"""The stage: what is written and raised. The rules themselves are in expectations/test_forecast_gate.py."""

import datetime as dt

import pytest

from steadycast import check_forecast, findings, publication
from steadycast.errors import ArtefactMissing
from steadycast.lake import open_lake
from tests.forecast_tables import AS_OF, forecast, panel, settings

FORECAST = f"runs/{AS_OF}/infer/forecast.parquet"
CHECK = f"runs/{AS_OF}/check_forecast.json"
UNUSUAL = {("Clark_Lake", 2, "same_week_last_year"): 56.0}
UNUSUAL_SAYS = "Clark_Lake week of 2016-06-13: point 101 is 1.8 times the same week last year (56)"


@pytest.fixture
def lake(tmp_path):
    lake = open_lake(str(tmp_path / "lake"))
    lake.write_frame(f"runs/{AS_OF}/impute/panel.parquet", panel())
    return lake


def test_a_good_forecast_is_ok_with_its_pages_beside_it_and_the_same_bytes_again(lake):
    lake.write_frame(FORECAST, forecast())
    told = []
    path = check_forecast.run(
        lake, settings(), FORECAST, as_of=AS_OF, progress=lambda *step: told.append(step)
    )
    check = lake.read_json(path)
    assert path == CHECK
    assert (check["verdict"], check["reasons"], check["flags"]) == ("ok", [], [])
    assert check["docs"] == f"runs/{AS_OF}/check_forecast/docs/index.html"
    page = lake.read_bytes(check["docs"]).decode()
    assert all(suite in page for suite in ("forecast_columns", "forecast_coverage", "forecast_values"))
    own = [(done, total) for what, done, total in told if what.startswith("check_forecast")]
    assert own == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert ("checking forecast_values", 2, 4) in told

    first = {path: lake.read_bytes(path) for path in lake.list("runs")}
    check_forecast.run(lake, settings(), FORECAST, as_of=AS_OF)
    assert {path: lake.read_bytes(path) for path in lake.list("runs")} == first


def test_an_unusual_forecast_is_to_be_looked_at_and_its_row_is_flagged(lake):
    lake.write_frame(FORECAST, forecast(cells=UNUSUAL))
    check = lake.read_json(check_forecast.run(lake, settings(), FORECAST, as_of=AS_OF))
    assert (check["verdict"], check["reasons"], check["failures"]) == ("look", [UNUSUAL_SAYS], [])
    assert check["flags"] == [{"entity": "Clark_Lake", "week": "2016-06-13", "says": UNUSUAL_SAYS}]


def test_a_forecast_that_is_not_whole_is_held_with_the_reasons_and_a_finding(lake):
    lake.write_frame(FORECAST, forecast(cells=UNUSUAL).iloc[:-1])
    check_forecast.run(lake, settings(), FORECAST, as_of=AS_OF)
    check = lake.read_json(CHECK)
    assert check["verdict"] == "hold"
    assert check["reasons"] == ["Polk has no forecast for horizon 2", UNUSUAL_SAYS]
    assert lake.exists(check["docs"])
    (found,) = findings.read(lake, as_of=AS_OF)
    assert (found.severity, found.kind) == ("hold", "odd_forecast")
    assert "Polk has no forecast for horizon 2" in found.text
    assert "release" in found.next


def test_a_forecast_that_is_looked_at_is_a_warning_and_a_good_one_none(lake):
    lake.write_frame(FORECAST, forecast(cells=UNUSUAL))
    check_forecast.run(lake, settings(), FORECAST, as_of=AS_OF)
    (found,) = findings.read(lake, as_of=AS_OF)
    assert (found.severity, UNUSUAL_SAYS in found.text) == ("warning", True)
    lake.write_frame(FORECAST, forecast())
    check_forecast.run(lake, settings(), FORECAST, as_of=AS_OF)
    assert findings.read(lake, as_of=AS_OF) == []


def test_what_runs_published_before_is_compared_with_but_not_fallbacks(lake):
    weeks = [AS_OF - dt.timedelta(weeks=back) for back in (1, 2, 3, 12)]
    for week in weeks:
        verdict = publication.FALLBACK if week == weeks[0] else "ok"
        files = {publication.PARQUET: lake.read_bytes(lake.write_frame("made.parquet", forecast(week)))}
        publication.write_published(lake, week, files, {"verdict": verdict})
    found = [frame["as_of"].iloc[0].date() for frame in check_forecast.published(lake, AS_OF)]
    assert found == weeks[1:3]


def test_twice_the_same_points_are_an_old_forecast(lake):
    before = AS_OF - dt.timedelta(weeks=1)
    files = {publication.PARQUET: lake.read_bytes(lake.write_frame("made.parquet", forecast(before)))}
    publication.write_published(lake, before, files, {"verdict": "ok"})
    lake.write_frame(FORECAST, forecast())
    check = lake.read_json(check_forecast.run(lake, settings(), FORECAST, as_of=AS_OF))
    assert check["verdict"] == "hold"
    assert "exactly those of the forecast of 2016-05-30" in check["failures"][0]


def test_without_a_forecast_it_says_what_is_missing(lake):
    with pytest.raises(ArtefactMissing, match="infer"):
        check_forecast.run(lake, settings(), FORECAST, as_of=AS_OF)
