import datetime as dt

import pytest

from steadycast.settings.references import broken_references

from .conftest import LEAVE_OUT, SMALL


@pytest.mark.parametrize(
    ("changes", "place", "says"),
    [
        pytest.param(
            {"target.source": "tills"},
            "target.source",
            "no source 'tills'; the sources are sales, weather_a, weather_b",
            id="target_source",
        ),
        pytest.param(
            {"target.variable": "pies"},
            "target.variable",
            "no variable 'pies'; it has cakes",
            id="target_variable",
        ),
        pytest.param(
            {"sources.0.role": "optional"}, "target.source", "give it role: fundamental", id="target_optional"
        ),
        pytest.param(
            {"sources.0.variables": [{"name": "cakes", "unit": "cakes per day"}]},
            "target.variable",
            "add weekly: sum",
            id="target_without_weekly_rule",
        ),
        pytest.param(
            {"sources.0.history_start": dt.date(2016, 6, 6)},
            "schedule.first_week",
            "needs history before it",
            id="no_history",
        ),
        pytest.param(
            {"sources.1.name": "sales"}, "sources.1.name", "name of an earlier source too", id="name_twice"
        ),
        pytest.param(
            {"sources.1.variables": [{"name": "tmax_c", "unit": "C"}] * 2},
            "sources.1.variables",
            "two variables have the name 'tmax_c'",
            id="variable_twice",
        ),
        pytest.param(
            {"sources.1.twin": "weather_c"}, "sources.1.twin", "no source 'weather_c'", id="twin_unknown"
        ),
        pytest.param({"sources.1.twin": "weather_a"}, "sources.1.twin", "its own twin", id="own_twin"),
        pytest.param(
            {"sources.1.twin": "sales"},
            "sources.1.twin",
            "no variable of the same name",
            id="twin_of_another_kind",
        ),
        pytest.param(
            {"sources.2.imputation": {"method": "twin"}},
            "sources.2.imputation.method",
            "names no twin",
            id="imputation_twin_without_twin",
        ),
        pytest.param(
            {"sources.1.twin_tolerance": {"rain_mm": 3}},
            "sources.1.twin_tolerance.rain_mm",
            "these are: tmax_c",
            id="tolerance_not_shared",
        ),
        pytest.param(
            {"sources.2.twin_tolerance": {"tmax_c": 3}},
            "sources.2.twin_tolerance",
            "no effect without a twin",
            id="tolerance_without_twin",
        ),
        pytest.param(
            {"sources.0.connection": LEAVE_OUT},
            "sources.0",
            "kind http_csv needs connection",
            id="no_connection",
        ),
        pytest.param(
            {
                "sources.1.expectations": {
                    "extras": [{"expectation": "ExpectColumnMeanToBeBetween", "variable": "snow"}]
                }
            },
            "sources.1.expectations.extras.0.variable",
            "no variable 'snow'",
            id="extra_on_unknown_variable",
        ),
        pytest.param(
            {"forecast.features": {"fuel": ["petrol"]}},
            "forecast.features.fuel",
            "no source 'fuel'",
            id="feature_source",
        ),
        pytest.param(
            {"forecast.features": {"weather_a": ["snow"]}},
            "forecast.features.weather_a",
            "it has tmax_c, rain_mm",
            id="feature_variable",
        ),
        pytest.param(
            {"forecast.features": {"weather_a": ["tmax_f"]}, "forecast.signs": {"weather_a.snow": "-"}},
            "forecast.signs.weather_a.snow",
            "is none of forecast.features or forecast.ahead, which are weather_a.tmax_f",
            id="sign_of_no_feature",
        ),
        pytest.param(
            {"forecast.ahead": {"weather_a": ["tmax_c"]}},
            "forecast.ahead.weather_a",
            "says nothing of weeks to come; set ahead_weeks at the source",
            id="nothing_ahead",
        ),
        pytest.param(
            {"sources.0.planned": True},
            "sources.0.planned",
            "has no effect without ahead_weeks",
            id="planned_nothing",
        ),
        pytest.param(
            {"forecast.features": {"weather_a": ["tmax_f"]}, "forecast.groups": {"air": ["weather_a.snow"]}},
            "forecast.groups.air",
            "'weather_a.snow' is none of forecast.features",
            id="group_of_no_feature",
        ),
        pytest.param(
            {
                "forecast.features": {"weather_a": ["tmax_f"]},
                "forecast.groups": {"air": ["weather_a.tmax_f"], "heat": ["weather_a.tmax_f"]},
            },
            "forecast.groups.heat",
            "'weather_a.tmax_f' is in another group too",
            id="feature_in_two_groups",
        ),
        pytest.param(
            {"forecast.features": {"sales": ["cakes"]}},
            "forecast.features.sales",
            "the source of the target",
            id="target_as_feature",
        ),
        pytest.param(
            {"benchmarks.client_forecast": "plan"},
            "benchmarks.client_forecast",
            "no source 'plan'",
            id="client_unknown",
        ),
        pytest.param(
            {"benchmarks.client_forecast": "sales"},
            "benchmarks.client_forecast",
            "the target itself",
            id="client_is_target",
        ),
    ],
)
def test_what_points_nowhere_is_told_with_what_there_is(problems, changes, place, says):
    found = problems(changes)
    assert any(problem.startswith(f"{place} (line") and says in problem for problem in found), found


def test_the_small_file_has_no_broken_reference():
    assert list(broken_references(SMALL)) == []


@pytest.mark.parametrize("wrong", [None, 3, "text", ["a", 1], {"a": {"b": [1]}}, [None, [], {}]])
@pytest.mark.parametrize("place", ["title", "target", "sources", "forecast", "benchmarks", "schedule"])
def test_a_part_of_the_wrong_shape_is_left_to_the_other_checks(problems, place, wrong):
    found = problems({place: wrong})
    assert found or wrong == "text"


@pytest.mark.parametrize("wrong", [None, 3, "text", ["a", 1], {"a": {"b": [1]}}])
@pytest.mark.parametrize(
    "place",
    [
        "sources.0",
        "sources.0.name",
        "sources.0.variables",
        "sources.1.twin",
        "sources.1.expectations",
        "sources.0.kind",
        "target.source",
        "target.variable",
        "forecast.features",
        "sources.1.twin_tolerance",
        "benchmarks.client_forecast",
    ],
)
def test_a_wrong_shape_deep_in_the_file_never_ends_in_another_error(problems, place, wrong):
    assert isinstance(problems({place: wrong}), list)
