"""The forecast page as its readers see it, from a lake that a week was really published in."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from steadycast import explain, infer, publication, train
from steadycast.lake import open_lake
from tests.airflow_imports import add_plugins
from tests.driven import AS_OF, panel, settings

add_plugins()

from steadycast_ui import pages  # noqa: E402 only importable now

WEEK = AS_OF.isoformat()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with two published weeks, the second one explained."""
    folder = tmp_path_factory.mktemp("lake")
    lake = open_lake(str(folder))
    for as_of in (AS_OF - dt.timedelta(weeks=1), AS_OF):
        path = f"runs/{as_of}/impute/panel.parquet"
        lake.write_frame(path, panel(0.1))
        card = train.run(lake, settings(), path, as_of=as_of, git_commit="abc")
        forecast = infer.run(lake, settings(), path, card, as_of=as_of)
        files = {"forecast.parquet": lake.read_bytes(forecast), **explain.files(lake, forecast)}
        publication.write_published(lake, as_of, files, {"verdict": "ok", "reasons": []})
    return folder


@pytest.fixture(autouse=True)
def _served(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "lake", lambda: open_lake(str(folder)))
    monkeypatch.setattr(pages, "settings", settings)


def test_the_page_of_all_entities_tells_why_in_sentences_and_shows_the_picture() -> None:
    page = pages.forecast_page(WEEK, None, "/steadycast")
    assert "All 6 together: " in page
    assert "Since last week&#39;s forecast of the same 3 weeks" in page
    assert f"/steadycast/forecast/{WEEK}/why.png" in page


def test_the_page_of_an_entity_tells_what_makes_each_of_its_weeks_and_what_changed() -> None:
    page = pages.forecast_page(WEEK, "shop_2", "/steadycast")
    assert "same week last year" in page
    assert "weather.rain" in page
    assert page.count("<th>2016-06-") == 4
    for cause in explain.CAUSE_NAMES.values():
        assert f"<th>{cause}</th>" in page


def test_a_forecast_without_an_explanation_has_a_page_without_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = open_lake(str(folder)).read_bytes(f"published/{WEEK}/forecast.parquet")
    other = open_lake(str(tmp_path))
    publication.write_published(other, AS_OF, {"forecast.parquet": data}, {"verdict": "ok", "reasons": []})
    monkeypatch.setattr(pages, "lake", lambda: other)
    assert '<h2 id="why">' not in pages.forecast_page(WEEK, None, "/steadycast")


def test_the_page_says_how_the_alerts_stand(folder: Path) -> None:
    assert "Alerts: nobody sends them" in pages.forecast_page(WEEK, None, "/steadycast")
    now = dt.datetime.now(dt.UTC)
    status = {"at": now.isoformat(), "stopped": False, "open": 2, "unsent": 1, "waiting": 3}
    status["channels"] = {"slack": "failing since 2016-06-06", "mail": "well"}
    lake = open_lake(str(folder))
    lake.write_json("alerts/deliverer.json", status)
    page = pages.forecast_page(WEEK, None, "/steadycast")
    assert "Alerts: 2 open, 1 unsent, 3 wait for the digest. slack is failing since 2016-06-06." in page
    lake.write_json("alerts/deliverer.json", status | {"at": (now - dt.timedelta(hours=1)).isoformat()})
    assert "The deliverer has been silent since" in pages.forecast_page(WEEK, None, "/steadycast")
