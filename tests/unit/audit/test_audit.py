"""The scorecard: made from polls of a real file, which the test changes as a provider would."""

import datetime as dt
import re
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from steadycast import audit, ingest
from steadycast.errors import SourceUnknown
from steadycast.lake import open_lake
from steadycast.settings import Settings

MONDAYS = [dt.date(2016, 5, 2) + dt.timedelta(weeks=i) for i in range(6)]


class Provider:
    """A file that is polled each Monday."""

    def __init__(self, folder):
        self.folder, self.file = folder, folder / "air.csv"
        self.lake = open_lake(str(folder / "lake"))
        table = {"kind": "local_file", "path": str(self.file), "layout": {"entity_field": "city"}}
        air = {"name": "pm10", "unit": "µg/m³", "minimum": 0, "maximum": 500}
        self.raw = {
            "title": "Air", "schedule": {"first_week": "2016-06-06"},
            "target": {"source": "sales", "variable": "eur", "unit": "EUR per week"},
            "sources": [
                {"name": "sales", "role": "fundamental", **table,
                 "variables": [{"name": "eur", "unit": "EUR", "weekly": "sum"}]},
                {"name": "old_air", **table, "variables": [air]},
            ],
            "candidates": [
                {"name": "air", **table, "variables": [air], "history_start": dt.date(2016, 3, 1),
                 "twin": "old_air", "twin_tolerance": {"pm10": 2}, "lookback_weeks": 4},
            ],
        }  # fmt: skip
        self.settings = Settings.model_validate(self.raw)
        self.source = self.settings.candidates[0]

    def write(self, until, change=lambda day, value: value, column="pm10"):
        days = pd.date_range("2016-03-01", until - dt.timedelta(days=1))
        lines = [f"bonn,{day:%Y-%m-%d},{change(day, 20 + day.day_of_year % 7)}" for day in days]
        self.file.write_text(
            f"city,date,{column}\n" + "\n".join(line for line in lines if "None" not in line) + "\n"
        )

    def poll(self, monday, change=lambda day, value: value, column="pm10"):
        self.write(monday, change, column)
        at = dt.datetime.combine(monday, dt.time(7, 30), dt.UTC)
        return self.lake.read_json(audit.make(self.lake, self.source, as_of=monday, at=at, connection=None))

    def card(self, name="air"):
        self.page = self.lake.read_bytes(audit.run(self.lake, self.settings, name)).decode()
        return self.lake.read_json(f"audits/{name}/scorecard.json")

    def twin(self, shift=0.5):
        days = pd.date_range("2016-03-01", "2016-06-01", unit="us")
        rows = pd.DataFrame(
            {"entity": "bonn", "date": days, "variable": "pm10", "value": 20.0 + days.day_of_year % 7 + shift}
        )
        twin = self.lake.observations("old_air")
        twin.accept(twin.append(rows, dt.datetime(2016, 6, 1, tzinfo=dt.UTC)).segment, by="test")


@pytest.fixture
def provider(tmp_path):
    return Provider(tmp_path)


def says(card, text):
    return [one["level"] for one in card["sentences"] if text in one["sentence"]]


def test_a_good_provider_is_recommended(provider):
    provider.twin()
    for monday in MONDAYS:
        provider.poll(monday)
    card = provider.card()
    assert card["recommendation"] == "Adopt air: nothing speaks against it."
    assert card["measured"]["availability"] == 1
    assert card["measured"]["repeats"] == {"cells": 35, "same": 1, "changed": 0, "gone": 0}
    assert card["measured"]["twin"]["pm10"]["bias"] == pytest.approx(-0.5)
    assert 0 <= card["measured"]["latency_s"]["median"] < 5


def test_a_provider_that_rewrites_last_week_is_not(provider):
    provider.twin()
    for monday in MONDAYS:
        newest = pd.Timestamp(monday) - pd.Timedelta(days=8)
        provider.poll(monday, lambda day, value, newest=newest: value * (1.0 if day > newest else 1.3))
    card = provider.card()
    assert card["recommendation"].startswith(
        "Do not adopt air as it is. Of last week's 35 values 0.0% came again"
    )
    assert says(card, "came again the same a week later") == ["bad"]
    assert card["measured"]["settle"]["days_95"] > 7
    assert set(card["measured"]["settle"]["changed_by_week"]) <= {"1", "2"}


