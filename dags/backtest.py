"""Live forecasts against what happened and against every benchmark, scored once the week is published.

Runs by itself when a week's actuals are accepted and its forecast is published. To score with newer
actuals, trigger it with a newer Monday as *Partition Key*: it polls the target's source itself, so that a
week counts that has no forecast of its own. The demo's last weeks are scored with 2016-08-29.

### If it fails
The alert and the end of the failed task's log say what happened and what to do next.
- **ingest**, **validate**: the target's source did not answer, or its gate refused the answer. Clear the task
  when the provider has recovered. No forecast is affected.
- **quarantine**, **backtest**: clear the task; it overwrites its own output under `backtest/<week>/`.
- **challenge**: the week's challengers were not trained, so that the week does not count for them; clear it.
- **watch** relaunches what hangs. A task that hangs each time is set to failed; its note says why.
"""

from airflow.sdk import PartitionedAssetTimetable, dag, task
from steadycast_notifier import RunNotifier
from steadycast_runtime import quarantine, settings, this_week
from steadycast_runtime.gate import gate
from steadycast_runtime.promotion import backtest as score
from steadycast_runtime.promotion import challenge
from steadycast_runtime.wiring import ACTUALS, PUBLICATION, SOURCE_LABEL, TAGS, defaults
from steadycast_sensors import StallSensor

SETTINGS = settings()
TARGET = [SETTINGS.target.source]


@dag(
    schedule=PartitionedAssetTimetable(assets=PUBLICATION & ACTUALS), catchup=False, max_active_runs=1,
    default_args=defaults(SETTINGS), doc_md=__doc__, tags=TAGS,
    on_success_callback=RunNotifier(), on_failure_callback=RunNotifier(),
)  # fmt: skip
def backtest() -> None:  # noqa: D103 the module's docstring is the DAG's documentation
    @task(map_index_template=SOURCE_LABEL)
    def ingest(source: str) -> str:
        with this_week() as week:
            return week.poll(source)

    @gate(map_index_template=SOURCE_LABEL)
    def validate(source: str) -> str:
        with this_week() as week:
            return week.run("validate", week.settings.source(source))

    StallSensor(task_id="watch", recovery=SETTINGS.recovery)
    ingest.expand(source=TARGET) >> validate.expand(source=TARGET) >> quarantine(only=TARGET) >> score()
    challenge()


backtest()
