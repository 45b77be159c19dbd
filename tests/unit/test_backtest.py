import datetime as dt
import io

import pandas as pd
import pytest

from steadycast import backtest, publication
from steadycast.lake import open_lake
from tests.forecast_tables import AS_OF, LEVEL, forecast, settings

WEEKS = [AS_OF + dt.timedelta(weeks=i) for i in range(4)]
FILES = {"report.json", "report.txt", "report.png", "summary.csv", "scores.parquet"}


@pytest.fixture(autouse=True)
def _plots_are_tested_elsewhere(monkeypatch):
    # a picture takes a second; test_plots.py draws them, and one test below
    monkeypatch.setattr(backtest.plots, "scores_png", lambda *_, **__: b"picture")
    monkeypatch.setattr(backtest.plots, "text_png", lambda *_: b"text")


@pytest.fixture
def lake(tmp_path):
    return open_lake(str(tmp_path / "lake"))


def publish(lake, as_of, cells=None):
    frame = forecast(as_of, cells)
    data = lake.read_bytes(lake.write_frame("staging.parquet", frame))
    publication.write_published(lake, as_of, {"forecast.parquet": data}, {})


def observe(lake, until, scale=1.0, at=None, skip=(), accept=True):
    """Daily values from AS_OF to the day before ``until``, polled then; returns the segment."""
    days = [
        day for day in pd.date_range(AS_OF, until, inclusive="left", unit="us") if str(day.date()) not in skip
    ]
    rows = [(e, day, "entries", scale * level / 7) for e, level in LEVEL.items() for day in days]
    frame = pd.DataFrame(rows, columns=["entity", "date", "variable", "value"])
    observations = lake.observations("ridership")
    polled = dt.datetime.combine(at or until, dt.time(), tzinfo=dt.UTC)
    segment = observations.append(frame.astype({"entity": "str", "variable": "str"}), polled).segment
    if accept:
        observations.accept(segment, by="test")
    return segment


def run(lake, as_of):
    path = backtest.run(lake, settings(), as_of=as_of)
    assert path == f"backtest/{as_of}/report.json"
    return lake.read_json(path)


def test_published_forecasts_are_scored_against_complete_weeks(lake):
    for week in WEEKS[:2]:
        publish(lake, week)
    observe(lake, WEEKS[2])
    report = run(lake, WEEKS[2])
    assert report["sentences"][0].startswith("Ours 1.0 % loses to moving average 0.5 %")
    assert (report["origins"], report["pending"], report["without_actual"]) == (2, 2, [])
    assert report["overall"]["n"] == 6
    rows = lake.read_frame(f"backtest/{WEEKS[2]}/scores.parquet")
    assert len(rows) == 6 * 4
    assert {path.rsplit("/", 1)[1] for path in lake.list(f"backtest/{WEEKS[2]}")} == FILES


def test_the_summary_is_a_csv_with_shares(lake):
    publish(lake, AS_OF)
    observe(lake, WEEKS[2])
    run(lake, WEEKS[2])
    summary = pd.read_csv(io.BytesIO(lake.read_bytes(f"backtest/{WEEKS[2]}/summary.csv")))
    assert summary.loc[summary["group"] == "overall", "wape_ours"].tolist() == [0.01]
    assert set(summary["group"]) == {"overall", "horizon", "season", "inputs", "week", "origin", "entity"}


def test_the_report_for_people_has_the_sentences_and_the_table(lake, caplog):
    publish(lake, AS_OF)
    observe(lake, WEEKS[2])
    with caplog.at_level("INFO", logger="steadycast.backtest"):
        report = run(lake, WEEKS[2])
    text = lake.read_bytes(f"backtest/{WEEKS[2]}/report.txt").decode()
    assert all(sentence in text for sentence in report["sentences"])
    assert "moving average" in text.split("WAPE in %")[1]
    assert text.strip() in caplog.text


def test_a_run_repeated_gives_the_same_bytes(lake):
    publish(lake, AS_OF)
    observe(lake, WEEKS[2])
    run(lake, WEEKS[2])
    before = {path: lake.read_bytes(path) for path in lake.list("backtest")}
    run(lake, WEEKS[2])
    assert {path: lake.read_bytes(path) for path in lake.list("backtest")} == before


def test_forecasts_published_later_are_not_scored(lake):
    publish(lake, WEEKS[0])
    publish(lake, WEEKS[3])
    observe(lake, WEEKS[2])
    assert run(lake, WEEKS[2])["origins"] == 1


