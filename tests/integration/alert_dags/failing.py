"""Two DAGs that fail: one by an error, one because its process is killed."""

import datetime as dt
import os
import signal

from airflow.sdk import CronPartitionTimetable, dag, task
from steadycast_notifier import RunNotifier
from steadycast_runtime import this_week

COMMON = {
    "schedule": CronPartitionTimetable("0 6 * * 1", timezone="UTC", key_format="%Y-%m-%d"),
    "start_date": dt.datetime(2030, 1, 7, tzinfo=dt.UTC),
    "catchup": False,
    "default_args": {"retries": 0},
    "on_failure_callback": RunNotifier(),
}


@dag(**COMMON)
def fails():
    @task
    def stage():
        with this_week():
            raise ValueError("the cellar is full of water")

    stage()


@dag(**COMMON)
def is_killed():
    @task
    def stage():
        os.kill(os.getpid(), signal.SIGKILL)

    stage()


fails()
is_killed()
