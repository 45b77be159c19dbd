"""The rules as rows and sentences, and that Great Expectations decides the same."""

import datetime as dt

import pandas as pd
import pytest

from steadycast.expectations.forecast_gate import Expected, forecast_gate
from steadycast.expectations.running import run_suites
from steadycast.settings import CheckForecastSettings
from tests.forecast_tables import AS_OF, ENTITIES, forecast, panel


def judge(frame, recent=None, **changes):
    """Failures, warnings and flags by the rows alone, without Great Expectations."""
    expected = {"as_of": AS_OF, "entities": ENTITIES, "horizons": 2, "nonnegative": True}
    limits = CheckForecastSettings(**changes.pop("limits", {}))
    gate = forecast_gate(
        frame, panel() if recent is None else recent, Expected(**{**expected, **changes}, limits=limits)
    )
    told = {"critical": [], "warning": []}
    for suite in gate.suites:
        for check in suite.checks:
            told[check.severity] += [text] if (text := check.says(None)) else []
    return told["critical"], told["warning"], gate


def cell(horizon, column, value, entity="Clark_Lake"):
    return {(entity, horizon, column): value}


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        pytest.param(
            forecast(cells=cell(2, "point", float("nan"))),
            "Clark_Lake week of 2016-06-13: point is no number",
            id="no_point",
        ),
        pytest.param(
            forecast(cells=cell(1, "upper_95", float("inf"))),
            "Clark_Lake week of 2016-06-06: upper_95 is no number",
            id="infinite_bound",
        ),
        pytest.param(
            forecast(cells=cell(1, "lower_80", 75.0)),
            "Clark_Lake week of 2016-06-06: lower_80 75 is below lower_95 80",
            id="bounds_crossed",
        ),
        pytest.param(
            forecast(cells=cell(1, "point", 130.0)),
            "Clark_Lake week of 2016-06-06: upper_95 120 is below point 130",
            id="point_outside_the_wide_interval",
        ),
        pytest.param(
            forecast(cells=cell(1, "lower_95", -1.0, "Polk")),
            "Polk week of 2016-06-06: lower_95 is -1 and so negative",
            id="negative_bound",
        ),
        pytest.param(
            forecast(
                cells={
                    ("Polk", 1, "point"): 31.0,
                    ("Polk", 1, "upper_80"): 35.0,
                    ("Polk", 1, "upper_95"): 40.0,
                }
            ),
            "Polk week of 2016-06-06: point 31 is 3.04 times the largest of the last 8 weeks (10.2)",
            id="three_times_the_recent_level",
        ),
        pytest.param(forecast().iloc[:-1], "Polk has no forecast for horizon 2", id="a_row_is_missing"),
        pytest.param(
            pd.concat([forecast(), forecast().iloc[:1]], ignore_index=True),
            "Clark_Lake has 2 forecasts for horizon 1",
            id="a_row_twice",
        ),
        pytest.param(
            forecast(cells=cell(2, "entity", "Clinton")),
            "Clinton horizon 2 is not asked for, but there is a forecast",
            id="another_entity",
        ),
        pytest.param(
            forecast(cells=cell(2, "week", pd.Timestamp("2016-06-20"))),
            "Clark_Lake week of 2016-06-20: not horizon 2 of 2016-06-06",
            id="wrong_week",
        ),
        pytest.param(
            forecast(cells=cell(2, "as_of", pd.Timestamp("2016-05-30"))),
            "Clark_Lake week of 2016-06-13: not horizon 2 of 2016-06-06",
            id="forecast_of_another_run",
        ),
        pytest.param(
            forecast(cells=cell(2, "model_id", "")),
            "Clark_Lake week of 2016-06-13: no model is named",
            id="no_model",
        ),
        pytest.param(
            forecast(cells=cell(2, "degraded", True)),
            "degraded, but no reason is given",
            id="degraded_without_reason",
        ),
        pytest.param(
            forecast().drop(columns="moving_average"),
            "column moving_average is missing",
            id="benchmark_missing",
        ),
        pytest.param(
            forecast().assign(note="hello"), "column note does not belong in a forecast", id="column_too_many"
        ),
        pytest.param(
            forecast().astype({"horizon": "float64"}),
            "column horizon holds float64 instead of int64",
            id="column_type",
        ),
    ],
)
def test_what_is_wrong_holds_the_forecast_and_is_told(frame, says):
    failures, _, _ = judge(frame)
    assert any(says in failure for failure in failures), failures


