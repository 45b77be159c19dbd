import datetime as dt
import functools

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from steadycast import models, schema, train, what_if
from steadycast.errors import MoveRefused
from steadycast.lake import open_lake
from steadycast.what_if import Move
from steadycast.what_if.__main__ import main
from tests.driven import AS_OF, ENTITIES, panel, settings

RAIN = "weather.rain"


def world():
    """Shops whose model beats every benchmark, so that it is what is published."""
    frame = panel(0.05, swing=0.4)
    years = (frame[schema.WEEK] - frame[schema.WEEK].min()) / pd.Timedelta(days=365)
    grown = frame[schema.VALUE] * 1.15**years
    return frame.assign(value=frame[schema.VALUE].mask(frame[schema.SOURCE] == "sales", grown))


@functools.cache
def the_model(sign=""):
    """Arguments of infer of a model that was really trained on more rain, more units."""
    chosen = settings(signs={RAIN: sign} if sign else None)
    trained = train.train(models.known_history(world(), chosen, AS_OF), chosen)
    return {
        "texts": trained.models,
        "residuals": trained.residuals,
        "feature_names": trained.feature_names,
        "model_id": "m",
    }


def ask(*moves, sign=""):
    chosen = settings(signs={RAIN: sign} if sign else None)
    return what_if.what_if(world(), chosen, AS_OF, the_model(sign), moves)


def change(found):
    return found.after[schema.POINT] - found.before[schema.POINT]


@hypothesis_settings(max_examples=4, deadline=None)
@given(
    how=st.sampled_from([("by", 0.0), ("times", 1.0)]),
    driver=st.sampled_from([RAIN, "sales.units"]),
    weeks=st.integers(1, 60),
)
def test_a_move_by_nothing_changes_nothing(how, driver, weeks):
    found = ask(Move(driver, *how, first=AS_OF - dt.timedelta(weeks=weeks)))
    pd.testing.assert_frame_equal(found.after, found.before, check_exact=True)
    assert found.outside == ()


def test_a_driver_moves_point_and_interval_and_leaves_the_benchmarks():
    found = ask(Move(RAIN, "by", 5.0))
    assert change(found).mean() > 0
    for bound in schema.BOUNDS:
        moved = found.after[bound] - found.before[bound]
        np.testing.assert_allclose(moved, change(found), atol=1e-6 * 600)
    for benchmark in (schema.SAME_WEEK_LAST_YEAR, schema.LAST_VALUE):
        pd.testing.assert_series_equal(found.after[benchmark], found.before[benchmark])
    assert found.moved[0].startswith("weather.rain moved by +5 mm from 2016-05-09 to 2016-05-30: mean ")


def test_the_targets_past_moves_its_benchmarks_and_all_that_is_derived_from_it():
    found = ask(Move("sales.units", "times", 1.1, entities=("shop_3",)))
    by_entity = change(found).groupby(found.before[schema.ENTITY]).mean()
    assert by_entity["shop_3"] > 0.03 * 400
    last = (
        (found.after[schema.LAST_VALUE] / found.before[schema.LAST_VALUE])
        .groupby(found.before["entity"])
        .mean()
    )
    assert last["shop_3"] == pytest.approx(1.1)
    np.testing.assert_allclose(last.drop("shop_3"), 1)


def test_moves_are_applied_one_after_the_other_and_the_panel_stays():
    frame = world()
    before = frame.copy()
    moves = (Move(RAIN, "to", 20.0), Move(RAIN, "by", 3.0))
    found = what_if.what_if(frame, settings(), AS_OF, the_model(), moves)
    pd.testing.assert_frame_equal(frame, before)
    direct = ask(Move(RAIN, "to", 23.0))
    pd.testing.assert_frame_equal(found.after, direct.after)


def test_leaving_the_range_of_the_training_is_told_of_the_driver_and_of_what_is_derived():
    inside = ask(Move(RAIN, "to", 20.0))
    assert inside.outside == ()
    found = ask(Move(RAIN, "to", 500.0))
    assert found.outside[0].startswith("4 of 4 moved values of weather.rain are beyond ")
    assert any(text.startswith("weather.rain.last became 500; in training it was ") for text in found.outside)


