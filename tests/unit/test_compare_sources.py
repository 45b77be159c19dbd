"""Two providers of the same thing, side by side."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast import compare_sources
from steadycast.errors import ArtefactMissing
from steadycast.lake import open_lake
from steadycast.settings import Settings

AS_OF = dt.date(2016, 6, 6)
MIDNIGHT = dt.datetime(2016, 6, 6, tzinfo=dt.UTC)


def settings(twin="b", tolerance=None, entities=("m",), **changes):
    def source(name, variables, **more):
        return {
            "name": name,
            "kind": "local_file",
            "path": f"{name}.csv",
            "variables": [{"name": v, "unit": "degF", "weekly": "mean"} for v in variables],
            "entities": list(entities),
            "layout": {"entity_field": "e"},
            **more,
        }

    return Settings.model_validate(
        {
            "title": "t",
            "schedule": {"first_week": "2016-06-06"},
            "target": {"source": "rides", "variable": "rides", "unit": "rides per week"},
            "sources": [
                source("rides", ["rides"], role="fundamental"),
                source("a", ["warm", "wet"], twin=twin, twin_tolerance=tolerance or {}, **changes),
                source("b", ["warm", "wind"]),
            ],
        }
    )


WANTED = settings(tolerance={"warm": 3.0})


def days(count, value=20.0, entity="m", variable="warm"):
    dates = pd.date_range(end="2016-06-05", periods=count, unit="us")
    values = np.broadcast_to(np.asarray(value, dtype="float64"), count).copy()
    frame = pd.DataFrame({"entity": entity, "date": dates, "variable": variable, "value": values})
    return frame.astype({"entity": "str", "variable": "str"})


def compare(first, second, wanted=WANTED):
    return compare_sources.compare(first, second, wanted.source("a"), wanted.source("b"), as_of=AS_OF)


def window(found, weeks, entity="m"):
    return found[(found["window_weeks"] == weeks) & (found["entity"] == entity)].iloc[0]


def test_only_common_variables_are_compared_in_three_windows():
    found = compare(days(60), days(60))
    assert found["variable"].unique().tolist() == ["warm"]
    assert found["window_weeks"].tolist() == [1, 4, 8]
    assert found["days"].tolist() == [7, 28, 56]


def test_bias_is_source_minus_twin_and_mae_has_no_sign():
    wave = np.tile([1.0, -3.0], 28)
    last = window(compare(days(56, 20 + wave), days(56)), 8)
    assert (last["bias"], last["mae"]) == (pytest.approx(-1.0), pytest.approx(2.0))


def test_correlation_is_that_of_numpy():
    rng = np.random.default_rng(1)
    x, y = rng.normal(20, 5, 56), rng.normal(20, 5, 56)
    found = window(compare(days(56, x), days(56, y)), 8)["correlation"]
    assert found == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_a_side_that_does_not_vary_has_no_correlation():
    assert np.isnan(window(compare(days(56, 0.1), days(56, np.arange(56.0))), 8)["correlation"])


@pytest.mark.parametrize(
    ("off", "days_off", "verdict"),
    [
        pytest.param(2.9, 7, "agree", id="within_the_tolerance"),
        pytest.param(3.1, 7, "disagree", id="beyond_it_every_day"),
        pytest.param(5.0, 1, "agree", id="one_day_of_seven"),
        pytest.param(5.0, 2, "disagree", id="two_days_of_seven"),
        pytest.param(30.0, 1, "disagree", id="one_day_so_far_off_that_the_mean_is"),
    ],
)
def test_a_window_is_judged_by_its_tolerance(off, days_off, verdict):
    values = np.full(56, 20.0)
    values[-days_off:] += off
    assert window(compare(days(56, values), days(56)), 1)["verdict"] == verdict


@pytest.mark.parametrize(("common", "verdict"), [(4, "undecided"), (5, "agree")])
def test_too_few_days_decide_nothing(common, verdict):
    assert window(compare(days(common), days(56)), 1)["verdict"] == verdict


def test_without_a_tolerance_nothing_is_decided():
    found = compare(days(56), days(56, 50.0), settings())
    assert set(found["verdict"]) == {"undecided"}
    assert found["beyond_share"].isna().all()
    assert found["mae"].tolist() == [30.0] * 3


def test_one_bad_entity_is_not_hidden_by_a_good_one():
    wanted = settings(tolerance={"warm": 3.0}, entities=("m", "n"))
    first = pd.concat([days(56), days(56, 40.0, entity="n")])
    second = pd.concat([days(56), days(56, entity="n")])
    found = compare(first, second, wanted)
    assert [window(found, 8, entity)["verdict"] for entity in "mn"] == ["agree", "disagree"]


def test_days_from_as_of_on_change_nothing():
    future = days(56).assign(date=lambda f: f["date"] + pd.Timedelta(days=56), value=1e6)
    first = days(56, np.arange(56.0))
    expected = compare(first, days(56))
    pd.testing.assert_frame_equal(
        compare(pd.concat([first, future]), pd.concat([days(56), future])), expected
    )


def test_nothing_in_common_is_zero_days_and_undecided():
    found = compare(days(56), days(0))
    assert (found["days"].tolist(), set(found["verdict"])) == ([0, 0, 0], {"undecided"})


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
    return lake.read_json(compare_sources.run(lake, wanted, as_of=AS_OF))["pairs"][0]["variables"]["warm"]


def test_the_report_names_verdict_server_and_says_it_in_words(tmp_path):
    assert report(lake_with(tmp_path, days(56), days(56))) == {
        "verdict": "agree",
        "serves": "a",
        "sentence": "a and b agree on warm",
    }


def test_a_disagreement_names_entity_window_days_and_size(tmp_path):
    told = report(lake_with(tmp_path, days(56, 30.0), days(56)))
    assert told["verdict"] == "disagree"
    assert told["sentence"] == (
        "a and b disagree on warm of m: in the last 8 weeks 100% of 56 days differ by more than 3 degF, "
        "the mean by +10 degF"
    )


@pytest.mark.parametrize(
    ("wanted", "count", "why"),
    [
        pytest.param(WANTED, 3, "3 common day(s)", id="few_days"),
        pytest.param(settings(), 56, "twin_tolerance is not set", id="no_tolerance"),
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
