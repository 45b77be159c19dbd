"""A source that also speaks of days to come: what came is no revision of a forecast, a rewritten past is."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast import ingest, validate
from steadycast.lake import open_lake
from steadycast.lake.cells import days
from steadycast.revisions.forecasts import without_forecasts
from steadycast.settings import Settings

START, FIRST = dt.date(2015, 9, 7), dt.date(2016, 6, 6)
MONDAYS = [FIRST + dt.timedelta(weeks=n) for n in range(4)]


def came(day):
    season = np.sin(2 * np.pi * day.timetuple().tm_yday / 365)
    return 15 + 10 * season + 3 * np.random.default_rng(day.toordinal()).standard_normal()


def says(day, as_of):
    """What came of days before the Monday; of later ones a forecast, worse the farther it looks."""
    ahead = (day - as_of).days
    error = np.random.default_rng([day.toordinal(), as_of.toordinal()]).standard_normal()
    return came(day) if ahead < 0 else came(day) + error * (0.5 + 0.25 * ahead)


class Station:
    """A weather forecast in a file, polled and judged Monday by Monday."""

    def __init__(self, folder):
        self.file = folder / "weather.csv"
        self.lake = open_lake(str(folder / "lake"))
        table = {"kind": "local_file", "layout": {"entity": "town", "date_field": "day"}}
        self.source = Settings.model_validate(
            {
                "title": "t",
                "schedule": {"first_week": FIRST},
                "target": {"source": "sales", "variable": "sold", "unit": "EUR per week"},
                "sources": [
                    {
                        "name": "sales", "role": "fundamental", "path": "sales.csv", **table,
                        "variables": [{"name": "sold", "unit": "EUR", "weekly": "sum"}],
                    },
                    {
                        "name": "weather", "path": str(self.file), "ahead_weeks": 2, "history_start": START,
                        "expected_lag_days": 0, **table,
                        "variables": [{"name": "tmax", "unit": "degC", "weekly": "mean"}],
                    },
                ],
                "forecast": {"ahead": {"weather": ["tmax"]}},
            }
        ).source("weather")  # fmt: skip

    def week(self, as_of, change=lambda day, value: value):
        """The verdict of a Monday; ``change`` is what the provider does to its values."""
        dates = [day.date() for day in pd.date_range(START, as_of + dt.timedelta(days=13))]
        lines = [f"{day},{change(day, says(day, as_of)):.1f}" for day in dates]
        self.file.write_text("day,tmax\n" + "\n".join(lines) + "\n")
        moment = dt.datetime.combine(as_of, dt.time(6), dt.UTC)
        ingest.run(self.lake, self.source, as_of=as_of, retrieved_at=moment, connection=None)
        return self.lake.read_json(validate.run(self.lake, self.source, as_of=as_of))


@pytest.fixture
def station(tmp_path):
    return Station(tmp_path)


def test_weeks_in_which_forecasts_become_what_came_have_nothing_to_tell(station):
    told = [station.week(monday) for monday in MONDAYS]
    assert [(verdict["verdict"], verdict["warnings"]) for verdict in told] == [("pass", [])] * len(MONDAYS)
    assert not any("otherwise" in verdict for verdict in told)


def test_a_past_that_is_rewritten_is_still_told(station):
    for monday in MONDAYS[:2]:
        station.week(monday)
    end = MONDAYS[1] - dt.timedelta(weeks=1)
    found = station.week(MONDAYS[2], lambda day, value: value * 1.3 if day < end else value)
    assert found["verdict"] == "warn"
    assert "weather: tmax of town is " in found["warnings"][0]


def test_a_cell_is_known_from_its_first_version_after_its_period(tmp_path):
    observations = open_lake(str(tmp_path)).observations("plan")
    segments = []
    for moment, value in (("2016-06-06", 1.0), ("2016-06-13", 2.0), ("2016-06-20", 3.0)):
        frame = pd.DataFrame(
            {
                "entity": ["a", "b"],
                "date": pd.to_datetime(["2016-06-10", "2016-06-25"]).as_unit("us"),
                "variable": "x",
                "value": [value, value],
            }
        ).astype({"entity": "str", "variable": "str"})
        at = dt.datetime.combine(dt.date.fromisoformat(moment), dt.time(6), dt.UTC)
        segments.append(observations.append(frame, at).segment)
        observations.accept(segments[-1], by="test")
    told = observations.told(segments)
    found = without_forecasts(told, 1)
    assert found.cells.value.tolist() == [2.0, 3.0]  # of the 10th; the 25th is only forecast
    assert found.first.tolist() == [True, False]
    assert found.polls[:, 2].tolist() == [days(dt.date(2016, 6, day)) for day in (5, 12, 19)]
    assert without_forecasts(told, 7).cells.value.tolist() == [3.0]  # the week of the 10th ends on the 17th
    nothing = without_forecasts(observations.told([]), 1)
    assert len(nothing.cells) == 0
