"""What Airflow does by itself: the same hangs, retries and execution_timeout, and nobody who watches."""

import datetime as dt
import os

from airflow.sdk import dag, get_current_context, task
from steadycast_runtime import settings, wiring

EXECUTION_S = float(os.environ["STEADYCAST_FAULTS_EXECUTION_S"])
DEFAULTS = {
    **wiring.defaults(settings()),
    "execution_timeout": dt.timedelta(seconds=EXECUTION_S),
}


@dag(schedule=None, max_active_runs=16, default_args=DEFAULTS)
def vanilla():
    @task(map_index_template="{{ task.op_kwargs['key'] }}")
    def stage(key: str) -> None:
        from tests.faults.strike import strike

        strike(key)

    @task
    def keys() -> list[str]:
        return get_current_context()["dag_run"].conf["keys"]

    stage.expand(key=keys())


vanilla()
