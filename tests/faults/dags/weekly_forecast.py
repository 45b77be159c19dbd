"""The product's weekly DAG as it is, but that weeks run side by side and the limit of a try is shortened."""

import datetime as dt
import os
import runpy
from pathlib import Path

from airflow.sdk import dag  # noqa: F401 Airflow reads only files with the words airflow and dag
from steadycast_runtime import wiring

EXECUTION_S = float(os.environ["STEADYCAST_FAULTS_EXECUTION_S"])
product_defaults, product_weekly = wiring.defaults, wiring.weekly

wiring.defaults = lambda settings: {
    **product_defaults(settings),
    "execution_timeout": dt.timedelta(seconds=EXECUTION_S),
}
wiring.weekly = lambda settings: {**product_weekly(settings), "max_active_runs": 16}
if os.environ.get("STEADYCAST_FAULTS_UNWATCHED"):
    import steadycast_sensors
    from airflow.providers.standard.operators.empty import EmptyOperator

    steadycast_sensors.StallSensor = lambda recovery=None, conn_id=None, **named: EmptyOperator(**named)
try:
    runpy.run_path(str(Path(__file__).resolve().parents[3] / "dags/weekly_forecast.py"))
finally:
    wiring.defaults, wiring.weekly = product_defaults, product_weekly