def test_failed_polls_renamed_columns_and_values_beyond_the_range_are_told(provider):
    for monday in MONDAYS:
        provider.poll(monday, lambda day, value: 700 if day == pd.Timestamp("2016-04-01") else value)
    failed = provider.poll(MONDAYS[-1] + dt.timedelta(weeks=1), column="pm_10")
    assert (failed["outcome"], failed["segment"]) == ("SchemaDrift", None)
    card = provider.card()
    assert says(card, "It answered 6 of 7 polls (86%); failed: SchemaDrift.") == ["bad"]
    assert says(card, "of pm10 lie outside the declared range") == ["care"]
    assert says(card, "no value in common with old_air") == ["care"]
    assert "field &#x27;pm10&#x27; is missing" in provider.page


def test_new_columns_are_told(provider):
    for monday in MONDAYS[:4]:
        provider.poll(monday)
    provider.write(MONDAYS[4])
    head, *lines = provider.file.read_text().splitlines()
    provider.file.write_text("\n".join([f"{head},ozone", *(f"{line},1" for line in lines)]) + "\n")
    at = dt.datetime.combine(MONDAYS[4], dt.time(7, 30), dt.UTC)
    audit.make(provider.lake, provider.source, as_of=MONDAYS[4], at=at, connection=None)
    assert says(
        provider.card(), "Its columns changed 1 time(s), the last time on 2016-05-30: lost none, got ozone"
    )


def test_few_polls_are_too_few_to_judge(provider):
    provider.poll(MONDAYS[0])
    assert provider.card()["recommendation"].startswith("Go on polling air: 1 poll(s) over 0 day(s)")


def test_a_source_without_any_poll_has_a_scorecard_that_says_so(provider):
    card = provider.card()
    assert says(card, "There is no poll.") == ["bad"]
    assert says(card, "It has no value of pm10.") == ["bad"]


def test_polls_of_weekly_runs_are_replayed(provider):
    source = provider.settings.source("old_air")
    for monday in MONDAYS:
        provider.write(monday)
        at = dt.datetime.combine(monday, dt.time(6), dt.UTC)
        manifest = provider.lake.read_json(
            ingest.run(provider.lake, source, as_of=monday, retrieved_at=at, connection=None)
        )
        provider.lake.observations("old_air").accept(manifest["segment"], by="test")
    ingest.absent(
        provider.lake, source, as_of=MONDAYS[-1] + dt.timedelta(weeks=1), reason="it did not answer"
    )
    card = provider.card("old_air")
    assert (card["measured"]["polls"], card["measured"]["latency_s"]) == (7, None)
    assert says(card, "came again the same a week later") == ["good"]


def test_a_candidates_cells_count_for_no_run(provider):
    provider.poll(MONDAYS[0])
    assert provider.lake.observations("air").segments(accepted=False) == []


def test_the_page_needs_no_other_file(provider):
    provider.twin()
    for monday in MONDAYS:
        provider.poll(monday)
    provider.card()
    assert provider.page.count("data:image/png;base64,") == 3
    assert not re.search(r'(src|href)="(?!data:)', provider.page)
    assert "<script" not in provider.page


def test_an_unknown_source_is_named_with_those_that_there_are(provider):
    with pytest.raises(SourceUnknown, match="Next: name one of air, sales, old_air"):
        audit.run(provider.lake, provider.settings, "wind")


def test_it_is_a_command(provider):
    provider.poll(MONDAYS[0])
    file = provider.folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump(provider.raw, sort_keys=False, allow_unicode=True))
    done = subprocess.run(
        [sys.executable, "-m", "steadycast.audit", "air", "--lake", provider.lake.url, "--settings", file],
        capture_output=True, text=True, timeout=120, env={"PYTHONPATH": "include", "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Go on polling air" in done.stdout
    assert "scorecard.html" in done.stdout