def test_values_that_were_revised_count_as_known_last(lake):
    publish(lake, AS_OF)
    observe(lake, WEEKS[1])
    assert run(lake, WEEKS[1])["overall"]["wape_ours"] == pytest.approx(0.01)
    observe(lake, WEEKS[2], scale=1.01)
    assert run(lake, WEEKS[2])["overall"]["wape_ours"] == pytest.approx(0, abs=1e-9)
    assert run(lake, WEEKS[1])["overall"]["wape_ours"] == pytest.approx(0.01)  # what was known then


def test_a_week_is_scored_with_the_segments_that_its_validate_went_by(lake):
    publish(lake, AS_OF)
    first = observe(lake, WEEKS[2])
    observe(lake, WEEKS[2], scale=2.0, at=WEEKS[2] + dt.timedelta(days=-1))
    lake.write_json(f"runs/{WEEKS[2]}/validate/ridership.json", {"verdict": "pass", "segments": [first]})
    assert run(lake, WEEKS[2])["overall"]["wape_ours"] == pytest.approx(0.01)


def test_what_was_not_accepted_is_no_actual_value(lake):
    publish(lake, AS_OF)
    observe(lake, WEEKS[2], accept=False)
    assert run(lake, WEEKS[2])["sentences"][0].startswith("Nothing to score yet")


def test_days_from_as_of_on_are_not_known(lake):
    publish(lake, AS_OF)
    observe(lake, WEEKS[3], at=WEEKS[1])  # a provider that answers with days to come
    report = run(lake, WEEKS[1])
    assert (report["overall"]["weeks"], report["pending"]) == (1, 2)


def test_an_incomplete_week_is_left_out_and_counted(lake):
    publish(lake, AS_OF)
    observe(lake, WEEKS[2], skip=["2016-06-15"])
    report = run(lake, WEEKS[2])
    assert report["overall"]["weeks"] == 1
    assert report["without_actual"] == [
        {"entity": "Clark_Lake", "week": "2016-06-13"},
        {"entity": "Polk", "week": "2016-06-13"},
    ]
    assert any("2 weekly values not complete yet" in sentence for sentence in report["sentences"])


@pytest.mark.parametrize(
    ("published", "says"),
    [
        pytest.param(
            [], "Nothing to score yet: no forecast is published up to 2016-06-13.", id="nothing_published"
        ),
        pytest.param([WEEKS[1]], "Nothing to score yet: the 1 published week has", id="week_not_over"),
    ],
)
def test_nothing_to_score_is_a_report_and_no_error(lake, published, says):
    for week in published:
        publish(lake, week)
    observe(lake, WEEKS[1])
    report = run(lake, WEEKS[1])
    assert report["sentences"][0].startswith(says)
    assert report["overall"] is None
    assert {path.rsplit("/", 1)[1] for path in lake.list(f"backtest/{WEEKS[1]}")} == FILES
    assert len(lake.read_frame(f"backtest/{WEEKS[1]}/scores.parquet")) == 0


def test_no_observation_at_all_is_a_report_too(lake):
    publish(lake, AS_OF)
    assert run(lake, WEEKS[1])["sentences"][0].startswith("Nothing to score yet")


def test_a_publication_that_was_damaged_is_named_and_the_others_are_scored(lake):
    publish(lake, WEEKS[0])
    publish(lake, WEEKS[1])
    path = lake.read_json(f"published/{WEEKS[0]}/manifest.json")["files"]["forecast.parquet"]
    lake.write_frame(path, forecast(cells={("Polk", 1, "point"): 99.0}))
    observe(lake, WEEKS[2])
    report = run(lake, WEEKS[2])
    assert report["origins"] == 1
    assert any(s.startswith("The forecast of 2016-06-06 is not scored") for s in report["sentences"])


def test_the_real_picture_is_drawn_from_the_summary(lake, monkeypatch):
    monkeypatch.undo()
    publish(lake, AS_OF)
    observe(lake, WEEKS[2])
    run(lake, WEEKS[2])
    assert lake.read_bytes(f"backtest/{WEEKS[2]}/report.png").startswith(b"\x89PNG")


def test_the_first_sentence_is_told_as_progress(lake):
    publish(lake, AS_OF)
    observe(lake, WEEKS[2])
    steps = []
    backtest.run(lake, settings(), as_of=WEEKS[2], progress=lambda *step: steps.append(step))
    assert [(done, total) for _, done, total in steps] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert steps[-1][0].startswith("backtest: Ours 1.0 %")
