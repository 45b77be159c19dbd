import datetime as dt

import pandas as pd
import pytest

from steadycast import explain, infer, publication, schema, train
from steadycast.explain import change, made_of
from steadycast.lake import open_lake
from tests.driven import AS_OF, panel, settings

BEFORE = AS_OF - dt.timedelta(weeks=1)
FOLDER = f"runs/{AS_OF}/infer"
FORECAST = f"{FOLDER}/forecast.parquet"
SIGNS = {"weather.rain": "-"}


def the_week(lake, as_of, *, effect=0.1, **chosen):
    path = f"runs/{as_of}/impute/panel.parquet"
    lake.write_frame(path, panel(effect))
    card = train.run(lake, settings(**chosen), path, as_of=as_of, git_commit="abc")
    return infer.run(lake, settings(**chosen), path, card, as_of=as_of)


def publish(lake, as_of, **facts):
    data = lake.read_bytes(f"runs/{as_of}/infer/forecast.parquet")
    publication.write_published(lake, as_of, {"forecast.parquet": data}, {"verdict": "ok", **facts})


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake with a published week and the one after it, whose model was declared another sign."""
    lake = open_lake(str(tmp_path_factory.mktemp("lake")))
    the_week(lake, BEFORE)
    publish(lake, BEFORE)
    the_week(lake, AS_OF)
    return lake


def test_the_explanation_lies_beside_the_forecast_and_is_about_it(lake):
    files = explain.files(lake, FORECAST)
    assert set(files) == {"explanation.json", "contributions.parquet", "change.parquet", "why.png"}
    assert files["why.png"].startswith(b"\x89PNG")
    keys = [schema.ENTITY, schema.WEEK]
    point = lake.read_frame(FORECAST).set_index(keys)[schema.POINT]
    told = lake.read_frame(f"{FOLDER}/contributions.parquet")
    total = told.groupby(keys)[made_of.CONTRIBUTION].sum()
    pd.testing.assert_series_equal(total, point, check_names=False, rtol=1e-9)


def test_what_changed_since_the_published_forecast_sums_to_the_change(lake):
    keys = [schema.ENTITY, schema.WEEK]
    was = publication.read_published(lake, BEFORE)[0].set_index(keys)[schema.POINT]
    now = lake.read_frame(FORECAST).set_index(keys)[schema.POINT]
    told = lake.read_frame(f"{FOLDER}/change.parquet").set_index(keys)
    assert len(told) == 6 * 3
    pd.testing.assert_series_equal(
        told[list(change.CAUSES)].sum(axis=1), (now - was).reindex(told.index), check_names=False, atol=1e-9
    )
    # both weeks rest on the same panel: nothing was revised
    assert told[change.REVISION].abs().max() < 1e-9


def test_the_sentences_name_start_cause_and_unit(lake):
    first, second, *_ = lake.read_json(f"{FOLDER}/explanation.json")["sentences"]
    assert first.startswith("All 6 together: ")
    assert "units per week in a mean week, from " in first
    assert second.startswith("Since last week's forecast of the same 3 weeks: ")


def test_a_run_repeated_gives_the_same_bytes(lake):
    before = explain.files(lake, FORECAST)
    path = f"runs/{AS_OF}/impute/panel.parquet"
    infer.run(lake, settings(), path, f"runs/{AS_OF}/train/card.json", as_of=AS_OF)
    assert explain.files(lake, FORECAST) == before


def test_the_first_week_has_nothing_to_compare_with_and_says_so(lake):
    facts = lake.read_json(f"runs/{BEFORE}/infer/explanation.json")
    assert facts["change"] is None
    assert facts["sentences"][1] == (
        "No comparison with last week: published/2016-05-23/manifest.json is not in the lake."
    )


@pytest.fixture
def second(lake, tmp_path):
    """A copy of the lake to change."""
    copy = open_lake(str(tmp_path))
    for path in lake.list(""):
        copy.write_bytes(path, lake.read_bytes(path))
    return copy


def again(lake, chosen=None):
    path = f"runs/{AS_OF}/impute/panel.parquet"
    infer.run(lake, chosen or settings(), path, f"runs/{AS_OF}/train/card.json", as_of=AS_OF)
    return lake.read_json(f"{FOLDER}/explanation.json"), lake.read_json(f"runs/{AS_OF}/findings/infer.json")


def test_a_fallback_is_not_compared_with(second):
    publish(second, BEFORE, verdict="fallback")
    facts, _ = again(second)
    assert "2016-05-30 is a fallback" in facts["sentences"][1]


def test_a_model_that_this_version_can_not_load_leaves_its_share_to_the_model(second):
    card = f"runs/{BEFORE}/train/card.json"
    second.write_json(card, second.read_json(card) | {"features": ["other"]})
    facts, found = again(second)
    told = facts["change"]
    assert told["after"] - told["before"] == pytest.approx(sum(told[cause] for cause in change.CAUSES))
    assert found == []


def test_a_contradicted_sign_is_a_warning_and_a_sentence(second):
    facts, found = again(second, settings(signs=SIGNS))
    assert [(f["kind"], f["severity"], f["source"]) for f in found] == [("explanation", "warning", "weather")]
    assert facts["signs"][0]["contradicts"] is True
    assert facts["sentences"][-1] == found[0]["text"]


def test_a_forecast_that_can_not_be_explained_is_still_a_forecast(second, monkeypatch):
    def broken(*_):
        raise RuntimeError("no such tree")

    monkeypatch.setattr(made_of, "contributions", broken)
    second.delete(f"{FOLDER}/explanation.json")
    path = f"runs/{AS_OF}/impute/panel.parquet"
    infer.run(second, settings(), path, f"runs/{AS_OF}/train/card.json", as_of=AS_OF)
    (found,) = second.read_json(f"runs/{AS_OF}/findings/infer.json")
    assert found["key"] == "explanation/failed"
    assert "no such tree" in found["text"]
    assert explain.files(second, FORECAST) == {}


def test_an_explanation_of_another_forecast_is_not_handed_out(second):
    frame = second.read_frame(FORECAST)
    second.write_frame(FORECAST, frame.assign(point=frame[schema.POINT] + 1))
    assert explain.files(second, FORECAST) == {}
