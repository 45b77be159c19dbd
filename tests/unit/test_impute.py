"""The weekly panel: each number with how it came about, nothing from the future, nothing from a neighbour."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast import impute, schema
from steadycast.errors import ArtefactMissing, SourceAbsent
from steadycast.lake import open_lake
from steadycast.panel import weekly_panel
from steadycast.settings import Settings

AS_OF = dt.date(2016, 6, 6)


def source(name, variables=("x",), **changes):
    return {
        "name": name,
        "kind": "local_file",
        "path": f"{name}.csv",
        "variables": [{"name": v, "unit": "u", "weekly": "mean"} for v in variables],
        "layout": {"entity_field": "e"},
        **changes,
    }


def settings(*sources, features=None, client=None):
    target = source(
        "target",
        variables=(),
        role="fundamental",
    ) | {"variables": [{"name": "rides", "unit": "rides per day", "minimum": 0, "weekly": "sum"}]}
    return Settings.model_validate(
        {
            "title": "t",
            "schedule": {"first_week": "2016-06-06"},
            "target": {"source": "target", "variable": "rides", "unit": "rides per week"},
            "sources": [target, *sources],
            "forecast": {"features": features or {}},
            "benchmarks": {"client_forecast": client},
        }
    )


def days(first, last, value=1.0, entity="a", variable="x"):
    dates = pd.date_range(first, last, unit="us")
    values = np.broadcast_to(np.asarray(value, dtype="float64"), len(dates)).copy()
    frame = pd.DataFrame({"entity": entity, "date": dates, "variable": variable, "value": values})
    return frame.astype({"entity": "str", "variable": "str"})


def rides(first="2016-05-09", last="2016-06-05", **more):
    return days(first, last, variable="rides", **more)


NOTHING = days("2016-01-02", "2016-01-01")


def panel(wanted, as_of=AS_OF, **observed):
    observed.setdefault("target", rides())
    return weekly_panel(wanted, observed, as_of=as_of)


def of(frame, name, variable="x", entity="a"):
    mine = frame[(frame.source == name) & (frame.variable == variable) & (frame.entity == entity)]
    return list(zip(mine.week.dt.strftime("%m-%d"), mine.value.replace(np.nan, None), mine.how, strict=True))


def hows(frame, name, **which):
    return [how for _, _, how in of(frame, name, **which)]


def with_feature(**changes):
    return settings(source("f", **changes), features={"f": ["x"]})


# The target


def test_days_become_the_target_week_by_its_rule():
    assert of(panel(settings(), target=rides("2016-05-23", value=2.0)), "target", "rides") == [
        ("05-23", 14.0, "observed"),
        ("05-30", 14.0, "observed"),
    ]


@pytest.mark.parametrize(
    "gone", ["2016-05-30", "2016-06-03", "2016-06-05"], ids=["monday", "friday", "sunday"]
)
def test_an_incomplete_target_week_stays_missing(gone):
    target = rides("2016-05-23")
    found = panel(settings(), target=target[target["date"] != gone])
    assert of(found, "target", "rides")[-1] == ("05-30", None, "missing")


def test_the_target_is_never_filled_whatever_its_source_says():
    wanted = settings()
    filled = wanted.sources[0].model_copy(
        update={"imputation": wanted.sources[0].imputation.model_copy(update={"method": "carry"})}
    )
    found = panel(wanted.model_copy(update={"sources": (filled,)}), target=rides(last="2016-05-29"))
    assert hows(found, "target", variable="rides") == ["observed"] * 3 + ["missing"]


def test_a_target_value_outside_its_limits_is_set_aside():
    target = rides("2016-05-23")
    target.loc[target["date"] == "2016-05-25", "value"] = -1.0
    assert of(panel(settings(), target=target), "target", "rides")[0] == ("05-23", None, "missing")


def test_a_zero_that_was_reported_is_a_zero():
    assert of(panel(settings(), target=rides("2016-05-30", value=0.0)), "target", "rides") == [
        ("05-30", 0.0, "observed")
    ]


def test_a_target_without_any_value_stops_with_the_next_step():
    with pytest.raises(SourceAbsent, match="source target: has no value of rides before 2016-06-06"):
        panel(settings(), target=NOTHING)


def test_a_weekly_target_is_the_week_that_holds_its_date():
    weekly = settings().sources[0].model_copy(update={"cadence": "weekly"})
    fridays = rides("2016-05-09").iloc[4::7]
    found = panel(settings().model_copy(update={"sources": (weekly,)}), target=fridays)
    assert [week for week, _, how in of(found, "target", "rides") if how == "observed"] == [
        "05-09",
        "05-16",
        "05-23",
        "05-30",
    ]


# How a feature is filled


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        pytest.param("none", [("05-23", None, "missing"), ("05-30", None, "missing")], id="none"),
        pytest.param("carry", [("05-23", 3.0, "carried"), ("05-30", 3.0, "carried")], id="carry"),
    ],
)
def test_a_gap_is_filled_by_the_method_and_labelled(method, expected):
    found = panel(with_feature(imputation={"method": method}), f=days("2016-05-09", "2016-05-22", 3.0))
    assert of(found, "f") == [("05-09", 3.0, "observed"), ("05-16", 3.0, "observed"), *expected]


def test_carrying_ends_after_the_longest_gap_and_never_becomes_zero():
    wanted = with_feature(imputation={"method": "carry", "max_gap_weeks": 2})
    found = panel(wanted, f=days("2016-05-09", "2016-05-15", 3.0))
    assert hows(found, "f") == ["observed", "carried", "carried", "missing"]
    assert of(found, "f")[-1] == ("05-30", None, "missing")


def test_carrying_begins_anew_after_a_value():
    wanted = with_feature(imputation={"method": "carry", "max_gap_weeks": 1})
    observed = pd.concat([days("2016-05-09", "2016-05-15", 3.0), days("2016-05-23", "2016-05-29", 4.0)])
    found = panel(wanted, f=observed)
    assert [value for _, value, _ in of(found, "f")] == [3.0, 3.0, 4.0, 4.0]
    assert hows(found, "f") == ["observed", "carried", "observed", "carried"]


def test_nothing_is_carried_backwards():
    found = panel(with_feature(imputation={"method": "carry"}), f=days("2016-05-23", "2016-06-05"))
    assert hows(found, "f") == ["missing", "missing", "observed", "observed"]


def test_the_twin_stands_in_for_the_same_variable_and_week():
    wanted = settings(
        source("f", variables=("x", "y"), twin="g", imputation={"method": "twin"}),
        source("g"),
        features={"f": ["x", "y"]},
    )
    own = pd.concat([days("2016-05-09", "2016-05-29"), days("2016-05-09", "2016-05-29", variable="y")])
    found = panel(wanted, f=own, g=days("2016-05-09", "2016-06-05", 9.0))
    assert of(found, "f")[-2:] == [("05-23", 1.0, "observed"), ("05-30", 9.0, "twin")]
    assert of(found, "f", "y")[-1] == ("05-30", None, "missing")


def test_a_twin_without_the_week_leaves_it_missing():
    wanted = settings(
        source("f", twin="g", imputation={"method": "twin"}), source("g"), features={"f": ["x"]}
    )
    found = panel(wanted, f=days("2016-05-09", "2016-05-29"), g=days("2016-05-09", "2016-05-29", 9.0))
    assert of(found, "f")[-1] == ("05-30", None, "missing")


def years_of(entity="a", values=(10.0, 20.0), first=2013):
    return pd.concat(
        [days(f"{first + i}-05-20", f"{first + i}-06-10", v, entity) for i, v in enumerate(values)]
    )


def test_climatology_is_the_mean_of_the_same_week_in_earlier_years():
    wanted = with_feature(imputation={"method": "climatology"})
    found = panel(wanted, target=rides("2013-05-27"), f=years_of())
    assert of(found, "f")[-1] == ("05-30", 15.0, "climatology")


def test_climatology_of_one_year_is_no_usual_value():
    wanted = with_feature(imputation={"method": "climatology"})
    found = panel(wanted, target=rides("2013-05-27"), f=years_of(values=(10.0,)))
    assert of(found, "f")[-1] == ("05-30", None, "missing")


def test_climatology_takes_no_later_year():
    wanted = with_feature(imputation={"method": "climatology"})
    later = years_of(values=(10.0, 20.0), first=2014)
    found = panel(wanted, target=rides("2013-05-27"), f=later)
    week_2013 = next(row for row in of(found, "f") if row[0] == "06-03")
    assert week_2013 == ("06-03", None, "missing")


def test_the_53rd_week_of_a_year_takes_the_usual_value_of_the_52nd():
    observed = pd.concat([days(f"{year}-12-20", f"{year}-12-31", 7.0) for year in (2012, 2013, 2014)])
    found = panel(
        with_feature(imputation={"method": "climatology"}),
        dt.date(2016, 1, 11),
        target=rides("2012-12-03", "2016-01-10"),
        f=observed,
    )
    assert of(found, "f")[-2] == ("12-28", 7.0, "climatology")
    assert str(pd.Timestamp("2015-12-28").isocalendar().week) == "53"


@pytest.mark.parametrize("method", ["carry", "climatology", "twin"])
def test_one_entity_never_lends_to_another(method):
    wanted = settings(
        source("f", entities=["a", "b"], twin="g", imputation={"method": method}),
        source("g", entities=["a", "b"]),
        features={"f": ["x"]},
    )
    full = pd.concat([years_of(first=2013), days("2016-05-09", "2016-06-05")])
    found = panel(wanted, target=rides("2013-05-27"), f=full, g=full)
    assert set(hows(found, "f", entity="b")) == {"missing"}


def test_a_feature_value_outside_its_limits_is_set_aside():
    wanted = settings(
        source("f") | {"variables": [{"name": "x", "unit": "mph", "maximum": 90, "weekly": "mean"}]},
        features={"f": ["x"]},
    )
    observed = days("2016-05-09", "2016-06-05", 10.0)
    observed.loc[observed["date"] == "2016-05-10", "value"] = 406.0
    assert of(panel(wanted, f=observed), "f")[0] == ("05-09", 10.0, "observed")


# Slow sources


def monthly(**changes):
    return with_feature(cadence="monthly", expected_lag_days=35, **changes)


def test_a_week_sees_the_last_month_that_was_out_when_it_began():
    observed = days("2016-03-01", "2016-03-01", 3.0)
    observed = pd.concat(
        [observed, days("2016-04-01", "2016-04-01", 4.0), days("2016-05-01", "2016-05-01", 5.0)]
    )
    assert of(panel(monthly(), f=observed), "f") == [
        ("05-09", 4.0, "observed"),
        ("05-16", 4.0, "observed"),
        ("05-23", 4.0, "observed"),
        ("05-30", 4.0, "observed"),
    ]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        pytest.param(
            {"method": "carry", "max_gap_weeks": 1},
            ["observed", "observed", "carried", "missing"],
            id="carry",
        ),
        pytest.param({"method": "none"}, ["observed", "observed", "missing", "missing"], id="none"),
    ],
)
def test_a_month_that_is_overdue_is_carried_or_missing(method, expected):
    found = panel(monthly(imputation=method), f=days("2016-03-15", "2016-03-15", 3.0))
    assert hows(found, "f") == expected
    assert [value is None for _, value, _ in of(found, "f")] == [how == "missing" for how in expected]


# No future


@pytest.mark.parametrize("method", ["carry", "climatology", "twin", "none"])
def test_what_is_dated_from_as_of_on_changes_nothing(method):
    wanted = settings(
        source("f", twin="g", imputation={"method": method}),
        source("g"),
        source("m", cadence="monthly"),
        features={"f": ["x"], "m": ["x"]},
    )
    past = {
        "target": rides("2013-05-27"),
        "f": pd.concat([years_of(), days("2016-05-02", "2016-05-20")]),
        "g": days("2016-05-02", "2016-06-05"),
        "m": days("2016-04-01", "2016-04-01"),
    }
    future = {
        name: pd.concat([frame, days("2016-06-06", "2016-07-31", 1e6, variable=frame["variable"].iloc[0])])
        for name, frame in past.items()
    }
    pd.testing.assert_frame_equal(panel(wanted, **past), panel(wanted, **future))


@pytest.mark.parametrize("method", ["carry", "climatology", "twin", "none"])
def test_a_past_week_is_filled_the_same_whatever_came_later(method):
    wanted = settings(
        source("f", twin="g", imputation={"method": method, "max_gap_weeks": 2}),
        source("g"),
        features={"f": ["x"]},
    )
    rng = np.random.default_rng(7)
    everything = {
        "target": rides("2013-05-27"),
        "f": days("2013-05-27", "2016-06-05", rng.normal(size=1106)).sample(frac=0.55, random_state=7),
        "g": days("2013-05-27", "2016-06-05", rng.normal(size=1106)).sample(frac=0.6, random_state=8),
    }
    cut = dt.date(2015, 11, 2)
    known = {name: frame[frame["date"] < pd.Timestamp(cut)] for name, frame in everything.items()}
    late = panel(wanted, **everything)
    assert set(late["how"]) > {"observed"}
    early = late[late["week"] < pd.Timestamp(cut)].reset_index(drop=True)
    pd.testing.assert_frame_equal(early, panel(wanted, cut, **known))


# Calendar


@pytest.mark.parametrize(
    ("monday", "sunday"),
    [
        pytest.param("2016-03-07", "2016-03-13", id="clocks_go_forward"),
        pytest.param("2015-10-26", "2015-11-01", id="clocks_go_back"),
        pytest.param("2016-02-29", "2016-03-06", id="leap_day"),
        pytest.param("2014-12-29", "2015-01-04", id="year_end"),
        pytest.param("2015-12-28", "2016-01-03", id="week_53"),
    ],
)
def test_every_week_has_seven_days(monday, sunday):
    after = dt.date.fromisoformat(sunday) + dt.timedelta(days=1)
    found = panel(settings(), after, target=rides(monday, sunday, value=1.0))
    assert of(found, "target", "rides") == [(monday[5:], 7.0, "observed")]


# The client's forecast


def test_the_clients_forecast_reaches_over_the_horizon():
    wanted = settings(source("theirs", cadence="weekly", ahead_weeks=4), client="theirs")
    observed = days("2016-05-30", "2016-06-27", 5.0).iloc[::7]
    found = panel(wanted, theirs=observed)
    assert of(found, "theirs")[-5:] == [
        ("05-30", 5.0, "observed"),
        ("06-06", 5.0, "observed"),
        ("06-13", 5.0, "observed"),
        ("06-20", 5.0, "observed"),
        ("06-27", 5.0, "observed"),
    ]


# The table


def test_the_panel_has_the_declared_columns_and_each_week_once():
    wanted = settings(source("f", entities=["a", "b"]), features={"f": ["x"]})
    found = panel(wanted, f=NOTHING)
    assert {column: str(dtype) for column, dtype in found.dtypes.items()} == schema.PANEL_DTYPES
    assert set(found["how"]) <= set(schema.HOWS)
    assert not found.duplicated(["source", "entity", "variable", "week"]).any()
    assert len(found[found["source"] == "f"]) == 2 * 4


def test_the_inputs_are_not_changed_and_their_order_does_not_matter():
    wanted = with_feature(imputation={"method": "carry"})
    observed = days("2016-05-09", "2016-05-22", np.arange(14.0))
    before = observed.copy(deep=True)
    shuffled = observed.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(panel(wanted, f=observed), panel(wanted, f=shuffled))
    pd.testing.assert_frame_equal(observed, before)


# Over a lake


def stored(tmp_path, **observed):
    lake = open_lake(str(tmp_path))
    for name, frame in observed.items():
        segment = lake.observations(name).append(frame, dt.datetime(2016, 6, 6, tzinfo=dt.UTC)).segment
        lake.observations(name).accept(segment, by="test")
        verdict = {"source": name, "verdict": "pass", "failures": [], "warnings": [], "segments": [segment]}
        lake.write_json(f"runs/{AS_OF}/validate/{name}.json", verdict)
    return lake


def test_a_second_run_writes_the_same_bytes(tmp_path):
    lake = stored(tmp_path, target=rides(), f=days("2016-05-09", "2016-05-22"))
    wanted = with_feature(imputation={"method": "carry"})
    path = impute.run(lake, wanted, as_of=AS_OF)
    others = [path, f"runs/{AS_OF}/impute/degraded.json"]
    before = [lake.read_bytes(one) for one in others]
    assert impute.run(lake, wanted, as_of=AS_OF) == path
    assert [lake.read_bytes(one) for one in others] == before


def test_only_the_polls_that_the_verdict_names_are_read(tmp_path):
    lake = stored(tmp_path, target=rides(value=2.0))
    later = (
        lake.observations("target").append(rides(value=9.0), dt.datetime(2016, 9, 1, tzinfo=dt.UTC)).segment
    )
    lake.observations("target").accept(later, by="test")
    found = lake.read_frame(impute.run(lake, settings(), as_of=AS_OF))
    assert set(found["value"]) == {14.0}


def test_a_source_without_a_verdict_stops_with_its_path(tmp_path):
    lake = stored(tmp_path, target=rides())
    with pytest.raises(ArtefactMissing, match=r"runs/2016-06-06/validate/f\.json"):
        impute.run(lake, with_feature(), as_of=AS_OF)


def test_progress_counts_to_its_end(tmp_path):
    said = []
    impute.run(
        stored(tmp_path, target=rides()), settings(), as_of=AS_OF, progress=lambda *step: said.append(step)
    )
    assert said[-1][1] == said[-1][2] == len(said) - 1
