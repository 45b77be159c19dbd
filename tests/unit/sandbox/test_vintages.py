import datetime as dt
import gzip

import pytest

from sandbox.tables import DataMissing
from sandbox.vintages import employment_release, load_vintages, usual_release

D = dt.date
NOW = D(2016, 7, 4)
HEADER = "series,period,vintage_date,value\n"


def vintages(tmp_path, *lines):
    (tmp_path / "us_macro_vintages.csv.gz").write_bytes(gzip.compress((HEADER + "\n".join(lines)).encode()))
    return load_vintages(tmp_path)


@pytest.mark.parametrize(
    ("period", "released"),
    [
        # the days on which the Bureau of Labor Statistics published them
        pytest.param(D(2015, 12, 1), D(2016, 1, 8), id="moved_off_new_year"),
        pytest.param(D(2016, 3, 1), D(2016, 4, 1), id="first_of_the_month"),
        pytest.param(D(2016, 4, 1), D(2016, 5, 6), id="first_friday"),
        pytest.param(D(2016, 5, 1), D(2016, 6, 3), id="before_the_first_demo_week"),
        pytest.param(D(2016, 6, 1), D(2016, 7, 8), id="second_friday"),
        pytest.param(D(2016, 7, 1), D(2016, 8, 5), id="july"),
    ],
)
def test_the_employment_report_comes_when_it_came(period, released):
    assert employment_release(period) == released
    assert usual_release("UNRATE", period, 1) == released


@pytest.mark.parametrize(
    ("series", "period", "months", "day"),
    [
        pytest.param("CPIAUCSL", D(2016, 4, 1), 1, D(2016, 5, 17), id="prices_mid_next_month"),
        pytest.param("CPIAUCSL", D(2015, 12, 1), 1, D(2016, 1, 17), id="over_the_year"),
        pytest.param("BUSINV", D(2016, 2, 1), 1, D(2016, 4, 30), id="others_late_rather_than_early"),
        pytest.param("GDPC1", D(2016, 1, 1), 3, D(2016, 5, 31), id="quarter"),
    ],
)
def test_the_usual_release_of_other_series(series, period, months, day):
    assert usual_release(series, period, months) == day


def values(series, day):
    return {version.period: version.value for version in series.versions(day, day)}


def test_the_vintage_in_force_is_served(small_data):
    prices = load_vintages(small_data).series["CPIAUCSL"]
    may = D(2016, 5, 1)
    assert values(prices, D(2016, 7, 28))[may] == 239.8
    assert values(prices, D(2016, 7, 29))[may] == 239.82
    assert D(2016, 6, 1) not in values(prices, D(2016, 7, 28))
    assert D(2016, 6, 1) in values(prices, D(2016, 7, 29))


def test_before_the_first_vintage_a_period_is_known_from_its_usual_release_on(small_data):
    series = load_vintages(small_data).series
    assert max(values(series["UNRATE"], D(2016, 6, 2))) == D(2016, 4, 1)
    assert max(values(series["UNRATE"], D(2016, 6, 3))) == D(2016, 5, 1)
    assert max(values(series["CPIAUCSL"], D(2016, 6, 6))) == D(2016, 4, 1)
    assert max(values(series["CPIAUCSL"], D(2016, 6, 20))) == D(2016, 5, 1)


def test_a_later_vintage_is_never_known_before_its_day(tmp_path):
    # its usual release would have been on 2016-07-08, but it is only recorded on the 29th
    jobs = vintages(tmp_path, "UNRATE,2016-05,2016-06-29,4.7", "UNRATE,2016-06,2016-07-29,4.9").series[
        "UNRATE"
    ]
    assert D(2016, 6, 1) not in values(jobs, D(2016, 7, 28))


def test_a_span_of_days_gives_every_version_with_its_days(tmp_path):
    jobs = vintages(tmp_path, "PAYEMS,2016-05,2016-06-29,143894", "PAYEMS,2016-05,2016-07-29,143888").series[
        "PAYEMS"
    ]
    found = jobs.versions(D(2016, 6, 1), D(2016, 12, 31))
    assert [(v.value, v.first_day, v.last_day) for v in found] == [
        (143894, D(2016, 6, 3), D(2016, 7, 28)),
        (143888, D(2016, 7, 29), D(9999, 12, 31)),
    ]


def test_a_month_without_a_value_is_missing_between_others(tmp_path):
    jobs = vintages(tmp_path, *(f"JOBS,2016-0{month},2016-06-29,{month}" for month in (1, 2, 4))).series[
        "JOBS"
    ]
    assert values(jobs, D(2016, 7, 4)) == {
        D(2016, 1, 1): 1,
        D(2016, 2, 1): 2,
        D(2016, 3, 1): None,
        D(2016, 4, 1): 4,
    }


def test_a_quarter_is_dated_by_its_first_day_as_fred_does(tmp_path):
    gdp = vintages(tmp_path, "GDPC1,2015-12,2016-06-29,16470.6", "GDPC1,2016-03,2016-06-29,16514.6").series[
        "GDPC1"
    ]
    assert gdp.months == 3
    assert list(values(gdp, NOW)) == [D(2015, 10, 1), D(2016, 1, 1)]


def test_decimals_are_those_of_the_series(tmp_path):
    found = vintages(tmp_path, "UNRATE,2016-04,2016-06-29,5.0", "UNRATE,2016-05,2016-06-29,4.7").series[
        "UNRATE"
    ]
    assert found.decimals == 1


@pytest.mark.parametrize(
    "line", ["UNRATE,2016,2016-06-29,4.7", "UNRATE,2016-05,soon,4.7", "UNRATE,2016-05,2016-06-29,x"]
)
def test_a_bad_line_is_named(tmp_path, line):
    with pytest.raises(DataMissing, match="line 2"):
        vintages(tmp_path, line)
