"""The shortened limits of the fault stack, and what the product ships in their place."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import yaml

from steadycast.settings import RecoverySettings, Settings, WatchdogSettings
from tests.sandbox_server import REPO
from tests.small_data import STATIONS

FIRST = dt.date(2016, 2, 1)
LAST = dt.date(2016, 8, 22)
EXECUTION_S = 60.0
"""``execution_timeout`` of each try, here and for vanilla Airflow; ten minutes in the product."""
RECOVERY: dict[str, Any] = {
    "progress_timeout_s": 40, "attempt_timeout_s": 90, "queue_timeout_s": 40, "scheduled_timeout_s": 40,
    # eight faults are put into one run, where a real one has one or two
    "relaunches_per_run": 40, "poll_every_s": 2,
}  # fmt: skip
WATCHDOG: dict[str, Any] = {"interval_s": 2, "heartbeat_age_s": 30, "confirmations": 3, "settle_s": 60,
                            "restarts_per_hour": 12, "ping_every_s": 5}  # fmt: skip
SOURCES = ("ridership",)
STAGES = ("ingest", "validate", "compare_sources", "impute", "train", "infer", "check_forecast", "publish")


def weeks(count: int, skip: int = 0) -> list[dt.date]:
    """So many Mondays from FIRST on."""
    return [FIRST + dt.timedelta(weeks=n) for n in range(skip, skip + count)]


def number(week: dt.date) -> int:
    """Which one of the weeks."""
    return (week - FIRST).days // 7


def key(week: dt.date, stage: str) -> str:
    """Of a planned fault: the fundamental source's task stands for the stages that run per source."""
    return f"{week}.{stage}.ridership" if stage in ("ingest", "validate") else f"{week}.{stage}"


def write_settings(file: Path, **watchdog: float) -> Settings:
    """The product's settings with one of its sources, four stations, a small model and short limits."""
    raw = yaml.safe_load((REPO / "include/config/pipeline.yaml").read_text())
    raw["schedule"] |= {"first_week": FIRST, "last_week": LAST}
    make_small(raw)
    raw["recovery"] = raw.get("recovery", {}) | RECOVERY
    raw["watchdog"] = raw.get("watchdog", {}) | WATCHDOG | watchdog
    file.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    return Settings.model_validate(raw)


def make_small(raw: dict[str, Any]) -> None:
    """Leave one source, four stations and a small model in settings as read from YAML."""
    raw["sources"] = [source for source in raw["sources"] if source["name"] in SOURCES]
    for source in raw["sources"]:
        source["history_start"] = max(source["history_start"], dt.date(2013, 7, 1))
        if source["name"] == "ridership":
            source["entities"] = list(STATIONS)
    features = raw["forecast"]["features"]
    raw["forecast"]["features"] = {name: features[name] for name in SOURCES if name in features}
    raw["forecast"]["model"] |= {"rounds": 30, "history_weeks": 104, "calibration_origins": 4}


def shortened() -> list[tuple[str, str, str]]:
    """Limit, its value here, and the product's default, for people."""
    rows = [("task execution_timeout", f"{EXECUTION_S:.0f} s", "600 s")]
    for values, shipped in ((RECOVERY, RecoverySettings()), (WATCHDOG, WatchdogSettings())):
        rows += [(name, f"{value:g}", f"{getattr(shipped, name):g}") for name, value in values.items()]
    return rows
