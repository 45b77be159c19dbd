"""Weeks of the data stages against a real sandbox and a real lake, for the integration tests."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import yaml

from steadycast import compare_sources, impute, ingest, validate
from steadycast.errors import SourceError
from steadycast.lake import Lake
from steadycast.settings import Settings
from steadycast.sources import Connection
from tests.sandbox_server import REPO, Sandbox
from tests.small_data import STATIONS

FIRST = dt.date(2016, 6, 6)
SECOND = dt.date(2016, 6, 13)
THIRD = dt.date(2016, 6, 20)
FOURTH = dt.date(2016, 6, 27)


def small_settings(**changes: dict[str, Any]) -> Settings:
    """pipeline.yaml as shipped, with the small data's stations and limits of time that suit a test.

    Args:
        changes: per source, settings to replace.
    """
    raw = yaml.safe_load((REPO / "include/config/pipeline.yaml").read_text())
    for source in raw["sources"]:
        source["timeouts"] = {"connect_s": 2, "read_s": 0.7, "request_s": 2, "total_s": 6}
        source["retries"] = {"attempts": 2, "first_wait_s": 0.05, "max_wait_s": 0.1}
        if source["name"] == "ridership":
            source["entities"] = list(STATIONS)
        source["history_start"] = max(source["history_start"], dt.date(2013, 7, 1))
        source.update(changes.get(source["name"], {}))
    return Settings.model_validate(raw)


@dataclass
class Pipeline:
    """Runs the data stages as the DAG does: an optional source that fails is written down as absent."""

    lake: Lake
    sandbox: Sandbox
    settings: Settings = field(default_factory=small_settings)

    def ingest(self, name: str, as_of: dt.date, **options: Any) -> dict[str, Any]:
        source = self.settings.source(name)
        address = self.sandbox.fred_url if source.kind == "fred" else self.sandbox.url
        connection = Connection(id=source.connection or "", address=address, password="a" * 32)
        moment = dt.datetime.combine(as_of, dt.time(), dt.UTC)
        try:
            where = ingest.run(
                self.lake, source, as_of=as_of, retrieved_at=moment, connection=connection, **options
            )
        except SourceError as error:
            if source.role == "fundamental":
                raise
            where = ingest.absent(self.lake, source, as_of=as_of, reason=error.what)
        return self.lake.read_json(where)

    def validate(self, name: str, as_of: dt.date) -> dict[str, Any]:
        return self.lake.read_json(validate.run(self.lake, self.settings.source(name), as_of=as_of))

    def poll(self, name: str, as_of: dt.date) -> dict[str, Any]:
        """Ingest and validate one source; the verdict."""
        self.ingest(name, as_of)
        return self.validate(name, as_of)

    def week(self, as_of: dt.date) -> dict[str, dict[str, Any]]:
        """All sources; the verdicts."""
        return {source.name: self.poll(source.name, as_of) for source in self.settings.sources}

    def rest(self, as_of: dt.date) -> tuple[dict[str, Any], dict[str, Any]]:
        """compare_sources and impute; the comparison by variable and the degradation."""
        report = self.lake.read_json(compare_sources.run(self.lake, self.settings, as_of=as_of))
        impute.run(self.lake, self.settings, as_of=as_of)
        degraded = self.lake.read_json(f"runs/{as_of}/impute/degraded.json")
        return report["pairs"][0]["variables"], degraded
