import datetime as dt
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from steadycast import backtest, fallback, ingest, publication, publish, schema
from steadycast.errors import PublicationError
from steadycast.fallback import publishing
from steadycast.lake import open_lake
from tests.forecast_tables import AS_OF, ENTITIES, LEVEL, forecast, settings
from tests.unit.test_publish import CHECK, FORECAST, judged, panel

WEEK = dt.timedelta(weeks=1)
REASON = "ridership could not be read by the deadline"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _plots_are_tested_elsewhere(monkeypatch):
    # a picture takes a second; the command's test draws one
    monkeypatch.setattr(publishing.plots, "forecast_png", lambda *_, **__: b"picture")


@pytest.fixture
def lake(tmp_path):
    return open_lake(str(tmp_path / "lake"))


def observe(lake, weeks=130, until=AS_OF, wobble=0.1):
    """Daily values of ``weeks`` weeks; each week of the year has its own, and a year adds its own tenth."""
    days = pd.date_range(end=until - dt.timedelta(days=1), periods=7 * weeks, unit="us")
    rows = [(e, day, "entries", LEVEL[e] / 7 * value(day, wobble)) for e in ENTITIES for day in days]
    frame = pd.DataFrame(rows, columns=["entity", "date", "variable", "value"])
    moment = dt.datetime.combine(until, dt.time(), dt.UTC)
    observations = lake.observations("ridership")
    observations.accept(observations.append(frame, moment).segment, by="test")


def value(day, wobble=0.1):
    monday = day - pd.Timedelta(days=day.weekday())
    return 1 + wobble * np.sin(monday.toordinal() / 7)


def publish_earlier(lake, as_of, horizons=4, scale=1.0, verdict="ok"):
    rows = [forecast(as_of + i * WEEK).assign(horizon=lambda f, i=i: f["horizon"] + i) for i in (0, 2)]
    frame = pd.concat(rows, ignore_index=True)
    for column in ("point", *schema.BOUNDS):
        frame[column] *= scale * (1 + frame["horizon"] / 100)
    frame["as_of"] = pd.Timestamp(as_of).as_unit("us")
    frame = frame[frame["horizon"] <= horizons]
    data = lake.read_bytes(lake.write_frame(f"staging/{as_of}.parquet", frame.reset_index(drop=True)))
    publication.write_published(lake, as_of, {"forecast.parquet": data}, {"verdict": verdict})
    return frame


def four_weeks():
    return settings(forecast={"horizon_weeks": 4})


def run(lake, chosen=None, reason=REASON):
    return fallback.run(lake, chosen or four_weeks(), as_of=AS_OF, reason=reason)


def rows_of(frame, entity="Polk"):
    return frame[frame["entity"] == entity].set_index("horizon")


def test_weeks_that_last_weeks_forecast_covers_are_that_forecast_the_last_one_is_last_year(lake):
    observe(lake)
    before = publish_earlier(lake, AS_OF - WEEK)
    assert run(lake) == f"published/{AS_OF}/manifest.json"
    frame, manifest = publication.read_published(lake, AS_OF)
    mine, theirs = rows_of(frame), rows_of(before)
    for horizon in (1, 2, 3):
        for column in ("week", "point", *schema.BOUNDS):
            assert mine.loc[horizon, column] == theirs.loc[horizon + 1, column], (horizon, column)
    # 52 weeks before 2016-06-27 the nation celebrated, so that the week before is the one to compare with
    last_year = LEVEL["Polk"] * value(pd.Timestamp(AS_OF + 3 * WEEK) - pd.Timedelta(weeks=53))
    assert mine.loc[4, "point"] == pytest.approx(last_year)
    assert mine.loc[4, "point"] == mine.loc[4, "same_week_last_year"]
    sentence = f"fallback: {REASON}; weeks 1-3 are last week's forecast, week 4 is same week last year"
    assert (manifest["verdict"], manifest["degraded"], manifest["reasons"]) == ("fallback", True, [sentence])


def test_table_is_complete_and_every_row_says_what_it_is(lake):
    observe(lake)
    publish_earlier(lake, AS_OF - WEEK)
    run(lake)
    frame, manifest = publication.read_published(lake, AS_OF)
    assert frame.dtypes.astype(str).to_dict() == schema.FORECAST_DTYPES
    assert list(zip(frame["entity"], frame["horizon"], strict=True)) == [
        (entity, horizon) for entity in ENTITIES for horizon in (1, 2, 3, 4)
    ]
    assert frame["degraded"].all()
    told = rows_of(frame)["degraded_reasons"]
    assert told[1] == f"fallback: {REASON}; this is the forecast of {AS_OF - WEEK}"
    assert told[4] == f"fallback: {REASON}; this is same week last year"
    assert set(frame["model_id"]) == {manifest["model_id"]}
    assert manifest["model_id"].startswith("fallback-")
    assert frame[["same_week_last_year", "moving_average", "last_value"]].notna().all(axis=None)


