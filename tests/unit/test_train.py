import pandas as pd
import pytest

from steadycast import schema, train
from steadycast.errors import ModelError
from steadycast.lake import open_lake
from tests.modelling import AS_OF, panel, settings


@pytest.fixture
def lake(tmp_path):
    return open_lake(str(tmp_path))


def run(lake, rows, **named):
    path = lake.write_frame("runs/2016-06-06/impute/panel.parquet", rows)
    return train.run(lake, settings(), path, as_of=AS_OF, git_commit="abc", **named)


def test_the_card_says_what_the_model_was_made_from_and_how_it_did(lake):
    card = lake.read_json(run(lake, panel()))
    assert card["git_commit"] == "abc"
    assert card["as_of"] == "2016-06-06"
    assert card["entities"] == 3
    scores = card["out_of_sample_wape"]
    assert scores[schema.POINT] < scores[schema.SAME_WEEK_LAST_YEAR]
    assert scores[schema.POINT] < scores[schema.MOVING_AVERAGE]
    assert card["models"]
    assert all(lake.exists(text) for text in card["models"].values())
    assert "weather.tmean_c.last" in card["features"]
    assert len(card["curve_shares"]) == 4
    assert all(0 <= share <= 1 for share in card["curve_shares"])


def test_the_same_panel_gives_the_same_bytes_and_the_same_name(lake):
    card = lake.read_json(run(lake, panel()))
    files = [*card["models"].values(), card["residuals"], "runs/2016-06-06/train/card.json"]
    before = [lake.read_bytes(file) for file in files]
    run(lake, panel())
    assert [lake.read_bytes(file) for file in files] == before


def test_a_planted_future_does_not_move_the_model(lake):
    card = lake.read_bytes(run(lake, panel()))
    future = panel(after=8)
    rows = future[schema.WEEK] >= pd.Timestamp(AS_OF)
    future.loc[rows, schema.VALUE] = 1e9
    known = panel()
    mixed = pd.concat([future[rows], known], ignore_index=True)
    assert lake.read_bytes(run(lake, mixed)) == card


def test_residuals_are_of_weeks_before_as_of_only(lake):
    table = lake.read_frame(lake.read_json(run(lake, panel()))["residuals"])
    assert table[schema.WEEK].max().date() < AS_OF
    assert (table[schema.ACTUAL] - table[schema.POINT] - table[schema.RESIDUAL]).abs().max() < 1e-9


def test_progress_names_what_is_trained(lake):
    told = []
    run(lake, panel(), progress=lambda what, done, total: told.append((what, done, total)))
    assert ("training on the whole history", 1, 1) in told
    assert any(what == "training for past origins" for what, _, _ in told)


def test_a_panel_without_the_target_is_an_error_that_names_the_next_step(lake):
    rows = panel()
    with pytest.raises(ModelError, match=r"Next: look at the impute task of 2016-06-06"):
        run(lake, rows[rows[schema.SOURCE] != "ridership"])
