"""The weekly forecast: one run per week, from the sources to the published file.

Trigger a week with its Monday as *Partition Key*; for several weeks use *Backfill*, from the first Monday to
the day after the last. A week that is published gives the same file again.

### If it fails
The Slack message and the end of the failed task's log say what happened and what to do next.
- **ingest**, **validate**: one mapped task per source. An optional source never stops the run, it only
  marks the forecast degraded. A fundamental one does: clear its `ingest` and all downstream tasks when it
  has recovered.
- **compare_sources**: a fundamental source has no accepted data this week; see its `ingest` and `validate`.
- **quarantine**, **impute**, **train**, **infer**: clear the task; it overwrites its own output.
- **check_forecast**, **publish**: the forecast looks wrong and is held back; the log says why.
"""

from airflow.sdk import Param, dag, task
from steadycast_notifier import SlackNotifier
from steadycast_runtime import git_commit, quarantine, settings, this_week
from steadycast_runtime.gate import gate
from steadycast_runtime.wiring import ACTUALS, PUBLICATION, SOURCE_LABEL, defaults, weekly

SETTINGS = settings()
SOURCES = [source.name for source in SETTINGS.sources]
PARAMS = {"repoll": Param(False, type="boolean", description="Poll the sources of a published week again")}


@dag(
    **weekly(SETTINGS), default_args=defaults(SETTINGS), params=PARAMS, doc_md=__doc__,
    tags=["forecast", "tier-1"], on_success_callback=SlackNotifier(), on_failure_callback=SlackNotifier(),
)  # fmt: skip
def weekly_forecast() -> None:  # noqa: D103 the module's docstring is the DAG's documentation
    @task(map_index_template=SOURCE_LABEL)
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
            return week.run("train", week.settings, panel, git_commit=git_commit())

    @task
    def infer(panel: str, card: str) -> str:
        with this_week() as week:
            return week.run("infer", week.settings, panel, card)

    @gate
    def check_forecast(forecast: str) -> str:
        with this_week() as week:
            return week.run("check_forecast", week.settings, forecast)

    @task(outlets=[PUBLICATION])
    def publish(forecast: str, check: str) -> str:
        with this_week() as week:
            return week.run("publish", week.settings, forecast, check, connection=week.publish_connection())

    held, panel = quarantine(), impute()
    ingest.expand(source=SOURCES) >> validate.expand(source=SOURCES) >> compare_sources() >> held >> panel
    forecast = infer(panel, train(panel))
    publish(forecast, check_forecast(forecast))


weekly_forecast()
