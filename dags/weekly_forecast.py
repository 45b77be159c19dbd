"""The weekly forecast: one run per week, from the sources to the published file.

Trigger a week with its Monday as *Partition Key*; for several weeks use *Backfill*, from the first Monday to
the day after the last. A week that is published gives the same file again.

### If it fails
The alert and the end of the failed task's log say what happened and what to do next.
- **ingest**, **validate**, **compare_sources**: an optional source only marks the forecast degraded; without
  a fundamental one the run stops: clear its `ingest` and all downstream tasks when it has recovered.
- **quarantine**, **impute**, **train**, **infer**, **check_forecast**: clear the task; it overwrites its own
  output.
- **publish**: the forecast looks wrong and is held back. The DAG `release` asks for this week: publish it or
  the fallback; without an answer readers get the fallback at the publish deadline.
- **watch** relaunches what hangs. A task that hangs each time is set to failed; its note says why.
"""

from airflow.sdk import dag, task
from steadycast_notifier import RunNotifier
from steadycast_runtime import git_commit, quarantine, settings, this_week
from steadycast_runtime.gate import gate
from steadycast_runtime.release import check_forecast
from steadycast_runtime.wiring import ACTUALS, PUBLICATION, SOURCE_LABEL, weekly
from steadycast_sensors import StallSensor, when_ready

SETTINGS = settings()
SOURCES = [source.name for source in SETTINGS.sources]


@dag(
    **weekly(SETTINGS), doc_md=__doc__,
    on_success_callback=RunNotifier(), on_failure_callback=RunNotifier(),
)  # fmt: skip
def weekly_forecast() -> None:  # noqa: D103 the module's docstring is the DAG's documentation
    @when_ready(map_index_template=SOURCE_LABEL)
    def ingest(source: str) -> str:
        with this_week() as week:
            return week.poll(source)

    @gate(map_index_template=SOURCE_LABEL, trigger_rule="all_done")
    def validate(source: str) -> str:
        with this_week() as week:
            return week.run("validate", week.settings.source(source))

    @task(trigger_rule="all_done", outlets=[ACTUALS])
    def compare_sources() -> str:
        with this_week() as week:
            week.settle_gates()
            return week.run("compare_sources", week.settings)

    @task
    def impute() -> str:
        with this_week() as week:
            return week.run("impute", week.settings)

    @task
    def train(panel: str) -> str:
        with this_week() as week:
            return week.run_apart("train", panel, git_commit=git_commit())

    @task
    def infer(panel: str, card: str) -> str:
        with this_week() as week:
            return week.run("infer", week.settings, panel, card)

    @task(outlets=[PUBLICATION])
    def publish(forecast: str, check: str) -> str:
        with this_week() as week:
            return week.run("publish", week.settings, forecast, check, connection=week.publish_connection())

    StallSensor(task_id="watch", recovery=SETTINGS.recovery)
    held, panel = quarantine(), impute()
    ingest.expand(source=SOURCES) >> validate.expand(source=SOURCES) >> compare_sources() >> held >> panel
    forecast = infer(panel, train(panel))
    publish(forecast, check_forecast(forecast))


weekly_forecast()
