"""Runs Steadycast on one machine: starts, watches and stops Airflow's components and the sandbox.

Used by ``make run`` and ``make stop``, and by the tests that need the real components::

    options = Options(home=tmp_path, port=free_port(), sandbox_port=free_port(), data=demo_data)
    with Stack(options).running() as stack:     # prepares, starts, waits until healthy; stops at the end
        run = stack.api.trigger("weekly_forecast", "2016-06-06")
        stack.api.wait(run)

Everything that runs belongs to a *home*, by default the folder ``.steadycast``: Airflow's database, the
lake, logs, secrets, and what is needed to find the processes again. Two homes do not disturb each other
if their ports differ.
"""

from steadycast_local.api import AirflowApi, ApiError, Run
from steadycast_local.options import Options
from steadycast_local.ports import PortBusy, free_port
from steadycast_local.stack import ComponentFailed, Stack

__all__ = [
    "AirflowApi",
    "ApiError",
    "ComponentFailed",
    "Options",
    "PortBusy",
    "Run",
    "Stack",
    "free_port",
]
