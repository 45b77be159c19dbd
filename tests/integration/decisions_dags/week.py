"""The tasks that ask people, in DAGs of their own; the DAGs that ask are the project's own."""

import os
import runpy
from pathlib import Path

from airflow.sdk import PartitionedAtRuntime, dag, task
from steadycast_runtime import quarantine, this_week
from steadycast_runtime.promotion import PROPOSED
from steadycast_runtime.release import check_forecast


@dag(schedule=PartitionedAtRuntime(), catchup=False, max_active_runs=1)
def weekly_forecast():
    quarantine()


@dag(schedule=PartitionedAtRuntime(), catchup=False, max_active_runs=1)
def forecast_end():
    """The end of the weekly DAG, from a forecast that is there."""

    @task
    def infer() -> str:
        with this_week() as week:
            return f"runs/{week.as_of}/infer/forecast.parquet"

    @task
    def publish(forecast: str, check: str) -> str:
        with this_week() as week:
            return week.run("publish", week.settings, forecast, check)

    forecast = infer()
    publish(forecast, check_forecast(forecast))


@dag(schedule=PartitionedAtRuntime(), catchup=False, max_active_runs=1)
def proposing():
    task(outlets=[PROPOSED], task_id="propose")(lambda: None)()


weekly_forecast()
forecast_end()
proposing()
PROJECT = Path(os.environ["STEADYCAST_TEST_DAGS"])
decisions = runpy.run_path(str(PROJECT / "decisions.py"))["decisions"]()
release = runpy.run_path(str(PROJECT / "release.py"))["release"]()
promotion = runpy.run_path(str(PROJECT / "promotion.py"))["promotion"]()