def test_a_collapse_of_all_entities_together_holds_the_forecast():
    low = {
        (entity, horizon, column): share * level
        for entity, level in (("Clark_Lake", 100.0), ("Polk", 10.0))
        for horizon in (1, 2)
        for column, share in (("point", 0.1), ("lower_80", 0.05), ("lower_95", 0.0))
    }
    failures, _, _ = judge(forecast(cells=low))
    assert failures[0].startswith(
        "all together week of 2016-06-06: the sum 11 is 0.1 times the mean of the last 8"
    )


def test_a_collapse_of_one_small_entity_is_flagged_only():
    low = {("Polk", 1, "point"): 1.0, ("Polk", 1, "lower_80"): 0.5, ("Polk", 1, "lower_95"): 0.0}
    failures, warnings, _ = judge(forecast(cells=low))
    assert failures == []
    assert any("Polk week of 2016-06-06: point 1 is only 0.102 times" in warning for warning in warnings)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        pytest.param(
            cell(2, "same_week_last_year", 56.0),
            "Clark_Lake week of 2016-06-13: point 101 is 1.8 times the same week last year (56)",
            id="far_above_last_year",
        ),
        pytest.param(
            cell(2, "same_week_last_year", 202.0),
            "Clark_Lake week of 2016-06-13: point 101 is 0.5 times the same week last year (202)",
            id="far_below_last_year",
        ),
        pytest.param(
            {("Polk", 1, "upper_80"): 45.0, ("Polk", 1, "upper_95"): 50.0},
            "Polk week of 2016-06-06: the 80 % interval 9 to 45 is 3.56 times as wide as the point 10.1",
            id="wide_interval",
        ),
        pytest.param(
            {("Polk", 1, "lower_80"): 10.5},
            "Polk week of 2016-06-06: point 10.1 is outside its 80 %",
            id="off_centre",
        ),
        pytest.param(
            cell(1, "last_value", float("nan")),
            "Clark_Lake: there is no last value beside its forecast",
            id="naive_missing",
        ),
    ],
)
def test_what_is_unusual_is_flagged_on_its_row(cells, says):
    failures, warnings, gate = judge(forecast(cells=cells))
    assert failures == []
    assert any(says in warning for warning in warnings), warnings
    (flag,) = gate.flags
    entity, horizon, _ = next(iter(cells))
    assert (flag.entity, flag.week) == (entity, pd.Timestamp(AS_OF) + pd.Timedelta(weeks=horizon - 1))
    assert says in flag.says


@pytest.mark.parametrize(
    ("frame", "changes"),
    [
        pytest.param(forecast(), {}, id="good"),
        pytest.param(forecast(cells=cell(1, "same_week_last_year", 0.0)), {}, id="last_year_at_zero"),
        pytest.param(
            forecast(cells=cell(1, "lower_95", -1.0, "Polk")),
            {"nonnegative": False},
            id="negative_where_it_may_be",
        ),
        pytest.param(forecast().iloc[::-1], {}, id="rows_in_another_order"),
    ],
)
def test_what_is_in_order_says_nothing(frame, changes):
    failures, warnings, gate = judge(frame, **changes)
    assert (failures, warnings, gate.flags) == ([], [], ())


def test_a_clients_own_forecast_may_be_missing():
    assert forecast()["client_forecast"].isna().all()
    assert judge(forecast())[:2] == ([], [])