def test_bounds_of_last_year_are_as_wide_as_its_own_errors(lake):
    observe(lake)
    run(lake)
    frame, _ = publication.read_published(lake, AS_OF)
    row = rows_of(frame).loc[4]
    assert row["lower_95"] <= row["lower_80"] < row["point"] < row["upper_80"] <= row["upper_95"]
    # last year is off by up to a fifth of the level here; the last weeks' mean would be off by less
    misses = [
        abs(value(pd.Timestamp(AS_OF) - i * WEEK) - value(pd.Timestamp(AS_OF) - (52 + i) * WEEK))
        for i in range(1, 53)
    ]
    assert row["upper_80"] - row["point"] >= LEVEL["Polk"] * np.quantile(misses, 0.6)


@pytest.mark.parametrize(
    ("earlier", "wanted"),
    [
        pytest.param([1], "weeks 1-3 are last week's forecast, week 4 is same week last year", id="one_week"),
        pytest.param(
            [2], "weeks 1-2 are the forecast of 2016-05-23, weeks 3-4 are same week last year", id="two"
        ),
        pytest.param([4], "weeks 1-4 are same week last year", id="too_old_to_cover_anything"),
        pytest.param(
            [2, 1], "weeks 1-3 are last week's forecast, week 4 is same week last year", id="newest"
        ),
        pytest.param([], "weeks 1-4 are same week last year", id="none"),
    ],
)
def test_reason_tells_where_each_week_comes_from(lake, earlier, wanted):
    observe(lake)
    for back in earlier:
        publish_earlier(lake, AS_OF - back * WEEK)
    run(lake)
    assert publication.read_published(lake, AS_OF)[1]["reasons"] == [f"fallback: {REASON}; {wanted}"]


def test_an_earlier_fallback_is_not_taken_for_a_forecast(lake):
    observe(lake)
    publish_earlier(lake, AS_OF - 2 * WEEK)
    publish_earlier(lake, AS_OF - WEEK, scale=99, verdict="fallback")
    run(lake)
    frame, manifest = publication.read_published(lake, AS_OF)
    assert "the forecast of 2016-05-23" in manifest["reasons"][0]
    assert frame["point"].max() < 2 * LEVEL["Clark_Lake"]


def test_a_damaged_publication_is_passed_over(lake):
    observe(lake)
    publish_earlier(lake, AS_OF - 2 * WEEK)
    publish_earlier(lake, AS_OF - WEEK)
    (path,) = {publication.standing(lake, AS_OF - WEEK)["files"]["forecast.parquet"]}
    lake.write_bytes(path, b"damaged")
    run(lake)
    assert "the forecast of 2016-05-23" in publication.read_published(lake, AS_OF)[1]["reasons"][0]


def test_values_that_came_after_the_monday_have_no_part(lake):
    observe(lake)
    run(lake)
    before = publication.read_published(lake, AS_OF)[0]
    other = open_lake(lake.url + "-2")
    observe(other)
    observe(other, until=AS_OF + 3 * WEEK, wobble=0.9)
    run(other)
    pd.testing.assert_frame_equal(publication.read_published(other, AS_OF)[0], before)


def test_without_observations_the_earlier_forecast_alone_is_published(lake):
    publish_earlier(lake, AS_OF - WEEK)
    run(lake)
    frame, manifest = publication.read_published(lake, AS_OF)
    assert rows_of(frame)["point"].notna().tolist() == [True, True, True, False]
    assert manifest["reasons"][0].endswith("2 row(s) are empty because nothing is known")
    assert rows_of(frame).loc[4, "degraded_reasons"].endswith("nothing, as nothing is known")


def test_without_last_year_the_recent_level_stands_in_and_is_called_so(lake):
    observe(lake, weeks=20)
    run(lake)
    frame, manifest = publication.read_published(lake, AS_OF)
    assert frame["point"].notna().all()
    assert manifest["reasons"][0].endswith("weeks 1-4 are the mean of the last weeks")


