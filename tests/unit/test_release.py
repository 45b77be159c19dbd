import datetime as dt
import hashlib

import pytest

from steadycast import publication, publish, release
from steadycast.errors import GateFailed, PublicationError
from steadycast.lake import open_lake
from steadycast.publication import read_published
from tests.forecast_tables import AS_OF, forecast, panel, settings

FORECAST = f"runs/{AS_OF}/infer/forecast.parquet"
CHECK = f"runs/{AS_OF}/check_forecast.json"
AT = dt.datetime(2016, 6, 6, 8, tzinfo=dt.UTC)


@pytest.fixture
def lake(tmp_path):
    lake = open_lake(str(tmp_path / "lake"))
    lake.write_frame(f"runs/{AS_OF}/impute/panel.parquet", panel())
    hold(lake)
    return lake


def hold(lake, frame=None):
    lake.write_frame(FORECAST, forecast() if frame is None else frame)
    check = {
        "as_of": AS_OF,
        "verdict": "hold",
        "reasons": ["2 of 4 points are far off"],
        "failures": ["2 of 4 points are far off"],
        "warnings": [],
        "flags": [{"entity": "Polk", "week": "2016-06-13", "says": "far off"}],
        "forecast": FORECAST,
        "forecast_sha256": hashlib.sha256(lake.read_bytes(FORECAST)).hexdigest(),
        "docs": f"runs/{AS_OF}/check_forecast/docs/index.html",
    }
    lake.write_json(CHECK, check)


def answer(lake, choice, by="ana"):
    check = lake.read_json(CHECK)
    return release.store(lake, AS_OF, check, choice, by=by, reason="a fair is in town", at=AT)


def run(lake):
    return publish.run(lake, settings(), FORECAST, CHECK, as_of=AS_OF)


def test_a_held_forecast_waits_and_is_published_on_a_persons_word_only(lake):
    assert release.held(lake, AS_OF)["failures"] == ["2 of 4 points are far off"]
    with pytest.raises(
        GateFailed, match=r"far off\nNext: answer the question of this week in the DAG release"
    ):
        run(lake)
    assert publication.standing(lake, AS_OF) is None
    answer(lake, "publish")
    assert release.held(lake, AS_OF) is None
    run(lake)
    read, manifest = read_published(lake)
    assert len(read) == 4
    assert manifest["verdict"] == "look"
    assert manifest["reasons"][0] == (
        "held back by the check, published on the word of ana: a fair is in town"
    )
    assert manifest["released"]["at"] == "2016-06-06T08:00:00+00:00"


def test_the_word_for_the_fallback_publishes_nothing_here(lake):
    answer(lake, "fallback", by=None)
    assert release.held(lake, AS_OF) is None
    with pytest.raises(GateFailed):
        run(lake)


def test_an_answer_is_about_one_forecast(lake):
    answer(lake, "publish")
    hold(lake, forecast(cells={("Polk", 1, "point"): 9.5}))
    assert release.held(lake, AS_OF) is not None
    with pytest.raises(GateFailed):
        run(lake)
    lake.write_frame(FORECAST, forecast())
    with pytest.raises(PublicationError, match="judges another forecast"):
        run(lake)


def test_what_is_published_or_not_held_asks_nobody(lake):
    lake.write_json(CHECK, {**lake.read_json(CHECK), "verdict": "look"})
    assert release.held(lake, AS_OF) is None
    run(lake)
    hold(lake)
    assert release.held(lake, AS_OF) is None
    assert release.held(lake, AS_OF + dt.timedelta(weeks=1)) is None


def test_the_question_shows_reasons_rows_and_the_deadline(lake):
    text = release.body(lake, lake.read_json(CHECK), dt.datetime(2016, 6, 6, 8, 58, tzinfo=dt.UTC))
    assert "Without an answer by 2016-06-06 08:58 UTC readers get the fallback." in text
    assert "- 2 of 4 points are far off" in text
    assert "| Polk | 2016-06-13 | 10.1 | 9 | 11 | 9.5 | 10 |" in text
    assert "Clark_Lake" not in text


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        pytest.param("06:05", "08:58", id="before_the_deadline"),
        pytest.param("08:50", "09:20", id="just_before_it"),
        pytest.param("14:00", "14:30", id="long_after_it"),
    ],
)
def test_an_answer_is_awaited_until_just_before_the_deadline(now, ends):
    def at(text):
        return dt.datetime.combine(AS_OF, dt.time.fromisoformat(text), dt.UTC)

    assert release.until(at("06:00"), 3, 30, at(now)) == at(ends)
