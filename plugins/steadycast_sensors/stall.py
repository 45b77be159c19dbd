"""StallSensor: watches a run beside its tasks and relaunches those that hang."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseSensorOperator
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.triggers.base import (
    BaseTrigger,
    StartTriggerArgs,
    TaskSkippedEvent,
    TaskSuccessEvent,
    TriggerEvent,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from steadycast.settings import RecoverySettings

CONNECTION = "airflow_api"
END_LOOK_S = 2.0
"""Seconds between two questions whether the run's other tasks have ended: the run waits for this one."""


class StallSensor(BaseSensorOperator):
    """Runs beside the first task until all others have ended; starts, waits and ends in the triggerer.

    Always a success: whether the run is well is for its other tasks to say. Skipped if the connection is
    missing, which the log then says.

    Args:
        recovery: limits and bounds.
        conn_id: Airflow connection with the API server's address and a user who may clear tasks.
    """

    start_from_trigger = True

    def __init__(self, *, recovery: RecoverySettings, conn_id: str = CONNECTION, **arguments: Any) -> None:  # noqa: ANN401 whatever an operator takes
        # it lives as long as the run does, so that a time limit of its own would only end it early
        super().__init__(**(arguments | {"execution_timeout": None}))
        kwargs = {"recovery": recovery.model_dump(mode="json"), "conn_id": conn_id}
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=f"{StallTrigger.__module__}.{StallTrigger.__qualname__}",
            trigger_kwargs=kwargs,
            next_method="execute",
        )
        self.trigger_kwargs = kwargs

    def execute(self, context: Context) -> NoReturn:
        """Where something runs the task in a process all the same, such as ``dag.test()``: hand it over."""
        self.defer(trigger=StallTrigger(**self.trigger_kwargs), method_name="execute_complete")

    def execute_complete(self, context: Context, event: object = None) -> None:
        """The trigger ends the task itself; nothing is left to do."""


class StallTrigger(BaseTrigger):
    """What ``StallSensor`` does in the triggerer.

    Args:
        recovery: ``RecoverySettings`` as JSON.
        conn_id: see ``StallSensor``.
    """

    def __init__(self, recovery: dict[str, Any], conn_id: str = CONNECTION) -> None:
        super().__init__()
        self.recovery = recovery
        self.conn_id = conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How Airflow makes the trigger again, in this triggerer or another."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {"recovery": self.recovery, "conn_id": self.conn_id}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the run until its other tasks have ended. What fails is tried again at the next look."""
        from steadycast_runtime.connections import ConnectionMissing, source_connection

        from steadycast.settings import RecoverySettings
        from steadycast_sensors.news import News
        from steadycast_sensors.rest import ApiFailure, RunApi
        from steadycast_sensors.watch import Watch

        ti = self.task_instance
        settings = RecoverySettings.model_validate(self.recovery)
        try:
            connection = await asyncio.to_thread(source_connection, self.conn_id)
        except ConnectionMissing as error:
            self.log.error("Nobody watches this run. %s", error)
            yield TaskSkippedEvent()
            return
        api = RunApi(connection, ti.dag_id, ti.run_id)
        watch = Watch(api, ti.task_id, settings, News(ti.dag_id, ti.run_id, self.log).tell, self.log)
        next_look, looked = time.monotonic(), False
        try:
            # at least one look: an earlier trigger may have died before it told of its last relaunch
            while not await self._others_have_ended() or not looked:
                if time.monotonic() >= next_look:
                    next_look, looked = time.monotonic() + settings.poll_every_s, True
                    try:
                        await watch.look()
                    except ApiFailure as error:
                        self.log.warning("Airflow's API does not answer, the watch goes on: %s", error)
                    except Exception:
                        self.log.exception("this look failed, the watch goes on")
                await asyncio.sleep(min(END_LOOK_S, settings.poll_every_s))
        finally:
            await api.close()
        self.log.info("All other tasks of the run have ended")
        yield TaskSuccessEvent()

    async def _others_have_ended(self) -> bool:
        """Asked over Airflow's own channel, which needs no credential: a wrong password keeps no run open."""
        from steadycast_sensors.watch import ENDED

        ti = self.task_instance
        try:
            found = await asyncio.to_thread(
                RuntimeTaskInstance.get_task_states, dag_id=ti.dag_id, run_ids=[ti.run_id]
            )
        except Exception as error:
            self.log.warning("the states of the run's tasks are not known, the watch goes on: %r", error)
            return False
        others = {name: state for name, state in found.get(ti.run_id, {}).items() if name != ti.task_id}
        return bool(others) and all(state in ENDED for state in others.values())
