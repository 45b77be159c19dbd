"""What the stages found becomes events, also of kinds that nobody has thought of yet."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from steadycast import findings, publication
from steadycast.alerts import Event, Outbox
from steadycast.alerts.moves import moved
from steadycast.alerts.runs import outcome
from steadycast.alerts.telling import of_finding, tell_week
from steadycast.findings import Finding
from steadycast.lake import Lake, open_lake
from tests.forecast_tables import forecast

WEEK, NEXT = dt.date(2016, 6, 6), dt.date(2016, 6, 13)
NOW = dt.datetime(2016, 6, 6, 7, tzinfo=dt.UTC)
DRIFT = Finding("drift", "hold", "drift/ridership", "Too high", "By 9 %.", "retrain", source="ridership")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(str(tmp_path))


def events(lake: Lake) -> list[Event]:
    outbox = Outbox(lake)
    return [outbox.read(path).event for path in outbox.paths()]


def test_a_finding_is_told_with_all_it_says(lake: Lake) -> None:
    findings.write(lake, [DRIFT], as_of=WEEK, stage="drift")
    tell_week(lake, WEEK, NOW, link="http://site/run")
    (event,) = events(lake)
    assert (event.kind, event.severity, event.key, event.title) == (
        "drift",
        "hold",
        "drift/ridership",
        "Too high",
    )
    assert (event.text, event.next, event.source, event.as_of) == ("By 9 %.", "retrain", "ridership", WEEK)
    assert event.link == "http://site/run"


def test_told_again_it_changes_nothing(lake: Lake) -> None:
    findings.write(lake, [DRIFT], as_of=WEEK, stage="drift")
    tell_week(lake, WEEK, NOW)
    tell_week(lake, WEEK, NOW + dt.timedelta(hours=1))
    assert len(events(lake)) == 1


@pytest.mark.parametrize("week", [WEEK, NEXT])
def test_what_is_not_found_any_more_is_over(lake: Lake, week: dt.date) -> None:
    findings.write(lake, [DRIFT], as_of=WEEK, stage="drift")
    tell_week(lake, WEEK, NOW)
    findings.write(lake, [], as_of=week, stage="drift")
    tell_week(lake, week, NOW)
    assert [event.resolves for event in events(lake)] == [False, True]


@pytest.mark.parametrize("found", [pytest.param([DRIFT], id="open"), pytest.param([], id="over")])
def test_an_older_week_that_is_run_later_opens_and_ends_nothing(lake: Lake, found: list[Finding]) -> None:
    other = [finding for finding in [DRIFT] if finding not in found]
    findings.write(lake, found, as_of=NEXT, stage="drift")
    tell_week(lake, NEXT, NOW)
    findings.write(lake, other, as_of=WEEK, stage="drift")
    tell_week(lake, WEEK, NOW)
    assert [event.resolves for event in events(lake)] == [False] * len(found)


def test_a_run_that_polls_one_source_says_nothing_of_the_others(lake: Lake) -> None:
    lake.write_json(f"runs/{WEEK}/ingest/fuel.json", {"status": "absent", "reason": "refused"})
    tell_week(lake, WEEK, NOW)
    lake.write_json(f"runs/{NEXT}/ingest/ridership.json", {"status": "ok"})
    tell_week(lake, NEXT, NOW)
    assert [event.resolves for event in events(lake)] == [False]


def test_a_tell_that_was_cut_off_is_made_up_for(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    findings.write(lake, [DRIFT], as_of=WEEK, stage="drift")
    tell_week(lake, WEEK, NOW)
    findings.write(lake, [], as_of=NEXT, stage="drift")
    with monkeypatch.context() as cut:
        cut.setattr(Outbox, "put", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tell_week(lake, NEXT, NOW)
    tell_week(lake, NEXT, NOW)
    assert [event.resolves for event in events(lake)] == [False, True]


def test_a_kind_that_nobody_knows_is_told_all_the_same(lake: Lake) -> None:
    record = {"kind": "eclipse", "severity": "enormous", "key": "sun", "title": "It is dark", "more": [1, 2]}
    event = of_finding(record, "astronomy", WEEK)
    assert (event.kind, event.severity, event.title) == ("eclipse", "warning", "It is dark")


@pytest.mark.parametrize("record", [{}, {"title": ""}, {"text": "only text", "source": None}])
def test_a_finding_that_lacks_something_is_told_all_the_same(record: dict[str, str]) -> None:
    event = of_finding(record, "twins", WEEK)
    assert (event.kind, event.severity, event.title) == ("twins", "warning", "twins has found something")


def test_a_record_that_can_not_be_read_is_told_as_such(lake: Lake) -> None:
    lake.write_bytes(f"runs/{WEEK}/findings/twins.json", b"no json")
    tell_week(lake, WEEK, NOW)
    (event,) = events(lake)
    assert event.kind == "findings_unreadable"
    assert "twins.json" in event.text


def test_a_source_is_down_until_it_gives_data_again(lake: Lake) -> None:
    ingest = {"status": "absent", "reason": "refused the connection"}
    lake.write_json(f"runs/{WEEK}/ingest/fuel.json", ingest)
    lake.write_json(f"runs/{WEEK}/ingest/ridership.json", {"status": "ok"})
    tell_week(lake, WEEK, NOW)
    lake.write_json(f"runs/{NEXT}/ingest/fuel.json", {"status": "ok"})
    tell_week(lake, NEXT, NOW)
    down, up = events(lake)
    assert (down.kind, down.source, down.resolves, up.resolves) == ("source_down", "fuel", False, True)
    assert "refused the connection" in down.text


def publish(lake: Lake, week: dt.date, times: float = 1.0, **facts: object) -> None:
    frame = forecast(week)
    frame["point"] *= times
    path = lake.write_frame(f"runs/{week}/publish/forecast.parquet", frame)
    files = {publication.PARQUET: lake.read_bytes(path), publication.CSV: publication.csv_bytes(frame)}
    publication.write_published(lake, week, files, {"verdict": "ok", "reasons": [], **facts})


def test_it_is_said_how_much_the_forecast_has_moved(lake: Lake) -> None:
    publish(lake, WEEK)
    publish(lake, NEXT, times=1.1)
    said = "it moved by +10.0% in total"
    assert said in moved(lake, NEXT)
    (event,) = [event for event in outcome(lake, NEXT) if not event.resolves]
    assert said in event.text
    assert moved(lake, WEEK) == ""


def test_a_forecast_that_replaces_a_fallback_ends_it(lake: Lake) -> None:
    publish(lake, WEEK, verdict="fallback", reasons=["fallback: ridership is down"])
    (fallback,) = outcome(lake, WEEK)
    assert (fallback.kind, fallback.severity) == ("fallback", "warning")
    publish(lake, WEEK, times=1.2)
    over, published = outcome(lake, WEEK)
    assert (over.key, over.resolves) == (fallback.key, True)
    assert published.kind == "published"


def test_another_publication_of_the_same_week_is_another_event(lake: Lake) -> None:
    publish(lake, WEEK)
    first = outcome(lake, WEEK)[-1]
    publish(lake, WEEK)
    assert outcome(lake, WEEK)[-1].key == first.key
    publish(lake, WEEK, times=2)
    assert outcome(lake, WEEK)[-1].key != first.key
