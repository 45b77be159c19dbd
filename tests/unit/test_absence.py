"""What the absence of a source costs, when it is priced, and what is made of it."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast import absence
from steadycast.features import History
from steadycast.lake import open_lake
from tests.twin_sources import settings

AS_OF = dt.date(2016, 8, 22)


def wanted(method="none", **more):
    return settings(imputation={"method": method, **more})


def history():
    weeks = np.arange(np.datetime64("2016-01-04"), np.datetime64("2016-05-23"), 7)
    values = np.arange(float(len(weeks)))[:, None]
    return History(weeks, ("m",), values, {"a.warm": values, "b.warm": values})


def absent(method, weeks=3, instead=None, **more):
    found = absence.without(history(), wanted(method, **more), "a", weeks, 15, instead or {})
    return found.drivers["a.warm"][:, 0], found.drivers["b.warm"][:, 0]


def test_only_the_last_weeks_before_the_origin_and_only_of_that_source_are_taken_away():
    mine, other = absent("none")
    assert np.flatnonzero(np.isnan(mine)).tolist() == [12, 13, 14]
    assert not np.isnan(other).any()


def test_a_carried_value_is_the_last_one_for_as_long_as_the_settings_let_it():
    mine, _ = absent("carry", max_gap_weeks=2)
    assert mine[11:14].tolist() == [11.0, 11.0, 11.0]
    assert np.isnan(mine[14])


def test_a_twin_stands_in_with_its_own_values():
    mine, _ = absent("twin", instead={"a.warm": np.full((20, 1), 99.0)})
    assert mine[[11, 12, 14, 15]].tolist() == [11.0, 99.0, 99.0, 15.0]


def prices(points, error=0.1, role="optional"):
    by_weeks = {
        "1": {"points": points / 2, "standard_error": error},
        "4": {"points": points, "standard_error": error},
    }
    changed = settings(role=role)
    return {"sources": {"a": absence._proposal(changed, "a", by_weeks)}}


@pytest.mark.parametrize(
    ("role", "points", "error", "proposal"),
    [
        pytest.param("optional", 3.0, 0.1, "fundamental", id="dear"),
        pytest.param("optional", 1.1, 0.1, "optional", id="not_clearly_beyond"),
        pytest.param("fundamental", 0.1, 0.1, "optional", id="cheap"),
        pytest.param("fundamental", 0.4, 0.1, "fundamental", id="not_clearly_below"),
    ],
)
def test_a_role_is_contradicted_only_by_clear_evidence(role, points, error, proposal):
    found = absence.findings_of(prices(points, error, role))
    assert [finding.key for finding in found] == ([f"absence/a/{proposal}"] if proposal != role else [])


def test_the_sentence_takes_the_price_of_at_least_so_many_weeks():
    known = prices(0.5)["sources"]
    told = [absence.sentence(known, "a", weeks) for weeks in (1, 2, 9)]
    assert told == ["expected error +0.2 points", "expected error +0.5 points", "expected error +0.5 points"]
    assert absence.sentence(known, "b", 1) == ""


def test_a_week_reads_prices_made_before_it_and_each_month_is_priced_once(tmp_path):
    lake = open_lake(str(tmp_path))
    assert absence.due(lake, AS_OF)
    for made in ("2016-07-04", "2016-08-08"):
        day = dt.date.fromisoformat(made)
        lake.write_json(absence.place(day), {"as_of": made, "sources": {"a": {"made": made}}})
    assert not absence.due(lake, AS_OF)
    seen = [
        absence.known(lake, dt.date.fromisoformat(day)) for day in ("2016-07-04", "2016-08-08", "2016-08-15")
    ]
    assert [found.get("a", {}).get("made") for found in seen] == [None, "2016-07-04", "2016-08-08"]


def test_a_source_that_tells_the_future_of_the_target_is_dear_and_one_of_noise_is_not():
    rng = np.random.default_rng(3)
    weeks = pd.date_range("2012-01-02", periods=230, freq="7D", unit="us")
    coming = rng.normal(0, 1, len(weeks) + 1)
    made = {("a", "warm"): lambda: coming[1:], ("b", "wind"): lambda: rng.normal(0, 1, len(weeks))}
    made["rides", "rides"] = lambda: 100 + 20 * coming[:-1] + rng.normal(0, 1, len(weeks))
    panel = pd.concat(
        [
            pd.DataFrame(
                {"source": s, "entity": e, "week": weeks, "variable": v, "value": values(), "how": "observed"}
            )
            for e in "mnopqrst"
            for (s, v), values in made.items()
        ]
    ).astype({"source": "str", "entity": "str", "variable": "str", "how": "str"})
    base = settings()
    model = base.forecast.model.model_copy(update={"calibration_origins": 12})
    forecast = base.forecast.model_copy(
        update={"features": {"a": ("warm",), "b": ("wind",)}, "horizon_weeks": 1, "model": model}
    )
    sources = tuple(s.model_copy(update={"expected_lag_days": 1}) for s in base.sources)
    changed = base.model_copy(update={"forecast": forecast, "sources": sources})
    as_of = (weeks[-1] + pd.Timedelta(days=7)).date()
    found = absence.price(panel, panel.iloc[:0], changed, as_of=as_of)
    dear, cheap = (found["sources"][name]["by_weeks"]["1"]["points"] for name in "ab")
    assert dear > 1.0
    assert abs(cheap) < dear / 4
