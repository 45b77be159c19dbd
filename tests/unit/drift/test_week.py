import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast import champion, drift, models, schema, train
from steadycast.errors import DecisionRefused
from steadycast.lake import open_lake
from tests.driven import AS_OF, panel, settings

LIVE = 12
FIRST = AS_OF - dt.timedelta(weeks=LIVE)


def cut(weeks):
    """The target's level falls by 40 % in the last ``weeks`` weeks."""
    frame = panel(0.05)
    late = frame[schema.WEEK] >= pd.Timestamp(AS_OF) - pd.Timedelta(weeks=weeks)
    frame.loc[late & (frame[schema.SOURCE] == "sales"), schema.VALUE] *= 0.6
    return frame


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake in which a model was really trained before the live weeks."""
    lake = open_lake(str(tmp_path_factory.mktemp("lake")))
    path = f"runs/{FIRST}/impute/panel.parquet"
    lake.write_frame(path, panel(0.05))
    train.run(lake, settings(), path, as_of=FIRST, git_commit="abc")
    return lake


def scored(lake, frame):
    """What the model of the first week forecasts in each live week, and what came: SCORE_DTYPES."""
    chosen = settings()
    card = lake.read_json(f"runs/{FIRST}/train/card.json")
    texts = {kind: lake.read_bytes(path).decode() for kind, path in card["models"].items()}
    forecaster = models.forecaster(models.known_history(frame, chosen, AS_OF), chosen)
    model = models.load(texts, forecaster.feature_names)
    end = len(forecaster.history.weeks)
    table = models.forecast_table(forecaster, model, np.arange(end - LIVE, end), moving_average_weeks=4)
    actual = frame[frame[schema.SOURCE] == "sales"].set_index([schema.ENTITY, schema.WEEK])[schema.VALUE]
    table = table.join(actual.rename(schema.ACTUAL), on=[schema.ENTITY, schema.WEEK]).dropna()
    error = (table[schema.ACTUAL] - table[schema.POINT]).abs()
    return table.assign(
        **{schema.FORECAST: table[schema.POINT], schema.ABS_ERROR: error, schema.MODEL: schema.OURS}
    )


def assess(lake, frame):
    return drift.assess(lake, settings(), scored(lake, frame), as_of=AS_OF)


def test_clean_weeks_have_no_drift_and_their_error_beside_its_band(lake):
    found = assess(lake, panel(0.05))
    assert found.breaks == []
    assert drift.findings_of(found, settings()) == []
    assert "% was expected for Mar-May, all horizons." in " ".join(found.sentences())
    path = drift.write(lake, found, settings(), as_of=AS_OF)
    assert path == f"runs/{AS_OF}/drift.json"
    told = lake.read_json(path)
    assert told["shorter_memory"] is None
    assert told["breaks"] == []
    assert {0, 1, 2} <= {band["horizon"] for band in told["bands"]}


def test_a_break_is_told_with_its_week_and_tries_a_shorter_memory(lake):
    found = assess(lake, cut(6))
    assert found.broken.since == AS_OF - dt.timedelta(weeks=6)
    assert found.broken.found == AS_OF - dt.timedelta(weeks=5)
    told = lake.read_json(drift.write(lake, found, settings(), as_of=AS_OF))
    assert told["shorter_memory"]["history_weeks"] == 112
    assert told["shorter_memory"]["since"] == "2016-04-25"
    by_key = {one.key: one for one in drift.findings_of(found, settings())}
    assert by_key["drift/break/2016-04-25"].kind == "drift"
    assert "A model on the last 112 weeks is tried" in by_key["drift/break/2016-04-25"].text
    assert "drift/error/Mar-May" in by_key


def test_a_memory_that_is_short_already_is_not_shortened(lake):
    chosen = settings()
    model = chosen.forecast.model.model_copy(update={"history_weeks": 112})
    short = chosen.model_copy(update={"forecast": chosen.forecast.model_copy(update={"model": model})})
    found = assess(lake, cut(6))
    assert drift.shorter_memory(found, short) is None
    texts = [one.text for one in drift.findings_of(found, short) if one.key.startswith("drift/break")]
    assert "challenger" not in texts[0]


def test_an_old_break_is_no_news(lake):
    later = AS_OF + dt.timedelta(weeks=14)
    found = drift.assess(lake, settings(), scored(lake, cut(6)), as_of=later)
    assert found.broken is not None
    later = AS_OF + dt.timedelta(weeks=40)
    assert drift.assess(lake, settings(), scored(lake, cut(6)), as_of=later).broken is None


def test_inputs_are_those_of_the_weeks_own_panel(lake, tmp_path):
    frame = panel(0.05)
    late = frame[schema.WEEK] >= pd.Timestamp(AS_OF) - pd.Timedelta(weeks=8)
    frame.loc[late & (frame[schema.SOURCE] == "weather"), schema.VALUE] *= 25.4
    path = f"runs/{AS_OF}/impute/panel.parquet"
    lake.write_frame(path, frame)
    try:
        found = assess(lake, panel(0.05))
    finally:
        lake.delete(path)
    (one,) = drift.findings_of(found, settings())
    assert (one.key, one.source) == ("drift/input/weather.rain", "weather")
    assert "weather.rain changed by" in one.text


def test_what_can_not_be_looked_at_is_said(lake, tmp_path):
    rows = scored(lake, panel(0.05))
    found = drift.assess(open_lake(str(tmp_path)), settings(), rows, as_of=AS_OF)
    assert found.bands == []
    assert "Inputs are not looked at: runs/2016-06-06/impute/panel.parquet is not in the lake" in found.note
    assert f"no expected band: runs/{FIRST}/train/card.json is not in the lake" in found.sentences()[-1]


def test_nothing_scored_is_no_drift(lake):
    found = drift.assess(lake, settings(), scored(lake, panel(0.05)).iloc[:0], as_of=AS_OF)
    assert (found.bands, found.breaks, found.broken) == ([], [], None)


def test_a_proposal_is_tried_as_a_challenger_for_half_a_year_and_no_longer(lake, tmp_path):
    fresh = open_lake(str(tmp_path))
    assert drift.with_trial(fresh, settings(), AS_OF) == settings()
    drift.write(fresh, assess(lake, cut(6)), settings(), as_of=AS_OF)
    for weeks, tried in ((-1, False), (0, True), (25, True), (26, False)):
        named = drift.with_trial(fresh, settings(), AS_OF + dt.timedelta(weeks=weeks)).forecast.challengers
        assert named == ({"memory_112": {"history_weeks": 112}} if tried else {})


def test_the_shorter_memory_is_a_variation_also_where_it_is_not_declared():
    assert champion.variation(settings(), "memory_112").forecast.model.history_weeks == 112
    with pytest.raises(DecisionRefused, match="memory_x"):
        champion.variation(settings(), "memory_x")
