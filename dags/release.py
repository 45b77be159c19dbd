"""The question about a held forecast: publish it, or the fallback?

Starts by itself when the check before publication holds a weekly run's forecast: open the run, *Required
Actions*. The weekly run does not wait for it. Without an answer by the publish deadline readers get the
fallback; a forecast held after its deadline waits `check_forecast.late_answer_min` minutes (pipeline.yaml).

### If it fails
- **question**: the week has no verdict; clear check_forecast of weekly_forecast for that week.
- **ask**: nothing was published; clear it to be asked again.
- **settle**: the log says why nothing could be published; when it is mended, clear it, the answer stands.
"""

from airflow.sdk import PartitionedAssetTimetable, dag, task
from steadycast_notifier import RunNotifier
from steadycast_runtime import release as held
from steadycast_runtime import settings
from steadycast_runtime.ask import AskUntil
from steadycast_runtime.wiring import defaults

SETTINGS = settings()


@dag(
    schedule=PartitionedAssetTimetable(assets=held.HELD), catchup=False, max_active_runs=16,
    default_args=defaults(SETTINGS), doc_md=__doc__, tags=["forecast", "tier-1"],
    on_success_callback=RunNotifier(), on_failure_callback=RunNotifier(),
)  # fmt: skip
def release() -> None:  # noqa: D103 the module's docstring is the DAG's documentation
    ask = AskUntil(task_id="ask", execution_timeout=None, **held.asking())
    task(held.question)() >> ask
    task(outlets=[held.MAYBE_PUBLISHED])(held.settle)(ask.output)


release()
