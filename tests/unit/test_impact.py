"""What a revision moves: totals, sentences, and where they are told."""

import pandas as pd
import pytest

from steadycast import findings, impact, infer, revisions, schema, train
from steadycast.lake import open_lake
from tests.modelling import AS_OF, panel, settings

PANEL = f"runs/{AS_OF}/impute/panel.parquet"
OTHER = f"runs/{AS_OF}/impute/otherwise_ridership.parquet"
ALARM = {
    "kind": "scaled",
    "detail": "times 1.041",
    "variable": "entries",
    "entities": ["Polk"],
    "start": "2015-06-08",
    "end": "2016-06-05",
    "cells": 56,
    "known": 49,
    "held": 49,
    "largest": 1.9,
    "material": True,
}


def totals(*values):
    return pd.DataFrame({schema.HORIZON: [1, 1, 2, 2], schema.POINT: values})


def test_the_move_is_that_of_next_weeks_total():
    found = impact.moved(totals(60.0, 40.0, 50.0, 50.0), totals(64.1, 40.0, 50.0, 50.0))
    assert found["next_week"] == pytest.approx(0.041)
    assert found["horizon"] == pytest.approx(0.0205)
    assert (found["before"], found["after"]) == (100.0, pytest.approx(104.1))


def test_nothing_has_no_share():
    assert impact.moved(totals(0.0, 0.0, 1.0, 1.0), totals(1.0, 0.0, 1.0, 1.0))["next_week"] is None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A week whose target was revised by 4.1 % everywhere, which validate keeps out."""
    folder = str(tmp_path_factory.mktemp("lake"))
    lake = open_lake(folder)
    lake.write_frame(PANEL, panel())
    rides = panel()[schema.SOURCE] == "ridership"
    other = panel().assign(
        **{schema.VALUE: panel()[schema.VALUE].where(~rides, 1.041 * panel()[schema.VALUE])}
    )
    lake.write_json(impact.otherwise_path(AS_OF), {"ridership": lake.write_frame(OTHER, other)})
    report = {"source": "ridership", "as_of": f"{AS_OF}", "held": 49, "alarms": [ALARM], "sentences": []}
    lake.write_json(revisions.path(AS_OF, "ridership"), report)
    lake.write_json(f"runs/{AS_OF}/impute/degraded.json", {"degraded": True, "reasons": ["it was revised"]})
    train.run(lake, settings(), PANEL, as_of=AS_OF, git_commit="abc")
    infer.run(lake, settings(), PANEL, f"runs/{AS_OF}/train/card.json", as_of=AS_OF)
    return folder


def test_infer_says_what_a_kept_out_revision_moves(folder):
    found = open_lake(folder).read_json(f"runs/{AS_OF}/infer/impact.json")["ridership"]
    assert found["next_week"] == pytest.approx(0.041, abs=0.001)
    assert found["sentence"].startswith(
        "ridership: to believe what it now says moves next week's total by +4.1 % (from "
    )


def test_the_finding_and_the_reasons_say_it(folder):
    lake = open_lake(folder)
    told = [f for f in findings.read(lake, as_of=AS_OF) if f.kind == "revision"]
    assert [(f.key, f.severity) for f in told] == [("revision/ridership/entries/scaled", "warning")]
    assert "moves next week's total by +4.1 %" in told[0].text
    forecast = lake.read_frame(f"runs/{AS_OF}/infer/forecast.parquet")
    reasons = forecast[schema.DEGRADED_REASONS].iloc[0]
    assert reasons.startswith(
        "it was revised; ridership: to believe what it now says moves next week's total"
    )


def test_the_forecast_itself_rests_on_the_kept_history(folder):
    lake = open_lake(folder)
    forecast = lake.read_frame(f"runs/{AS_OF}/infer/forecast.parquet")
    lake.write_json(impact.otherwise_path(AS_OF), {})
    infer.run(lake, settings(), PANEL, f"runs/{AS_OF}/train/card.json", as_of=AS_OF)
    again = lake.read_frame(f"runs/{AS_OF}/infer/forecast.parquet")
    pd.testing.assert_frame_equal(
        forecast.drop(columns=schema.DEGRADED_REASONS), again.drop(columns=schema.DEGRADED_REASONS)
    )
