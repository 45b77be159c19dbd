"""Which unit the values are in."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast.expectations import units
from steadycast.expectations.evidence import Evidence
from steadycast.schema import POLL_DTYPES
from steadycast.settings import LocalFileSource

AS_OF = dt.date(2016, 6, 6)
RNG = np.random.default_rng(5)
DAYS = pd.date_range("2014-01-01", "2016-06-05", unit="us")
DEGREES_F = 52 + 25 * np.sin((DAYS.day_of_year.to_numpy() - 105) / 58.1) + RNG.normal(0, 4, len(DAYS))


def judge(told, known, unit, first="2016-05-09", cadence="daily"):
    source = LocalFileSource.model_validate(
        {
            "name": "s",
            "kind": "local_file",
            "path": "s.csv",
            "variables": [{"name": "x", "unit": unit}],
            "layout": {"entity": "a"},
            "cadence": cadence,
        }
    )

    def table(values):
        dates = DAYS[: len(values)]
        return pd.DataFrame({"entity": "a", "date": dates, "variable": "x", "value": values})

    poll = table(told)
    poll = poll[poll["date"] >= first]
    poll = poll.assign(raw="", row=range(1, len(poll) + 1)).astype(POLL_DTYPES)
    evidence = Evidence(source, AS_OF, dt.date.fromisoformat(first), poll, table(known))
    return units.suspects(evidence).iloc[0]


@pytest.mark.parametrize(
    ("unit", "found", "values", "sent"),
    [
        pytest.param("degF", "degC", DEGREES_F, lambda v: (v - 32) / 1.8, id="degC_for_degF"),
        pytest.param("degC", "degF", (DEGREES_F - 32) / 1.8, lambda v: v * 1.8 + 32, id="degF_for_degC"),
        pytest.param("mph", "km/h", np.abs(DEGREES_F) / 6, lambda v: v * 1.609344, id="km_h_for_mph"),
        pytest.param("inHg", "hPa", 30 + DEGREES_F / 900, lambda v: v * 33.8639, id="hPa_for_inHg"),
        pytest.param("in", "mm", np.abs(DEGREES_F) / 50, lambda v: v * 25.4, id="mm_for_in"),
        pytest.param(
            "USD per gallon", "USD per l", DEGREES_F / 20, lambda v: v / 3.785411784, id="per_litre"
        ),
        pytest.param(
            "thousand entries per day",
            "entries per day",
            np.abs(DEGREES_F),
            lambda v: v * 1000,
            id="thousand",
        ),
        pytest.param("index", "thousandfold of index", DEGREES_F, lambda v: v * 1000, id="power_of_ten"),
    ],
)
def test_known_cells_in_another_unit_prove_it(unit, found, values, sent):
    row = judge(np.round(sent(values), 2), np.round(values[:-7], 2), unit)
    assert (row["proven"], row["suspected"], row["looks_like"]) == (1, 0, found)
    assert row["scale"] * row["example"] + row["offset"] == pytest.approx(values[-8], rel=0.02, abs=0.3)
    assert row["since"] == pd.Timestamp("2016-05-09")


def test_new_values_alone_are_a_suspicion():
    told = DEGREES_F.copy()
    told[-7:] = (told[-7:] - 32) / 1.8
    row = judge(told, DEGREES_F[:-7], "degF")
    assert (row["proven"], row["suspected"], row["looks_like"], row["values"]) == (0, 1, "degC", 7)
    assert row["since"] == pd.Timestamp("2016-05-30")


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda v: v, id="as_ever"),
        pytest.param(lambda v: v + 3, id="moved_a_little"),
        pytest.param(lambda v: v * 1.3, id="a_third_more"),
        pytest.param(lambda v: np.r_[v[:-7], v[-7:] - 18], id="a_cold_week"),
    ],
)
def test_other_changes_are_no_other_unit(changed):
    row = judge(changed(DEGREES_F), DEGREES_F[:-7], "degF")
    assert (row["proven"], row["suspected"]) == (0, 0)


def test_a_short_history_judges_nobody():
    days = len(DAYS) - 10
    known = DEGREES_F.copy()
    known[:days] = np.nan
    row = judge((DEGREES_F - 32) / 1.8, pd.Series(known).iloc[:0], "degF")
    assert (row["proven"], row["suspected"]) == (0, 0)


def test_conversions_name_their_unit_and_lead_to_the_declared_one():
    found = {
        other.unit: (round(other.scale, 4), round(other.offset, 2)) for other in units.conversions("degF")
    }
    assert (found["degC"], found["K"]) == ((1.8, 32.0), (1.8, -459.67))
