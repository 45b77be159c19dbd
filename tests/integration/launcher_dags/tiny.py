"""Two DAGs with the names and partitions of the real ones, small enough for a test of the launcher.

Each run of a week appends a line to ``runs.txt``, so that a test sees what ran and how often.
"""

import datetime as dt
import json
import os
from pathlib import Path

from airflow.sdk import CronPartitionTimetable, PartitionedAtRuntime, dag, get_current_context, task

LAKE = Path(os.environ["STEADYCAST_LAKE"].removeprefix("file://"))
RETRIES = {"retries": 3, "retry_delay": dt.timedelta(seconds=1)}
WEEKLY = CronPartitionTimetable("0 6 * * 1", timezone="UTC", key_format="%Y-%m-%d")


def leave(path: str) -> str:
    week = get_current_context()["dag_run"].partition_key
    file = LAKE / path.format(week=week)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"week": week}))
    with (LAKE / "runs.txt").open("a") as lines:
        lines.write(f"{path.split('/')[0]} {week}\n")
    return week


@dag(
    schedule=WEEKLY,
    start_date=dt.datetime(2016, 6, 6, tzinfo=dt.UTC),
    end_date=dt.datetime(2016, 6, 14, tzinfo=dt.UTC),
    catchup=False,
    max_active_runs=1,
    default_args=RETRIES,
)
def weekly_forecast():
    @task
    def ingest(source: str) -> str:
        return source

    @task
    def publish() -> str:
        return leave("published/{week}/manifest.json")

    ingest.expand(source=["first", "second"]) >> publish()


@dag(schedule=PartitionedAtRuntime(), catchup=False, default_args=RETRIES)
def backtest():
    @task(task_id="backtest")
    def score() -> str:
        return leave("backtest/{week}/report.json")

    score()


weekly_forecast()
backtest()
