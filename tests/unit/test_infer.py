import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast import infer, models, schema, train
from steadycast.errors import ModelError
from steadycast.lake import open_lake
from tests.modelling import AS_OF, ENTITIES, panel, settings

PANEL = "runs/2016-06-06/impute/panel.parquet"
DEGRADED = "runs/2016-06-06/impute/degraded.json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A lake with a trained week; tests write only what the next one writes anew."""
    folder = str(tmp_path_factory.mktemp("lake"))
    lake = open_lake(folder)
    lake.write_frame(PANEL, panel())
    train.run(lake, settings(), PANEL, as_of=AS_OF, git_commit="abc")
    return folder


def run(folder: str, rows: pd.DataFrame | None = None, *, as_of: dt.date = AS_OF) -> pd.DataFrame:
    lake = open_lake(folder)
    lake.write_frame(PANEL, panel() if rows is None else rows)
    return lake.read_frame(infer.run(lake, settings(), PANEL, "runs/2016-06-06/train/card.json", as_of=as_of))


def test_every_entity_and_horizon_comes_once_with_bounds_benchmarks_model_and_week(folder):
    table = run(folder)
    assert table.dtypes.astype(str).to_dict() == schema.FORECAST_DTYPES
    assert list(zip(table[schema.ENTITY], table[schema.HORIZON], strict=True)) == [
        (entity, horizon) for entity in ENTITIES for horizon in (1, 2, 3, 4)
    ]
    assert table[schema.WEEK].min() == pd.Timestamp(AS_OF)
    told = [schema.POINT, *schema.BOUNDS, *schema.BENCHMARKS[:3]]
    assert table[told].notna().all().all()
    assert table[schema.CLIENT_FORECAST].isna().all()
    assert table[schema.MODEL_ID].nunique() == 1


def test_a_planted_future_does_not_move_the_forecast_by_a_bit(folder):
    before = run(folder)
    future = panel(after=8)
    future = future[future[schema.WEEK] >= pd.Timestamp(AS_OF)].assign(**{schema.VALUE: -1e12})
    pd.testing.assert_frame_equal(run(folder, pd.concat([panel(), future])), before, check_exact=True)


def test_the_forecast_is_near_what_comes(folder):
    # the panel's noise is 2 %, its season 20 %
    table = run(folder).set_index([schema.ENTITY, schema.HORIZON])[schema.POINT]
    season = np.sin(2 * np.pi * pd.Timestamp(AS_OF).day_of_year / 365.25)
    for size, entity in zip((100.0, 10.0, 50.0), ENTITIES, strict=True):
        assert table[entity, 1] == pytest.approx(size * (1 + 0.2 * season + 0.17), rel=0.06)


def test_what_the_inputs_lack_stands_in_every_row(folder):
    lake = open_lake(folder)
    lake.write_json(DEGRADED, {"degraded": True, "reasons": ["weather is absent"], "shares": {}})
    try:
        table = run(folder)
    finally:
        lake.delete(DEGRADED)
    assert table[schema.DEGRADED].all()
    assert set(table[schema.DEGRADED_REASONS]) == {"weather is absent"}


def test_a_station_without_last_year_says_so_in_its_own_rows_only(folder):
    rows = panel()
    young = (rows[schema.ENTITY] == "Polk") & (
        rows[schema.WEEK] < pd.Timestamp(AS_OF - dt.timedelta(weeks=40))
    )
    table = run(folder, rows[~young])
    polk = table[schema.ENTITY] == "Polk"
    assert (table.loc[polk, schema.DEGRADED_REASONS] == infer.NO_LAST_YEAR).all()
    assert not table.loc[~polk, schema.DEGRADED].any()
    assert table[schema.POINT].notna().all()


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param(6, 1, id="its_last_6_weeks_are_missing"),
        pytest.param(999, 3, id="it_opened_2_weeks_ago"),
    ],
)
def test_a_station_with_few_recent_weeks_gets_a_flagged_forecast_with_bounds(folder, first, last):
    rows = panel()
    back = (pd.Timestamp(AS_OF) - rows[schema.WEEK]) // pd.Timedelta(weeks=1)
    gone = (rows[schema.ENTITY] == "Polk") & back.between(last, first)
    table = run(folder, rows[~gone]).set_index(schema.ENTITY)
    told = [schema.POINT, *schema.BOUNDS]
    assert table.loc["Polk", told].notna().all().all()
    assert table.loc["Polk", schema.DEGRADED_REASONS].str.contains(infer.NO_RECENT).all()
    assert not table.loc[["Clark_Lake", "Western"], schema.DEGRADED].any()


def test_the_clients_own_forecast_stands_beside_ours():
    chosen = settings()
    history = models.known_history(panel(), chosen, AS_OF)
    trained = train.train(history, chosen)
    client = pd.DataFrame(
        {schema.ENTITY: ["Polk"], schema.WEEK: [pd.Timestamp(AS_OF)], schema.VALUE: [12.5]}
    ).astype({schema.ENTITY: "str", schema.WEEK: "datetime64[us]"})
    table = infer.infer(
        history, chosen, trained.models, trained.residuals,
        feature_names=trained.feature_names, model_id="m", client=client,
    )  # fmt: skip
    told = table[table[schema.CLIENT_FORECAST].notna()]
    assert told[[schema.ENTITY, schema.HORIZON, schema.CLIENT_FORECAST]].to_numpy().tolist() == [
        ["Polk", 1, 12.5]
    ]


def test_the_model_of_another_week_is_refused(folder):
    with pytest.raises(ModelError, match=r"is the model of 2016-06-06, not of 2016-06-13"):
        run(folder, as_of=dt.date(2016, 6, 13))
