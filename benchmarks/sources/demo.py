"""The demo's weeks without servers: its providers as files, its stages as they are.

Each week's answers are written as files, and pipeline.yaml's sources are read as kind ``local_file``; from
``ingest`` on everything is the product's own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from steadycast import compare_sources, impute, infer, ingest, train, validate
from steadycast.lake import Lake, open_lake
from steadycast.settings import Settings

REPO = Path(__file__).resolve().parents[2]
FILES = {
    "ridership": "cta_entries_daily.csv.gz",
    "weather_a": "weather_a_daily.csv",
    "weather_b": "weather_b_daily.csv",
    "fuel": "petrol_weekly.csv",
}
DATES = {"ridership": "date", "weather_a": "date", "weather_b": "date", "fuel": "datetime"}
MACRO = "us_macro_vintages.csv.gz"

Distort = Callable[[str, pd.DataFrame, dt.date], pd.DataFrame]
"""What a provider answers instead: source, its table as known in a week, the week."""


def settings(answers: Path) -> Settings:
    """pipeline.yaml with each source as a file that ``Demo`` writes for the week.

    Args:
        answers: folder of the weeks' files.
    """
    raw = yaml.safe_load((REPO / "include/config/pipeline.yaml").read_text(encoding="utf-8"))
    raw["sources"] = [_as_file(source, answers) for source in raw["sources"]]
    return Settings.model_validate(raw)


def _as_file(source: Mapping[str, Any], answers: Path) -> dict[str, Any]:
    gone = {"connection", "params", "records", "paging", "timeouts", "retries", "kind", "path"}
    kept = {name: value for name, value in source.items() if name not in gone}
    if source["kind"] == "fred":
        kept["layout"] = {"date_field": "date", "entity": "US"}
    return {**kept, "kind": "local_file", "path": f"{answers}/{{as_of}}/{source['name']}.csv"}


class Demo:
    """Runs weeks of the demo in a lake of their own.

    Args:
        data: the demo's data, as ``make demo-data`` builds them.
        folder: for the lake and the weeks' answers.
        change: per source, settings to replace.
    """

    def __init__(self, data: Path, folder: Path, **change: Mapping[str, Any]) -> None:
        self.answers = folder / "answers"
        self.lake: Lake = open_lake(str(folder / "lake"))
        whole = settings(self.answers)
        changed = tuple(s.model_copy(update=dict(change.get(s.name, {}))) for s in whole.sources)
        self.settings = whole.model_copy(update={"sources": changed})
        self.tables = {name: pd.read_csv(data / file, dtype=str) for name, file in FILES.items()}
        self._macro = pd.read_csv(data / MACRO, dtype=str)

    def week(self, as_of: dt.date, distort: Distort | None = None) -> pd.DataFrame:
        """Run a week from ingest to infer; the forecast.

        Args:
            as_of: the week's Monday.
            distort: what the providers answer instead, if it is not the truth.
        """
        panel = self.inputs(as_of, distort)
        card = train.run(self.lake, self.settings, panel, as_of=as_of, git_commit="benchmark")
        return self.lake.read_frame(infer.run(self.lake, self.settings, panel, card, as_of=as_of))

    def inputs(self, as_of: dt.date, distort: Distort | None = None) -> str:
        """Run a week from ingest to impute; path of the panel."""
        self._answer(as_of, distort)
        moment = dt.datetime.combine(as_of, dt.time(), dt.UTC)
        for source in self.settings.sources:
            ingest.run(self.lake, source, as_of=as_of, retrieved_at=moment, connection=None)
            validate.run(self.lake, source, as_of=as_of)
        compare_sources.run(self.lake, self.settings, as_of=as_of)
        return impute.run(self.lake, self.settings, as_of=as_of)

    def _answer(self, as_of: dt.date, distort: Distort | None) -> None:
        folder = self.answers / str(as_of)
        folder.mkdir(parents=True, exist_ok=True)
        for source in self.settings.sources:
            table = self._known(source.name, as_of)
            if distort is not None:
                table = distort(source.name, table, as_of)
            table.to_csv(folder / f"{source.name}.csv", index=False)

    def _known(self, name: str, as_of: dt.date) -> pd.DataFrame:
        """A provider's whole table as it would give it in a week."""
        source = self.settings.source(name)
        if name in DATES:
            table = self.tables[name]
            newest = as_of - dt.timedelta(days=source.expected_lag_days)
            return table[table[DATES[name]] <= newest.isoformat()]
        rows = self._macro.sort_values("vintage_date", kind="stable")
        rows = rows[rows["vintage_date"] <= max(as_of.isoformat(), rows["vintage_date"].min())]
        rows = rows.drop_duplicates(["series", "period"], keep="last")
        wide = rows.pivot(index="period", columns="series", values="value").reset_index()
        wide.insert(0, "date", wide.pop("period") + "-01")
        oldest_unknown = (as_of - dt.timedelta(days=source.expected_lag_days)).isoformat()
        return wide[wide["date"] <= oldest_unknown]
