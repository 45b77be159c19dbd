"""The stage: measurements, verdicts, stretches, the gate and the picture, as artefacts of a week."""

import datetime as dt

import numpy as np
import pytest

from steadycast import compare_sources
from steadycast.errors import ArtefactMissing
from steadycast.lake import open_lake
from tests.twin_sources import AS_OF, WANTED, days, settings

MIDNIGHT = dt.datetime(2016, 6, 6, tzinfo=dt.UTC)


def lake_with(tmp_path, first, second, **verdicts):
    lake = open_lake(str(tmp_path))
    for name, frame in {"a": first, "b": second}.items():
        segment = lake.observations(name).append(frame, MIDNIGHT).segment
        lake.write_json(
            f"runs/{AS_OF}/validate/{name}.json",
            {"verdict": verdicts.get(name, "pass"), "segments": [segment]},
        )
    return lake


def report(lake, wanted=WANTED):
    return compare_sources.compare(lake, wanted, as_of=AS_OF)[0].report["variables"]["warm"]


def test_the_report_names_verdict_server_and_says_it_in_words(tmp_path):
    assert report(lake_with(tmp_path, days(56), days(56))) == {
        "verdict": "agree",
        "disagree": False,
        "off": None,
        "serves": "a",
        "sentence": "a and b agree on warm",
    }


def test_a_disagreement_that_nothing_decides_names_entity_window_days_and_size(tmp_path):
    told = report(lake_with(tmp_path, days(56, np.arange(56.0) + 30), days(56, np.arange(56.0) + 20)))
    assert (told["verdict"], told["disagree"], told["off"]) == ("undecided", True, None)
    assert told["sentence"] == (
        "a and b disagree on warm of m: in the last 8 weeks 100% of 56 days differ by more than 3 degF from "
        "the usual +0, the mean by +10 degF; which of them is off is undecided"
    )


@pytest.mark.parametrize(
    ("wanted", "count", "why"),
    [
        pytest.param(WANTED, 3, "3 common day(s)", id="few_days"),
        pytest.param(
            settings(),
            56,
            "twin_tolerance is not set and the shared history is too short to learn it from",
            id="no_tolerance",
        ),
    ],
)
def test_an_undecided_comparison_says_why(tmp_path, wanted, count, why):
    assert report(lake_with(tmp_path, days(count), days(56)), wanted)["sentence"].endswith(
        f"is undecided: {why}"
    )


@pytest.mark.parametrize(
    ("a", "b", "serves"),
    [
        ("pass", "pass", "a"),
        ("warn", "pass", "a"),
        ("fail", "pass", "b"),
        ("absent", "warn", "b"),
        ("fail", "absent", None),
    ],
)
def test_the_twin_serves_when_the_source_does_not(tmp_path, a, b, serves):
    assert report(lake_with(tmp_path, days(56), days(56), a=a, b=b))["serves"] == serves


def test_a_source_without_a_value_of_the_last_week_does_not_serve(tmp_path):
    assert report(lake_with(tmp_path, days(56).iloc[:-8], days(56)))["serves"] == "b"


def test_a_second_run_writes_the_same_bytes(tmp_path):
    lake = lake_with(tmp_path, days(56, np.arange(56.0)), days(56))
    paths = [compare_sources.run(lake, WANTED, as_of=AS_OF), f"runs/{AS_OF}/compare_sources.parquet"]
    before = [lake.read_bytes(path) for path in paths]
    compare_sources.run(lake, WANTED, as_of=AS_OF)
    assert [lake.read_bytes(path) for path in paths] == before


def test_without_twins_the_report_is_empty_and_the_table_has_its_columns(tmp_path):
    lake = open_lake(str(tmp_path))
    assert lake.read_json(compare_sources.run(lake, settings(twin=None), as_of=AS_OF))["pairs"] == []
    assert "beyond_share" in lake.read_frame(f"runs/{AS_OF}/compare_sources.parquet")


def test_a_source_without_a_verdict_stops_with_its_path(tmp_path):
    with pytest.raises(ArtefactMissing, match=r"validate/a\.json"):
        compare_sources.run(open_lake(str(tmp_path)), WANTED, as_of=AS_OF)
