import pytest

from steadycast.settings import FredSource, Settings

from .conftest import LEAVE_OUT, small_with

KINDS = "fred, http_csv, http_json, local_file, noaa, open_meteo, s3_object, sql_query"


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        pytest.param(
            "sources.0.kind", "http_cvs", f"did you mean 'http_csv'?; the kinds are {KINDS}", id="mistyped"
        ),
        pytest.param(
            "sources.0.kind", "ftp", f"kind 'ftp' is unknown; the kinds are {KINDS}", id="unknown_kind"
        ),
        pytest.param(
            "sources.0.kind",
            LEAVE_OUT,
            f"kind is missing; add the kind of the source, one of {KINDS}",
            id="no_kind",
        ),
        pytest.param("sources.0.role", "essential", "'fundamental' or 'optional'", id="unknown_role"),
        pytest.param("sources.0.name", "Sales-EU", "lower case, e.g. weather_a", id="capitals_and_hyphen"),
        pytest.param("sources.0.layout", LEAVE_OUT, "is missing; add it", id="no_layout"),
        pytest.param("sources.0.variables", [], "variables", id="no_variable"),
        pytest.param(
            "sources.0.entities",
            ["north", "south", "north"],
            "north appears more than once",
            id="entity_twice",
        ),
        pytest.param("sources.0.entities", [], "entities", id="empty_entities"),
        pytest.param(
            "sources.0.entities", [101, 102], "number 101; put it in quotes", id="entities_as_numbers"
        ),
        pytest.param("sources.0.entities", [True], "as true; put it in quotes", id="entity_on_or_yes"),
        pytest.param("sources.0.lookback_weeks", 0, "greater than 0", id="no_look_back"),
        pytest.param("sources.0.expected_lag_days", -1, "greater than or equal to 0", id="negative_lag"),
        pytest.param("sources.0.max_lag_days", 0, "below expected_lag_days 1", id="stale_from_the_start"),
        pytest.param(
            "sources.0.path",
            "/sales?day={asof}",
            "filled in are {as_of}, {start}, {end}",
            id="mistyped_placeholder",
        ),
        pytest.param("sources.0.params", {"q": "{"}, "unpaired brace", id="unpaired_brace"),
        pytest.param("sources.0.delimiter", 3, "put it in quotes", id="delimiter_number"),
        pytest.param(
            "sources.1.twin_tolerance", {"tmax_c": -2}, "greater than or equal to 0", id="negative_tolerance"
        ),
        pytest.param("sources.1.twin_tolerance", {"tmax_c": float("nan")}, "finite", id="tolerance_nan"),
        pytest.param(
            "sources.1.imputation",
            {"method": "zero"},
            "'twin', 'carry', 'climatology' or 'none'",
            id="zero_is_no_filler",
        ),
        pytest.param(
            "sources.1.expectations",
            {"min_row_share": 0.9, "warn_row_share": 0.5},
            "never warn",
            id="warns_last",
        ),
        pytest.param(
            "sources.1.expectations", {"min_row_share": 70}, "less than or equal to 1", id="percent_for_share"
        ),
    ],
)
def test_a_bad_value_is_refused_with_the_next_step(problems, place, value, says):
    found = problems({place: value})
    assert any(place.split(".")[0] in problem and says in problem for problem in found), found


def test_a_placeholder_in_a_path_is_kept_as_written():
    assert Settings.model_validate(small_with({})).source("weather_a").path == "/data/weather_{as_of}.csv"


def test_a_variable_of_the_environment_is_no_placeholder(problems):
    assert problems({"sources.1.path": "${SHARE}/$USER/{as_of}.csv"}) == []


@pytest.mark.parametrize(
    ("changes", "answers"),
    [
        pytest.param({}, False, id="no_placeholder"),
        pytest.param({"sources.0.params": {"as_of": "{as_of}"}}, True, id="in_the_query"),
        pytest.param({"sources.0.path": "/sales/{as_of}.csv"}, True, id="in_the_path"),
        pytest.param({"sources.0.description": "as of {as_of}"}, False, id="in_the_description_only"),
    ],
)
def test_a_source_answers_as_of_when_its_request_names_the_day(changes, answers):
    assert Settings.model_validate(small_with(changes)).source("sales").answers_as_of is answers


def test_fred_always_answers_as_of():
    fred = FredSource(name="government", kind="fred", variables=({"name": "jobs", "unit": "%"},))
    assert fred.answers_as_of


def test_a_source_is_stale_after_twice_the_usual_lag_and_a_week():
    lagging = Settings.model_validate(small_with({"sources.0.expected_lag_days": 3})).source("sales")
    assert lagging.freshness_days == 13


def test_max_lag_days_goes_before_the_rule():
    lagging = Settings.model_validate(small_with({"sources.0.max_lag_days": 40})).source("sales")
    assert lagging.freshness_days == 40


def test_asking_for_a_variable_that_is_not_there_raises_key_error():
    with pytest.raises(KeyError, match="pies"):
        Settings.model_validate(small_with({})).source("sales").variable("pies")
