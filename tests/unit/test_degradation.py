"""What the analyst reads when the inputs are not what they should be."""

import datetime as dt

import pandas as pd
import pytest

from steadycast import degradation, schema
from steadycast.settings import Settings

AS_OF = dt.date(2016, 6, 6)


def source(name, variables, **changes):
    return {
        "name": name,
        "kind": "local_file",
        "path": f"{name}.csv",
        "variables": [{"name": v, "unit": "u", "weekly": "mean"} for v in variables],
        "layout": {"entity_field": "e"},
        **changes,
    }


SETTINGS = Settings.model_validate(
    {
        "title": "t",
        "schedule": {"first_week": "2016-06-06"},
        "target": {"source": "rides", "variable": "rides", "unit": "rides per week"},
        "sources": [
            source("rides", ["rides"], role="fundamental"),
            source("air", ["warm", "wet"], twin="air2", imputation={"method": "twin"}),
            source("air2", ["warm"]),
            source("prices", ["petrol"], imputation={"method": "carry"}),
        ],
        "forecast": {"features": {"air": ["warm", "wet"], "prices": ["petrol"]}},
    }
)
PASS = {"verdict": "pass", "failures": [], "warnings": []}
COMPARED = {"pairs": []}


def panel(**hows):
    """Eight weeks of each series; ``hows`` gives the how of a series' newest weeks, oldest first."""
    series = {
        ("rides", "a", "rides"): hows.get("rides_a", []),
        ("rides", "b", "rides"): hows.get("rides_b", []),
        ("air", "m", "warm"): hows.get("warm", []),
        ("air", "m", "wet"): hows.get("wet", []),
        ("prices", "m", "petrol"): hows.get("petrol", []),
    }
    weeks = pd.date_range(end="2016-05-30", periods=8, freq="7D", unit="us")
    rows = [
        (name, entity, week, variable, None if how == "missing" else 1.0, how)
        for (name, entity, variable), newest in series.items()
        for week, how in zip(weeks, ["observed"] * (8 - len(newest)) + newest, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(schema.PANEL_DTYPES)).astype(schema.PANEL_DTYPES)


def tell(frame, compared=COMPARED, **verdicts):
    known = {name: PASS for name in ("rides", "air", "air2", "prices")} | verdicts
    return degradation.tell(SETTINGS, frame, known, compared, as_of=AS_OF)


def test_good_inputs_are_not_degraded():
    told = tell(panel())
    assert (told["degraded"], told["reasons"]) == (False, [])
    assert told["shares"] == {"air.warm": 0.0, "air.wet": 0.0, "prices.petrol": 0.0, "all": 0.0}


def test_an_absent_source_says_why_and_what_stands_in_for_which_variable():
    absent = {
        "verdict": "absent",
        "failures": ["air has no new data for the week 2016-06-06: 503"],
        "warnings": [],
    }
    told = tell(panel(warm=["twin"], wet=["missing"]), air=absent)
    assert told["degraded"]
    assert told["reasons"][0] == (
        "air has no new data for the week 2016-06-06: 503; "
        "the second provider air2 stands in for warm; the model does without wet"
    )


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("carried", "the last known value is carried on for petrol"),
        ("climatology", "the usual value of the season stands in for petrol"),
        ("missing", "the model does without petrol"),
        ("observed", "what was known before still serves for petrol"),
    ],
)
def test_every_stand_in_has_its_words(how, text):
    absent = {"verdict": "absent", "failures": ["prices has no new data"], "warnings": []}
    assert tell(panel(petrol=[how]), prices=absent)["reasons"][0].endswith(f"; {text}")


def test_a_refused_source_names_the_first_failure_and_counts_the_others():
    failed = {"verdict": "fail", "failures": ["air: too cold", "air: too wet"], "warnings": ["air: odd"]}
    reasons = tell(panel(warm=["twin"], wet=["missing"]), air=failed)["reasons"]
    assert reasons[0].startswith("this week's data of air were refused: air: too cold (and 1 more); ")
    assert "air: odd" not in reasons


def test_warnings_of_what_the_forecast_rests_on_are_told():
    odd = {"verdict": "warn", "failures": [], "warnings": ["it is odd"]}
    assert tell(panel(), rides=odd)["reasons"] == ["it is odd"]
    assert tell(panel(), prices=odd)["reasons"] == ["it is odd"]


def test_warnings_of_a_twin_count_only_when_it_stands_in():
    odd = {"verdict": "warn", "failures": [], "warnings": ["it is odd"]}
    assert tell(panel(), air2=odd)["reasons"] == []
    assert "it is odd" in tell(panel(warm=["twin"]), air2=odd)["reasons"]


def test_the_share_of_imputed_inputs_is_told_by_source_and_how():
    told = tell(panel(warm=["twin", "twin"], wet=["missing", "missing"], petrol=["carried", "carried"]))
    assert told["reasons"] == [
        "25% of the inputs of the last 8 weeks are not as reported: "
        "air (12% twin, 12% missing), prices (25% carried)"
    ]
    assert told["shares"] == {"air.warm": 0.25, "air.wet": 0.25, "prices.petrol": 0.25, "all": 0.25}


def test_corrected_values_are_as_reported():
    assert not tell(panel(petrol=["corrected"]))["degraded"]


def test_an_entity_whose_last_week_is_incomplete_is_named():
    reasons = tell(panel(rides_b=["missing"]))["reasons"]
    assert reasons == [
        "rides is incomplete in the last week (2016-05-30) for 1 of 2 entities (b); "
        "the forecast starts from older weeks"
    ]


def test_a_last_week_that_is_incomplete_everywhere_is_told_once():
    assert "for all entities" in tell(panel(rides_a=["missing"], rides_b=["missing"]))["reasons"][0]


def test_an_entity_that_fell_silent_is_named_once():
    reasons = tell(panel(rides_b=["missing"] * 8))["reasons"]
    assert reasons == ["rides has no full week of b in the last 8 weeks"]


def test_of_many_incomplete_entities_a_few_are_named():
    last = panel(rides_a=["missing"])
    mine = last[(last["source"] == "rides") & (last["entity"] == "a")]
    others = [mine.assign(entity=f"c{i}") for i in range(4)]
    reason = tell(pd.concat([last, *others]))["reasons"][0]
    assert "for 5 of 6 entities (a, c0, c1 and 2 more)" in reason


def test_older_weeks_do_not_count():
    frame = panel()
    old = frame.assign(week=frame["week"] - pd.Timedelta(weeks=8), how="missing", value=None)
    assert not tell(pd.concat([frame, old.astype(schema.PANEL_DTYPES)]))["degraded"]


@pytest.mark.parametrize(
    ("variable", "told"),
    [pytest.param("warm", 1, id="seen_by_the_model"), pytest.param("fog", 0, id="not_seen")],
)
def test_twins_that_disagree_are_told_if_the_model_sees_the_variable(variable, told):
    pair = {
        "source": "air",
        "twin": "air2",
        "variables": {
            variable: {"verdict": "undecided", "disagree": True, "off": None, "sentence": "they differ"}
        },
    }
    assert tell(panel(), {"pairs": [pair]})["reasons"] == ["they differ"] * told
