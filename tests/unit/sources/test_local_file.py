from __future__ import annotations

import gzip

import pandas as pd
import pytest

from steadycast import schema as c
from steadycast.errors import BadResponse, SchemaDrift, SourceError, SourceUnreachable
from steadycast.settings import LocalFileSource
from steadycast.sources import fetch
from tests.unit.sources.conftest import TMAX

CSV = "date,tmax\n2016-06-01,70.5\n"


@pytest.fixture
def poll(tmp_path, week):
    def ask(name, **changes):
        given = {"name": "weather", "kind": "local_file", "layout": {"entity": "midway"}, "variables": [TMAX]}
        source = LocalFileSource.model_validate(given | {"path": f"{tmp_path}/{name}"} | changes)
        return fetch(source, week, None)

    return ask


def _parquet(path):
    pd.DataFrame({"date": pd.to_datetime(["2016-06-01"]), "tmax": [70.5]}).to_parquet(path)


@pytest.mark.parametrize(
    ("name", "kind", "write"),
    [
        pytest.param("x.csv", "csv", lambda p: p.write_text(CSV), id="csv"),
        pytest.param("x.csv.gz", "csv", lambda p: p.write_bytes(gzip.compress(CSV.encode())), id="csv_gz"),
        pytest.param(
            "x.json", "json", lambda p: p.write_text('[{"date":"2016-06-01","tmax":70.5}]'), id="json"
        ),
        pytest.param(
            "x.jsonl",
            "json",
            lambda p: p.write_text('{"date":"2016-06-01","tmax":70.5}\n{"date":"2016-06-02","tmax":null}\n'),
            id="json_lines",
        ),
        pytest.param(
            "x.json", "json", lambda p: p.write_text('{"date":"2016-06-01","tmax":70.5}'), id="json_one_line"
        ),
        pytest.param("x.parquet", "parquet", _parquet, id="parquet"),
    ],
)
def test_each_format_is_read(poll, tmp_path, name, kind, write):
    write(tmp_path / name)
    frame = poll(name, format=kind).frame
    assert frame[[c.VALUE, c.RAW]].to_numpy().tolist() == [[70.5, "70.5"]]
    assert frame[c.DATE].astype(str).tolist() == ["2016-06-01"]


def test_the_days_and_the_environment_are_filled_in(poll, tmp_path, monkeypatch):
    monkeypatch.setenv("DELIVERY", str(tmp_path))
    (tmp_path / "weather_2016-06-06.csv").write_text(CSV)
    assert len(poll("", path="$DELIVERY/weather_{as_of}.csv").frame) == 1
    assert len(poll("", path="${DELIVERY}/weather_{as_of}.csv").frame) == 1


def test_an_unset_variable_of_the_environment_is_named(poll, monkeypatch):
    monkeypatch.delenv("NO_SUCH_PLACE", raising=False)
    with pytest.raises(SourceError, match=r"environment variable NO_SUCH_PLACE .* is not set"):
        poll("", path="$NO_SUCH_PLACE/x.csv")


def test_a_missing_file_tells_what_is_there(poll, tmp_path):
    (tmp_path / "weather.csv").write_text(CSV)
    with pytest.raises(SourceUnreachable, match=r"no file .*wether.csv\nNext: its folder holds weather.csv"):
        poll("wether.csv")
    with pytest.raises(SourceUnreachable, match=r"the folder .*sub is missing too"):
        poll("sub/weather.csv")


def test_a_folder_is_no_file(poll, tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(SourceError, match=r"is a folder"):
        poll("x")


def test_a_file_over_the_limit_is_refused(poll, tmp_path):
    (tmp_path / "x.csv").write_text(CSV * 100)
    with pytest.raises(BadResponse, match=r"x.csv is larger than max_response_mb = 0.001"):
        poll("x.csv", max_response_mb=0.001)
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(CSV.encode() * 100))
    with pytest.raises(BadResponse, match=r"larger than max_response_mb"):
        poll("x.csv.gz", max_response_mb=0.001)


@pytest.mark.parametrize(
    ("name", "kind", "content", "said"),
    [
        pytest.param("x.csv.gz", "csv", b"date,tmax\n", "x.csv.gz is broken gzip", id="not_gzip"),
        pytest.param("x.csv.gz", "csv", gzip.compress(CSV.encode())[:-9], "is broken gzip", id="cut_gzip"),
        pytest.param("x.parquet", "parquet", b"PAR1 no", "x.parquet is no Parquet", id="not_parquet"),
        pytest.param("x.json", "json", b'{"a": [', "is cut", id="cut_json"),
        pytest.param("x.json", "json", b"3", "not a list of records", id="json_number"),
        pytest.param("x.json", "json", b"[[3]]", "where a record belongs", id="json_no_records"),
        pytest.param("x.json", "json", b"[" * 100_000, "nested too deeply|is cut", id="json_deep"),
    ],
)
def test_another_content_is_refused(poll, tmp_path, name, kind, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadResponse, match=said):
        poll(name, format=kind)


def test_a_renamed_column_is_drift(poll, tmp_path):
    (tmp_path / "x.csv").write_text("day,tmax\n2016-06-01,1\n")
    with pytest.raises(SchemaDrift, match=r"field 'date' is missing.*\nNext: .*layout"):
        poll("x.csv")


def test_a_path_that_can_not_be_read_says_why(poll, tmp_path):
    (tmp_path / "x.csv").write_text(CSV)
    with pytest.raises(SourceError, match=r"can not be read: Not a directory"):
        poll("x.csv/y.csv")