def test_nothing_known_is_an_error_and_publishes_nothing(lake):
    with pytest.raises(PublicationError, match="no fallback for 2016-06-06"):
        run(lake)
    assert publication.published_weeks(lake) == []


def test_a_real_publication_is_never_overwritten(lake):
    observe(lake)
    publish_earlier(lake, AS_OF)
    before = {path: lake.read_bytes(path) for path in lake.list("published")}
    run(lake)
    assert {path: lake.read_bytes(path) for path in lake.list("published")} == before


def test_a_run_that_publishes_in_the_last_moment_wins(lake, monkeypatch):
    observe(lake)
    original = publication.write_fallback

    def overtaken(*arguments):
        publish_earlier(lake, AS_OF)
        return original(*arguments)

    monkeypatch.setattr(publishing.publication, "write_fallback", overtaken)
    run(lake)
    assert publication.standing(lake, AS_OF)["verdict"] == "ok"
    stored = publication.standing(lake, AS_OF)["files"]["forecast.parquet"]
    assert lake.read_bytes(f"published/{AS_OF}/forecast.parquet") == lake.read_bytes(stored)


def test_a_second_fallback_changes_nothing(lake):
    observe(lake)
    run(lake)
    before = {path: lake.read_bytes(path) for path in lake.list("")}
    run(lake, reason="another one")
    assert {path: lake.read_bytes(path) for path in lake.list("")} == before


def test_a_later_real_publication_replaces_it_and_says_so_also_when_it_runs_twice(lake, monkeypatch):
    monkeypatch.setattr(publish.plots, "forecast_png", lambda *_, **__: b"picture")
    observe(lake)
    run(lake)
    told = publication.standing(lake, AS_OF)["reasons"][0]
    lake.write_frame(f"runs/{AS_OF}/impute/panel.parquet", panel())
    judged(lake)
    for _ in range(2):
        publish.run(lake, settings(), FORECAST, CHECK, as_of=AS_OF)
        frame, manifest = publication.read_published(lake)
        assert frame.equals(forecast())
        assert (manifest["verdict"], manifest["degraded"], manifest["replaces"]) == ("ok", False, told)
        assert manifest["reasons"] == [f"replaces a {told}"]


def test_a_fallback_seals_no_week_a_real_publication_does(lake, tmp_path):
    source = settings(sources=[settings().sources[0].model_dump() | {"path": str(tmp_path / "rides.csv")}])
    days = pd.date_range("2016-05-02", "2016-06-05")

    def poll(rides):
        lines = [f"{e},{day:%Y-%m-%d},{rides}" for e in ENTITIES for day in days]
        (tmp_path / "rides.csv").write_text("station,date,entries\n" + "\n".join(lines) + "\n")
        at = dt.datetime(2016, 6, 6, int(rides), tzinfo=dt.UTC)
        path = ingest.run(lake, source.sources[0], as_of=AS_OF, retrieved_at=at, connection=None)
        return lake.read_json(path)["retrieved_at"]

    first = poll(1)
    observe(lake)
    run(lake)
    second = poll(2)
    assert second > first
    publish_earlier(lake, AS_OF)
    assert poll(3) == second


def test_the_backtest_scores_it_as_what_was_published(lake, monkeypatch):
    monkeypatch.setattr(backtest.plots, "scores_png", lambda *_, **__: b"picture")
    observe(lake)
    run(lake)
    observe(lake, until=AS_OF + WEEK)
    backtest.run(lake, four_weeks(), as_of=AS_OF + WEEK)
    scored = lake.read_frame(f"backtest/{AS_OF + WEEK}/scores.parquet")
    ours = scored[scored["model"] == "ours"]
    assert len(ours) == len(ENTITIES)
    assert ours["degraded"].all()


def test_command_publishes_and_tells_what(lake, tmp_path):
    observe(lake)
    file = tmp_path / "pipeline.yaml"
    file.write_text(yaml.safe_dump(four_weeks().model_dump(mode="json", exclude_none=True)))
    command = [sys.executable, "-m", "steadycast.fallback", "--lake", lake.url, "--settings", str(file)]
    command += ["--week", str(AS_OF), "--reason", REASON]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "include"), "MPLBACKEND": "agg"},
    )
    assert done.returncode == 0, done.stderr
    assert f"fallback: {REASON}; weeks 1-4 are same week last year" in done.stdout
    assert lake.read_bytes(f"published/{AS_OF}/forecast.png").startswith(b"\x89PNG")
