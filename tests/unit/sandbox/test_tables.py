import datetime as dt

import pytest

from sandbox.tables import SHAPES, DataMissing, load_tables, make_table

D = dt.date


def fuel(*days):
    rows = [{"datetime": day, "petrol_usd_per_gallon": "2.5"} for day in days]
    return make_table("fuel", SHAPES["fuel"], rows, ("datetime", "petrol_usd_per_gallon"))


def test_yesterday_is_visible_where_there_is_no_lag(small_data):
    table = load_tables(small_data)["ridership"]
    until = table.visible_until(D(2016, 6, 6))
    assert table.window("2016-06-05", until)[0]["date"] == "2016-06-05"
    assert table.window("2016-06-06", until) == []


@pytest.mark.parametrize(
    ("as_of", "newest"),
    [
        pytest.param(D(2016, 6, 6), "2016-05-27", id="friday_is_out_on_the_wednesday_after_not_on_monday"),
        pytest.param(D(2016, 6, 7), "2016-05-27", id="not_yet_four_days_after_its_end"),
        pytest.param(D(2016, 6, 8), "2016-06-03", id="four_days_after_its_end"),
    ],
)
def test_petrol_is_published_four_days_after_its_date(as_of, newest):
    table = fuel("2016-05-27", "2016-06-03", "2016-06-10")
    assert table.window("", table.visible_until(as_of))[-1]["datetime"] == newest


def test_without_as_of_all_data_are_visible():
    table = fuel("2016-05-27", "2016-06-03")
    assert len(table.window("", table.visible_until(None))) == 2


def test_json_sources_hold_numbers_and_csv_sources_texts(small_data):
    tables = load_tables(small_data)
    assert isinstance(tables["weather_a"].rows[0]["temp"], float)
    assert isinstance(tables["weather_b"].rows[0]["avg_temp"], str)


def test_an_empty_number_of_a_json_source_is_null(small_data, tmp_path):
    for file in small_data.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    lines = (tmp_path / "weather_a_daily.csv").read_text().splitlines()
    lines[1] = ",".join([lines[1].split(",")[0], "", *lines[1].split(",")[2:]])
    (tmp_path / "weather_a_daily.csv").write_text("\n".join(lines))
    assert load_tables(tmp_path)["weather_a"].rows[0]["temp_min"] is None


def spoil(tmp_path, small_data, name, data):
    for file in small_data.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    if data is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(data)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        pytest.param("petrol_weekly.csv", None, "can not be read.*build_demo_data", id="file_missing"),
        pytest.param("petrol_weekly.csv", b"", "no rows", id="file_empty"),
        pytest.param("cta_entries_daily.csv.gz", b"not gzip", "can not be read", id="not_gzipped"),
        pytest.param("petrol_weekly.csv", b"datetime,price\n2016-06-03,2\n", "column.*missing", id="column"),
        pytest.param(
            "weather_a_daily.csv", b"date,temp_min\n2016-06-03,warm\n", "line 2.*warm", id="text_for_a_number"
        ),
    ],
)
def test_a_file_that_is_not_as_expected_is_named(tmp_path, small_data, name, data, says):
    with pytest.raises(DataMissing, match=f"{name}.*{says}"):
        load_tables(spoil(tmp_path, small_data, name, data))
