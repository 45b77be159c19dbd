import importlib.util
import json
import lzma
import pickle
from pathlib import Path

import pandas as pd
import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "build_demo_data.py"
_spec = importlib.util.spec_from_file_location("build_demo_data", SCRIPT)
script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)

BuildFailed = script.BuildFailed


@pytest.fixture
def packages(tmp_path):
    """A folder that has every file that is read, with its own name as content."""
    folder = tmp_path / "packages"
    for name in script.INPUTS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def recipes(monkeypatch):
    """Two files instead of the five, each with one number from the packages; thirteen is refused."""

    def make(packages):
        return pd.DataFrame({"value": [len((packages / script.EIA).read_text())]})

    def check(frame):
        if (frame["value"] == 13).any():
            raise BuildFailed("thirteen")

    monkeypatch.setattr(script, "FILES", {"a.csv": (make, check), "b.csv.gz": (make, check)})


def build(packages, out):
    return script.main(["--packages", str(packages), "--out", str(out)])


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_and_a_manifest_of_them_are_written(packages, tmp_path, recipes):
    assert build(packages, tmp_path / "out") == 0
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert set(content(tmp_path / "out")) == {"a.csv", "b.csv.gz", "manifest.json"}
    assert manifest["files"]["a.csv"] == {"rows": 1, "sha256": script.sha256(tmp_path / "out/a.csv")}
    assert set(manifest["inputs"]) == set(script.INPUTS)


def test_the_same_packages_give_the_same_bytes(packages, tmp_path, recipes):
    build(packages, tmp_path / "one")
    build(packages, tmp_path / "two")
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_a_second_call_does_nothing(packages, tmp_path, recipes, capsys):
    build(packages, tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert build(packages, tmp_path / "out") == 0
    assert "in place" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == times


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda out, packages: (out / "a.csv").write_text("value\n1\n"), id="file_changed"),
        pytest.param(lambda out, packages: (out / "a.csv").unlink(), id="file_gone"),
        pytest.param(lambda out, packages: (out / "manifest.json").unlink(), id="build_was_cut"),
        pytest.param(lambda out, packages: (out / "manifest.json").write_text("{"), id="manifest_cut"),
        pytest.param(lambda out, packages: (packages / script.EIA).write_text("other"), id="other_packages"),
    ],
)
def test_what_is_not_whole_or_out_of_date_is_built_again(packages, tmp_path, recipes, spoil):
    out = tmp_path / "out"
    build(packages, out)
    spoil(out, packages)
    assert not script.is_built(out, script.fingerprints(packages))
    assert build(packages, out) == 0
    assert script.is_built(out, script.fingerprints(packages))


def test_a_failing_check_leaves_what_was_there(packages, tmp_path, recipes, capsys):
    out = tmp_path / "out"
    build(packages, out)
    before = content(out)
    (packages / script.EIA).write_text("x" * 13)
    assert build(packages, out) == 1
    assert "thirteen" in capsys.readouterr().err
    assert content(out) == before


def test_files_of_others_in_the_folder_stay(packages, tmp_path, recipes):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine")
    build(packages, tmp_path / "out")
    assert (tmp_path / "out/notes.txt").read_text() == "mine"


def test_missing_packages_are_named(tmp_path, capsys):
    assert build(tmp_path, tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert script.CHICAGO in told
    assert "make demo-data" in told
    assert not (tmp_path / "out").exists()


def test_packages_with_other_contents_are_told_from_a_crash(packages, tmp_path, capsys):
    with lzma.open(packages / script.CHICAGO, "wb") as file:
        pickle.dump(pd.DataFrame({"date": ["2016-01-01"]}), file)
    assert build(packages, tmp_path / "out") == 1
    assert "cta_entries_daily.csv.gz: the packages' files are not as expected" in capsys.readouterr().err


class Command:
    def __reduce__(self):
        return print, ("a pickle ran code",)


def test_a_pickle_that_is_more_than_a_table_is_refused(tmp_path, capsys):
    with lzma.open(tmp_path / "table", "wb") as file:
        pickle.dump(Command(), file)
    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.print does not belong into a table"):
        script.read_table(tmp_path / "table")
    assert capsys.readouterr().out == ""


def entries(**change):
    frames = []
    for i in range(20):
        station = "Clark_Lake" if i == 0 else f"station {i}"
        days = pd.date_range("2001-01-08", "2016-08-28" if i == 0 else "2016-08-14")
        frames.append(pd.DataFrame({"station": station, "date": days, "entries": 2.5}))
    return pd.concat(frames, ignore_index=True).assign(**change)


def test_entries_as_expected_pass():
    script.check_entries(entries())


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        pytest.param(lambda f: f[f["station"] != "station 7"], "19 stations; expected 20", id="station_lost"),
        pytest.param(
            lambda f: f.drop(index=100), "Clark_Lake: a row is missing.* before 2001-04-19", id="gap"
        ),
        pytest.param(lambda f: pd.concat([f, f.iloc[[5]]]), "comes twice", id="twice"),
        pytest.param(
            lambda f: f[f["date"] < "2016-08-01"], "expected 2001-01-08 to 2016-08", id="ends_early"
        ),
        pytest.param(lambda f: f.assign(entries=-1.0), "between 0 and 60", id="negative"),
    ],
)
def test_other_entries_are_refused_with_the_reason(frame, says):
    with pytest.raises(BuildFailed, match=says):
        script.check_entries(frame(entries()))


@pytest.mark.parametrize(
    ("check", "column", "first", "last"),
    [
        pytest.param(script.check_weather_a, "temp", "2001-01-22", "2016-08-28", id="weather_a"),
        pytest.param(script.check_weather_b, "avg_temp", "2016-01-01", "2017-12-31", id="weather_b"),
    ],
)
def test_weather_in_celsius_is_refused(check, column, first, last):
    days = pd.date_range(first, last)
    check(pd.DataFrame({"date": days, column: 70.0}))
    with pytest.raises(BuildFailed, match="not in degF"):
        check(pd.DataFrame({"date": days, column: 21.0}))


def vintages(value):
    rows = [("CPIAUCSL", "2016-05", "2016-06-29", value), ("UNRATE", "2016-05", "2016-06-29", 4.7)]
    return pd.DataFrame(rows, columns=["series", "period", "vintage_date", "value"])


def test_a_revised_first_value_is_refused():
    script.check_vintages(vintages(239.41))
    with pytest.raises(BuildFailed, match=r"CPIAUCSL of 2016-05 is .*239\.557.*; expected 239\.41"):
        script.check_vintages(vintages(239.557))


def test_petrol_that_skips_a_week_is_refused():
    fridays = pd.DataFrame({"datetime": pd.date_range("2000-06-02", "2020-02-07", freq="7D")})
    script.check_petrol(fridays.assign(petrol_usd_per_gallon=2.5))
    with pytest.raises(BuildFailed, match="missing or comes twice before 2000-06-16"):
        script.check_petrol(fridays.drop(index=1).assign(petrol_usd_per_gallon=2.5))
