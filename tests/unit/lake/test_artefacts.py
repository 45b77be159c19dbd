"""Artefacts on both stores: JSON, tables, folders."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest

from steadycast.errors import ArtefactMissing, ArtefactUnreadable
from steadycast.lake import open_lake
from steadycast.schema import FORECAST_DTYPES, OBSERVATION_DTYPES, PANEL_DTYPES, POLL_DTYPES


@pytest.fixture
def folder_lake(tmp_path):
    return open_lake(str(tmp_path / "lake"))


def test_json_comes_back(lake):
    told = {"b": [1, 2.5, None, True], "a": {"ü": "x"}}
    assert lake.write_json("a.json", told) == "a.json"
    assert lake.read_json("a.json") == told


def test_json_has_sorted_keys_plain_text_and_iso_dates(folder_lake):
    folder_lake.write_json("a.json", {"b": dt.date(2016, 6, 6), "a": "ü", "c": np.int64(3)})
    assert folder_lake.read_bytes("a.json").decode() == '{\n  "a": "ü",\n  "b": "2016-06-06",\n  "c": 3\n}\n'


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        pytest.param(dt.datetime(2016, 6, 6, 1, tzinfo=dt.UTC), "2016-06-06T01:00:00+00:00", id="moment"),
        pytest.param(pd.Timestamp("2016-06-06"), "2016-06-06T00:00:00", id="pandas_moment"),
        pytest.param(np.float32(0.5), 0.5, id="numpy_float"),
        pytest.param(np.bool_(True), True, id="numpy_bool"),
        pytest.param(np.str_("x"), "x", id="numpy_text"),
        pytest.param((1, 2), [1, 2], id="tuple"),
    ],
)
def test_json_takes_the_values_that_stages_have(folder_lake, value, stored):
    assert folder_lake.read_json(folder_lake.write_json("a.json", {"x": value})) == {"x": stored}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(float("nan"), id="nan"),
        pytest.param(np.float64("nan"), id="numpy_nan"),
        pytest.param(np.float32("nan"), id="numpy_nan_of_half_width"),
        pytest.param(float("inf"), id="infinite"),
        pytest.param({1, 2}, id="set"),
        pytest.param(pd.NaT, id="no_date"),
        pytest.param(b"x", id="bytes"),
    ],
)
def test_json_refuses_what_would_not_be_read_back(folder_lake, value):
    with pytest.raises(ValueError, match=r"a\.json can not be stored as JSON"):
        folder_lake.write_json("a.json", {"x": value})
    assert not folder_lake.exists("a.json")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff"])
def test_broken_json_is_named(folder_lake, data):
    folder_lake.write_bytes("runs/a.json", data)
    with pytest.raises(
        ArtefactUnreadable, match=r"runs/a\.json can not be read: not JSON.*\nNext: it was not"
    ):
        folder_lake.read_json("runs/a.json")


def frame_of(dtypes, rows=3):
    values = {
        "str": ["b", "", None],
        "float64": [0.1, np.nan, -np.inf],
        "int64": [-1, 0, 2**60],
        "bool": [True, False, True],
        "datetime64[us]": ["2016-06-06", None, "1900-01-01"],
    }
    return pd.DataFrame({c: pd.Series(values[d][:rows], dtype=d) for c, d in dtypes.items()}).astype(dtypes)


@pytest.mark.parametrize("dtypes", [OBSERVATION_DTYPES, POLL_DTYPES, PANEL_DTYPES, FORECAST_DTYPES])
@pytest.mark.parametrize("rows", [0, 3])
def test_every_declared_table_comes_back_as_it_was(lake, dtypes, rows):
    frame = frame_of(dtypes, rows)
    assert lake.write_frame("a.parquet", frame) == "a.parquet"
    pd.testing.assert_frame_equal(lake.read_frame("a.parquet"), frame, check_exact=True)


def test_some_columns_are_read(folder_lake):
    folder_lake.write_frame("a.parquet", frame_of(PANEL_DTYPES))
    assert folder_lake.read_frame("a.parquet", columns=["value", "source"]).columns.tolist() == [
        "value",
        "source",
    ]


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pd.Series([1, 2], dtype="Int64"), id="nullable"),
        pytest.param(pd.Series(["a", "b"], dtype="category"), id="category"),
        pytest.param(
            pd.Series(pd.to_datetime(["2016-06-06", None], utc=True)).astype("datetime64[us, UTC]"), id="utc"
        ),
        pytest.param(pd.Series([1, 2], dtype="timedelta64[us]"), id="duration"),
        pytest.param(pd.Series([1.5, 2.5], dtype="float32"), id="half_width"),
        pytest.param(pd.Series(["2016-06-06", "2016-06-13"], dtype="datetime64[ns]"), id="nanoseconds"),
    ],
)
def test_other_dtypes_that_survive_are_taken(folder_lake, column):
    frame = pd.DataFrame({"x": column})
    folder_lake.write_frame("a.parquet", frame)
    pd.testing.assert_frame_equal(folder_lake.read_frame("a.parquet"), frame)


@pytest.mark.parametrize(
    ("column", "becomes"),
    [
        pytest.param(pd.Series(["a", "b"], dtype="object"), "object would become str", id="object"),
        pytest.param(
            pd.Series(["2016-06-06"], dtype="datetime64[s]"),
            r"datetime64\[s\] would become datetime64\[ms\]",
            id="seconds",
        ),
    ],
)
def test_a_dtype_that_would_change_is_refused(folder_lake, column, becomes):
    with pytest.raises(ValueError, match=rf"a\.parquet: dtypes would not survive: x \({becomes}\)"):
        folder_lake.write_frame("a.parquet", pd.DataFrame({"x": column}))


def test_a_column_of_mixed_things_is_refused(folder_lake):
    with pytest.raises(ValueError, match=r"a\.parquet can not be stored as Parquet"):
        folder_lake.write_frame("a.parquet", pd.DataFrame({"x": pd.Series([1, "a"], dtype="object")}))


def test_an_index_that_holds_data_is_refused(folder_lake):
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"]))
    with pytest.raises(ValueError, match=r"call reset_index\(\) first"):
        folder_lake.write_frame("a.parquet", frame)


def test_row_numbers_left_by_a_filter_are_dropped(folder_lake):
    frame = pd.DataFrame({"x": [1, 2, 3]})
    folder_lake.write_frame("a.parquet", frame[frame["x"] > 1])
    assert folder_lake.read_frame("a.parquet").index.tolist() == [0, 1]


def test_the_same_table_gives_the_same_bytes_however_it_came_about(folder_lake):
    frame = frame_of(PANEL_DTYPES)
    pieces = pd.concat([frame.iloc[:1], frame.iloc[1:]])
    pieces.attrs["made"] = "elsewhere"
    longer = pd.concat([frame, frame]).iloc[:3]
    stored = set()
    for number, same in enumerate(
        (frame, pieces, longer, folder_lake.read_frame(folder_lake.write_frame("x", frame)))
    ):
        folder_lake.write_frame(f"{number}.parquet", same)
        stored.add(folder_lake.read_bytes(f"{number}.parquet"))
    assert len(stored) == 1


def test_writing_does_not_touch_the_callers_table(folder_lake):
    frame = frame_of(PANEL_DTYPES)
    frame.attrs["note"] = "mine"
    folder_lake.write_frame("a.parquet", frame)
    assert frame.attrs == {"note": "mine"}


@pytest.mark.parametrize("data", [b"", b"<html>", b"PAR1 and then nothing of it PAR1"])
def test_a_broken_table_is_named(folder_lake, data):
    folder_lake.write_bytes("runs/a.parquet", data)
    with pytest.raises(ArtefactUnreadable, match=r"runs/a\.parquet can not be read: not Parquet"):
        folder_lake.read_frame("runs/a.parquet")


def test_a_folder_is_stored_with_its_manifest(lake, tmp_path):
    docs = tmp_path / "docs"
    (docs / "static").mkdir(parents=True)
    (docs / "index.html").write_text("<h1>")
    (docs / "static" / "a.css").write_text("")
    assert lake.write_folder("runs/x/docs", docs) == "runs/x/docs"
    assert lake.list("runs/x") == [
        "runs/x/docs/index.html",
        "runs/x/docs/manifest.json",
        "runs/x/docs/static/a.css",
    ]
    manifest = lake.read_json("runs/x/docs/manifest.json")
    assert list(manifest["sha256"]) == ["index.html", "static/a.css"]
    assert lake.read_bytes("runs/x/docs/index.html") == b"<h1>"


def test_a_folder_written_again_holds_the_new_files_only(lake, tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "old.html").write_text("old")
    lake.write_folder("docs", docs)
    (docs / "old.html").rename(docs / "new.html")
    lake.write_folder("docs", docs)
    assert lake.list("docs") == ["docs/manifest.json", "docs/new.html"]


def test_a_folder_with_a_manifest_of_its_own_is_refused(folder_lake, tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ValueError, match=r"has a manifest\.json of its own"):
        folder_lake.write_folder("docs", tmp_path)
    with pytest.raises(ArtefactMissing):
        folder_lake.read_bytes("docs/manifest.json")


def test_a_folder_that_is_not_there_is_said(folder_lake, tmp_path):
    with pytest.raises(ValueError, match="there is no folder"):
        folder_lake.write_folder("docs", tmp_path / "nothing")
    assert folder_lake.list("") == []


def test_manifest_checksums_are_those_of_the_files(folder_lake, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a").write_bytes(b"abc")
    folder_lake.write_folder("docs", tmp_path / "docs")
    stored = json.loads(folder_lake.read_bytes("docs/manifest.json"))
    assert stored == {"sha256": {"a": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}}
