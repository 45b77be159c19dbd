"""The week's question to the business: implausible values, outlier or error?

Starts by itself when a weekly run has set values aside, and asks once for all of them: open the run,
*Required Actions*. The weekly run does not wait for it; the answer counts from the next run on. Without an
answer within `quarantine.answer_within_h` hours of pipeline.yaml the values count as unknown and stay left
out.

### If it fails
- **question**: the week has no report; clear quarantine of weekly_forecast for that week.
- **ask**: nothing was stored; clear it to be asked again.
- **record**: a line of the exceptions can not be read, the log names it. Clear `ask` and answer again, or
  decide with `python -m steadycast.quarantine decide`.
"""

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import PartitionedAssetTimetable, dag, task
from steadycast_notifier import RunNotifier
from steadycast_runtime import decisions as people
from steadycast_runtime import settings
from steadycast_runtime.wiring import defaults

SETTINGS = settings()


@dag(
    schedule=PartitionedAssetTimetable(assets=people.WAITING), catchup=False, max_active_runs=16,
    default_args=defaults(SETTINGS), doc_md=__doc__, tags=["forecast", "tier-2"],
    on_failure_callback=RunNotifier(),
)  # fmt: skip
def decisions() -> None:  # noqa: D103 the module's docstring is the DAG's documentation
    ask = HITLOperator(task_id="ask", **people.asking(SETTINGS))
    task(people.question)() >> ask
    task(people.record)(ask.output)


decisions()