def test_a_new_entity_without_a_past_is_flagged_and_not_held():
    recent = panel()
    failures, warnings, gate = judge(forecast(), recent[recent["entity"] != "Polk"])
    assert failures == []
    assert warnings == ["Polk: no value above zero in the last 8 weeks to compare with"]
    assert {flag.entity for flag in gate.flags} == {"Polk"}


def test_only_the_last_eight_weeks_are_recent():
    recent = panel()
    recent.loc[recent["week"] < pd.Timestamp("2016-04-11"), "value"] *= 1000
    assert judge(forecast(), recent)[:2] == ([], [])


def test_what_all_horizons_lack_alike_is_told_once_per_entity():
    gone = {(entity, h, "last_value"): float("nan") for entity in ENTITIES for h in (1, 2)}
    _, (warning,), gate = judge(forecast(cells=gone))
    assert warning == "; ".join(
        f"{entity}: there is no last value beside its forecast" for entity in ENTITIES
    )
    assert len(gate.flags) == 4


def test_values_from_as_of_on_are_not_recent():
    later = panel(as_of=AS_OF + dt.timedelta(weeks=1))
    later.loc[later["week"] >= pd.Timestamp(AS_OF), "value"] *= 1000
    assert judge(forecast(), later)[:2] == ([], [])


def test_limits_come_from_the_settings():
    _, warnings, _ = judge(forecast(), limits={"warn_change_ratio": 1.05})
    assert len(warnings) == 1


def test_many_rows_are_told_worst_first_and_counted_and_flagged_each():
    cells = {("Clark_Lake", h, "same_week_last_year"): 50.0 - h for h in (1, 2)}
    cells |= {("Polk", h, "same_week_last_year"): 1.0 + h for h in (1, 2)}
    _, (warning,), gate = judge(forecast(cells=cells))
    first, *_, last = warning.split("; ")
    assert first.startswith("Polk week of 2016-06-06")
    assert last == "and 1 more like these"
    assert len(gate.flags) == 4


NAN = float("nan")
BROKEN = {
    ("Clark_Lake", 1, "point"): NAN,
    ("Clark_Lake", 1, "lower_95"): NAN,
    ("Clark_Lake", 1, "lower_80"): NAN,
    ("Clark_Lake", 1, "upper_80"): NAN,
    ("Clark_Lake", 1, "upper_95"): NAN,
    ("Clark_Lake", 2, "point"): 400.0,
    ("Clark_Lake", 2, "lower_95"): -1.0,
    ("Clark_Lake", 2, "lower_80"): -2.0,
    ("Clark_Lake", 2, "upper_80"): -3.0,
    ("Clark_Lake", 2, "upper_95"): -4.0,
    ("Clark_Lake", 2, "model_id"): "",
    ("Clark_Lake", 2, "degraded"): True,
    ("Polk", 1, "point"): -0.1,
    ("Polk", 1, "lower_95"): 0.0,
    ("Polk", 1, "same_week_last_year"): NAN,
    ("Polk", 1, "moving_average"): NAN,
    ("Polk", 1, "last_value"): NAN,
    ("Polk", 2, "point"): 0.5,
    ("Polk", 2, "horizon"): 3,
}


def test_great_expectations_decides_the_same_as_the_rows(tmp_path):
    failures, warnings, gate = judge(forecast(cells=BROKEN))
    outcome = run_suites(
        gate.suites, run_name="broken", run_time=dt.datetime(2016, 6, 6, tzinfo=dt.UTC), docs=tmp_path
    )
    assert (list(outcome.failures), list(outcome.warnings)) == (failures, warnings)
    silent = [c for suite in gate.suites[1:] for c in suite.checks if not c.says(None)]
    # all but the recent level, which is there for both
    assert [type(check.expectation).__name__ for check in silent] == ["ExpectColumnValuesToNotBeNull"]
