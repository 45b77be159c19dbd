"""The weekly DAG with the one stage that asks people; the DAG that asks is the project's own."""

import os
import runpy
from pathlib import Path

from airflow.sdk import PartitionedAtRuntime, dag
from steadycast_runtime import quarantine


@dag(schedule=PartitionedAtRuntime(), catchup=False, max_active_runs=1)
def weekly_forecast():
    quarantine()


weekly_forecast()
decisions = runpy.run_path(str(Path(os.environ["STEADYCAST_TEST_DAGS"]) / "decisions.py"))["decisions"]()
