import functools
import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from steadycast import plots
from tests.forecast_tables import forecast, panel

PAST = panel()[["entity", "week", "value"]]
WEEKS = pd.date_range("2016-06-06", periods=4, freq="7D", unit="us")
WAPE = pd.DataFrame({"ours": [0.04, 0.05, 0.03, 0.04], "last_value": [0.06, np.nan, 0.07, 0.05]}, index=WEEKS)
COVERAGE = pd.DataFrame(
    {"coverage_80": [0.8, 0.7, 0.9, 0.8], "coverage_95": [1.0, 0.9, 1.0, 0.95]}, index=WEEKS
)


@functools.cache
def draw_forecast(**options):
    return plots.forecast_png(PAST, forecast(), title="Two stations", unit="thousand entries", **options)


def draw_scores():
    return plots.scores_png(WAPE, COVERAGE, title="Two stations", names={"last_value": "last value"})


def draw_text():
    return plots.text_png("Two stations", ["Nothing to score yet."])


def draw_forecast_again():
    draw_forecast.cache_clear()
    return draw_forecast()


@pytest.mark.parametrize("draw", [draw_forecast_again, draw_scores, draw_text])
def test_a_picture_is_a_png_with_something_on_it_and_the_same_bytes_again(draw):
    data = draw()
    pixels = imread(io.BytesIO(data))
    assert pixels.shape[1] > 600
    assert np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0).shape[0] > 10
    assert draw() == data


def test_a_picture_does_not_tell_the_version_of_its_maker():
    assert b"Software" not in draw_forecast()
    assert b"atplotlib" not in draw_forecast()


def test_the_numbers_and_the_note_change_the_picture():
    other = plots.forecast_png(
        PAST, forecast(cells={("Polk", 1, "point"): 11.0}), title="Two stations", unit="thousand entries"
    )
    assert len({draw_forecast(), draw_forecast(note="made with incomplete inputs"), other}) == 3


def test_what_is_known_only_later_is_not_drawn():
    later = pd.concat([PAST, PAST.assign(week=PAST["week"] + pd.Timedelta(weeks=60), value=1e6)])
    data = plots.forecast_png(later, forecast(), title="Two stations", unit="thousand entries")
    assert data == draw_forecast()


def test_a_missing_week_interrupts_the_line():
    gap = PAST[PAST["week"] != pd.Timestamp("2016-04-11")]
    assert (
        plots.forecast_png(gap, forecast(), title="Two stations", unit="thousand entries") != draw_forecast()
    )


def test_one_entity_alone_gets_no_sum():
    one = forecast().query("entity == 'Polk'")
    wide = imread(io.BytesIO(draw_forecast())).shape[1]
    assert imread(io.BytesIO(plots.forecast_png(PAST, one, title="Polk", unit="x"))).shape[1] < wide


def test_many_entities_show_the_sum_and_the_five_largest():
    copies = [forecast().query("entity == 'Polk'").assign(entity=f"e{i:02}") for i in range(12)]
    data = plots.forecast_png(PAST.iloc[:0], pd.concat(copies, ignore_index=True), title="Many", unit="x")
    one_row = imread(io.BytesIO(plots.forecast_png(PAST, copies[0], title="One", unit="x"))).shape[0]
    assert 2 * one_row < imread(io.BytesIO(data)).shape[0] < 3 * one_row  # three rows, one title


def test_one_scored_week_is_drawn_without_a_warning():
    data = plots.scores_png(WAPE.iloc[:1], COVERAGE.iloc[:1], title="First week", names={})
    assert data.startswith(b"\x89PNG")


def test_no_past_at_all_is_drawn_without_a_warning():
    assert plots.forecast_png(PAST.iloc[:0], forecast(), title="New", unit="x").startswith(b"\x89PNG")
