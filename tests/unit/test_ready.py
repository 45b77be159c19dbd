"""Whether a source shows its expected newest date, and how long a run waits for it."""

import datetime as dt

import pytest

from steadycast.errors import SchemaDrift
from steadycast.ready import expected_newest, look, patience
from steadycast.settings import LocalFileSource, Settings
from tests.unit.settings.conftest import small_with

MONDAY = dt.date(2016, 6, 6)


def source(path="prices.csv", **more):
    fields = {
        "name": "prices",
        "kind": "local_file",
        "path": str(path),
        "variables": [{"name": "price", "unit": "USD", "weekly": "last"}],
        "layout": {"date_field": "date", "entity_field": "town"},
    }
    return LocalFileSource.model_validate(fields | more)


@pytest.mark.parametrize(
    ("cadence", "lag", "expected"),
    [
        pytest.param("daily", 1, "2016-06-05", id="daily_until_yesterday"),
        pytest.param("daily", 0, "2016-06-05", id="a_run_never_reads_its_own_monday"),
        pytest.param("daily", 3, "2016-06-03", id="daily_three_days_late"),
        pytest.param("weekly", 4, "2016-05-27", id="weekly_within_its_week"),
        pytest.param("monthly", 47, "2016-03-21", id="monthly_within_its_month"),
    ],
)
def test_expected_newest_date_follows_cadence_and_usual_lag(cadence, lag, expected):
    told = expected_newest(source(cadence=cadence, expected_lag_days=lag), MONDAY)
    assert told == dt.date.fromisoformat(expected)


def shows(tmp_path, newest, **more):
    file = tmp_path / "prices.csv"
    rows = [f"{day},{town},1.5" for town, day in newest.items()]
    file.write_text("\n".join(["date,town,price", *rows]), encoding="utf-8")
    return look(source(file, **more), as_of=MONDAY, connection=None)


def test_a_source_with_the_expected_date_is_ready(tmp_path):
    assert shows(tmp_path, {"a": "2016-06-05"}).ready


def test_a_source_that_ends_earlier_is_not_ready_and_says_its_date(tmp_path):
    found = shows(tmp_path, {"a": "2016-06-03"})
    assert not found.ready
    assert found.told == "its newest date is 2016-06-03, expected is 2016-06-05"


@pytest.mark.parametrize(
    ("newest", "entities", "ready"),
    [
        pytest.param({"a": "2016-06-05", "b": "2016-06-01"}, None, True, id="half_are_there"),
        pytest.param({"a": "2016-06-05", "b": "2016-06-01", "c": "2016-06-01"}, None, False, id="one_of_3"),
        pytest.param({"a": "2016-06-05"}, ["a", "b", "c"], False, id="the_others_say_nothing"),
        pytest.param({"a": "2016-06-05", "b": "2016-06-05"}, ["a", "b", "c"], True, id="most_are_there"),
    ],
)
def test_half_of_the_entities_decide(tmp_path, newest, entities, ready):
    assert shows(tmp_path, newest, **({"entities": entities} if entities else {})).ready is ready


def test_a_source_that_does_not_answer_is_not_ready_and_says_why(tmp_path):
    found = look(source(tmp_path / "none.csv"), as_of=MONDAY, connection=None)
    assert not found.ready
    assert found.told.startswith("there is no file")


def test_what_waiting_does_not_mend_is_raised(tmp_path):
    (tmp_path / "prices.csv").write_text("date,town,cost\n2016-06-05,a,1\n", encoding="utf-8")
    with pytest.raises(SchemaDrift):
        look(source(tmp_path / "prices.csv"), as_of=MONDAY, connection=None)


def at(clock):
    return dt.datetime.combine(MONDAY, dt.time.fromisoformat(clock), dt.UTC)


@pytest.mark.parametrize(
    ("name", "changes", "since", "until"),
    [
        pytest.param("sales", {}, "06:00", "09:00", id="fundamental_until_the_publish_deadline"),
        pytest.param("weather_b", {}, "06:01", "06:31", id="optional_half_an_hour"),
        pytest.param("weather_b", {}, "08:50", "09:00", id="never_after_the_publish_deadline"),
        pytest.param("weather_b", {"sources.2.ready_timeout_min": 5}, "06:01", "06:06", id="its_own_time"),
        pytest.param("sales", {"sources.0.ready_timeout_min": 0}, "06:01", "06:01", id="waits_not_at_all"),
        pytest.param(
            "sales",
            {"schedule.timezone": "America/Chicago"},
            "11:00",
            "14:00",
            id="in_its_timezone",
        ),
    ],
)
def test_patience_ends_at_the_sources_limit_or_the_publish_deadline(name, changes, since, until):
    settings = Settings.model_validate(small_with(changes))
    told = patience(settings, settings.source(name), as_of=MONDAY, since=at(since))
    assert told == at(until)
