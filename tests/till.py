"""A shop's till as a source: two tills, daily sales by formula, and what a person typed in their place."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd

from steadycast import ingest, quarantine
from steadycast.lake import Lake, open_lake
from steadycast.quarantine.review import CHOICE
from steadycast.settings import Settings

FIRST = dt.date(2016, 5, 30)
SECOND = dt.date(2016, 6, 6)
THIRD = dt.date(2016, 6, 13)
TILLS = ("left", "right")
HISTORY_START = dt.date(2015, 1, 5)
Typed = dict[tuple[str, str], str]
"""By till and date, the text that stands in the file."""


def sales(till: str, day: dt.date) -> float:
    """EUR: a level by till, quiet Sundays, a little noise."""
    level = 80.0 if till == "left" else 300.0
    return round(
        level * (0.4 if day.weekday() == 6 else 1) * (1 + 0.05 * ((day.toordinal() * 7) % 11 - 5) / 5), 2
    )


def settings(folder: Path, *, source: dict[str, Any] | None = None, **top: Any) -> Settings:
    """The pipeline of the shop; ``source`` and ``top`` replace parts."""
    till = {
        "name": "till",
        "kind": "local_file",
        "role": "fundamental",
        "path": str(folder / "till.csv"),
        "layout": {"entity_field": "till", "date_field": "day"},
        "variables": [{"name": "sales", "unit": "EUR", "minimum": 0, "maximum": 1000, "weekly": "sum"}],
        "entities": list(TILLS),
        "history_start": HISTORY_START,
        "expected_lag_days": 1,
        **(source or {}),
    }
    return Settings.model_validate(
        {
            "title": "Two tills",
            "schedule": {"first_week": FIRST},
            "target": {"source": "till", "variable": "sales", "unit": "EUR per week"},
            "sources": [till],
            **top,
        }
    )


class Shop:
    """Polls the till's file week by week, as a run does."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.folder = folder
        self.settings = settings(folder, **changes)
        self.lake: Lake = open_lake(str(folder / "lake"))

    def poll(self, as_of: dt.date, typed: Typed | None = None) -> None:
        """Ingest the week; its poll is accepted."""
        days = [day.date() for day in pd.date_range(HISTORY_START, as_of - dt.timedelta(days=1))]
        lines = [
            f"{till},{day},{(typed or {}).get((till, str(day)), format(sales(till, day), '.2f'))}"
            for day in days
            for till in TILLS
        ]
        (self.folder / "till.csv").write_text("till,day,sales\n" + "\n".join(lines) + "\n")
        source = self.settings.target_source
        moment = dt.datetime.combine(as_of, dt.time(6), dt.UTC)
        path = ingest.run(
            self.lake, self.settings.source(source.name), as_of=as_of, retrieved_at=moment, connection=None
        )
        manifest = self.lake.read_json(path)
        self.lake.observations("till").accept(manifest["segment"], by="test")
        segments = sorted({*manifest["segments_before"], manifest["segment"]})
        verdict = {"source": "till", "verdict": "pass", "failures": [], "warnings": [], "segments": segments}
        self.lake.write_json(f"runs/{as_of}/validate/till.json", verdict)

    def week(self, as_of: dt.date, typed: Typed | None = None, **options: Any) -> dict[str, Any]:
        """Poll and review the week; the report."""
        self.poll(as_of, typed)
        return self.review(as_of, **options)

    def review(self, as_of: dt.date, **options: Any) -> dict[str, Any]:
        """Review the week; the report."""
        report: dict[str, Any] = self.lake.read_json(
            quarantine.run(self.lake, self.settings, as_of=as_of, **options)
        )
        return report

    def held(self, as_of: dt.date) -> pd.DataFrame:
        """The week's values that are flagged or decided."""
        return self.lake.read_frame(self.lake.read_json(quarantine.report_path(as_of))["cells"])

    def waiting(self, as_of: dt.date) -> list[str]:
        """Till, date and value of what waits."""
        held = self.held(as_of)
        rows = held[held[CHOICE] == ""]
        return [f"{r.entity} {r.date:%Y-%m-%d} {r.seen}" for r in rows.itertuples()]

    def used(self, as_of: dt.date, till: str, day: str) -> float | None:
        """What the week's readers see of a cell."""
        verdict = self.lake.read_json(f"runs/{as_of}/validate/till.json")
        rows = self.lake.observations("till").read(segments=verdict["segments"], end=as_of)
        rows = quarantine.apply(self.lake, "till", rows, as_of=as_of)
        mine = rows[(rows["entity"] == till) & (rows["date"] == pd.Timestamp(day))]["value"]
        return float(mine.iloc[0]) if len(mine) else None