@hypothesis_settings(max_examples=4, deadline=None)
@given(step=st.floats(0.5, 15))
def test_more_of_a_driver_moves_no_forecast_against_its_declared_sign(step):
    found = ask(Move(RAIN, "by", step), sign="+")
    assert change(found).min() >= -1e-9


@pytest.mark.parametrize(
    ("move", "field", "says"),
    [
        pytest.param(Move("weather.snow", "by", 1), "driver", "does not see 'weather.snow'", id="driver"),
        pytest.param(Move(RAIN, "plus", 1), "how", "name one of to, by, times", id="how"),
        pytest.param(Move(RAIN, "by", float("nan")), "value", "nan is no number", id="value"),
        pytest.param(
            Move(RAIN, "by", 1, entities=("shop_1",)),
            "entities",
            "it has town\nNext: leave it out",
            id="shared",
        ),
        pytest.param(
            Move("sales.units", "by", 1, entities=("shop_9",)),
            "entities",
            "shop_0, shop_1, shop_2",
            id="entity",
        ),
        pytest.param(
            Move(RAIN, "by", 1, first=dt.date(2016, 5, 10)), "first", "write 2016-05-09", id="no_monday"
        ),
        pytest.param(
            Move(RAIN, "by", 1, dt.date(2016, 5, 30), dt.date(2016, 5, 23)), "first", "is after", id="turned"
        ),
        pytest.param(
            Move(RAIN, "by", 1, dt.date(2026, 1, 5), dt.date(2026, 1, 5)),
            "weeks",
            "has no value",
            id="no_rows",
        ),
    ],
)
def test_a_move_that_can_not_be_made_names_the_field_and_the_next_step(move, field, says):
    with pytest.raises(MoveRefused) as error:
        ask(move)
    assert error.value.field == field
    assert says in str(error.value)
    assert "\nNext: " in str(error.value)


def test_weeks_that_the_model_does_not_see_are_refused():
    frame = world()
    later = frame[frame[schema.WEEK] == frame[schema.WEEK].max()].assign(week=pd.Timestamp(AS_OF))
    with pytest.raises(MoveRefused, match="the model sees none of what is moved"):
        what_if.what_if(
            pd.concat([frame, later], ignore_index=True), settings(), AS_OF, the_model(),
            [Move(RAIN, "by", 3, AS_OF, AS_OF)],
        )  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A lake with a trained week, and its settings file."""
    folder = tmp_path_factory.mktemp("place")
    lake = open_lake(str(folder / "lake"))
    path = f"runs/{AS_OF}/impute/panel.parquet"
    lake.write_frame(path, world())
    train.run(lake, settings(), path, as_of=AS_OF, git_commit="abc")
    file = folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump(settings().model_dump(mode="json", exclude_unset=True)))
    return ["--lake", str(folder / "lake"), "--settings", str(file), "--week", AS_OF.isoformat()]


def test_the_command_prints_what_would_be(place, capsys):
    assert main([*place, "--by", f"{RAIN}=5", "--show", "2"]) == 0
    told = capsys.readouterr().out
    lines = told.splitlines()
    assert lines[0].startswith("weather.rain moved by +5 mm from 2016-05-09")
    assert lines[2].split() == ["week", "was", "would", "be", "change", "80", "%", "interval", "last", "year"]
    assert lines[3].startswith(f"all {len(ENTITIES)}")
    assert "and 4 more that change less" in told
    assert "in units per week" in told


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param([], "driver: nothing is moved", id="nothing"),
        pytest.param(["--to", "weather.rain"], "write --to weather.rain=5", id="no_number"),
        pytest.param(["--by", "weather.snow=1"], "Next: name one of weather.rain, sales.units", id="unknown"),
    ],
)
def test_the_command_says_what_to_type_instead(place, capsys, given, says):
    assert main([*place, *given]) == 1
    assert says in capsys.readouterr().err
