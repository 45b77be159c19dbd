"""The question about a challenger: shall it take the champion's place?

Starts by itself when a backtest finds a challenger better, beyond luck, on weeks that neither had seen: open
the run, *Required Actions*. Without an answer within `forecast.promotion.answer_within_h` hours of
pipeline.yaml the champion stays. With `forecast.promotion.by: rule` nobody is asked.

### If it fails
- **question**: the week has no report; clear backtest of that week.
- **ask**: nothing was changed; clear it to be asked again.
- **record**: the log says why; `python -m steadycast.champion promote` does the same by hand, and `rollback`
  takes it back.
"""

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import PartitionedAssetTimetable, dag, task
from steadycast_notifier import RunNotifier
from steadycast_runtime import promotion as challengers
from steadycast_runtime import settings
from steadycast_runtime.wiring import defaults

SETTINGS = settings()


@dag(
    schedule=PartitionedAssetTimetable(assets=challengers.PROPOSED), catchup=False, max_active_runs=16,
    default_args=defaults(SETTINGS), doc_md=__doc__, tags=["forecast", "tier-2"],
    on_failure_callback=RunNotifier(),
)  # fmt: skip
def promotion() -> None:  # noqa: D103 the module's docstring is the DAG's documentation
    ask = HITLOperator(task_id="ask", **challengers.asking(SETTINGS))
    task(challengers.question)() >> ask
    task(challengers.record)(ask.output)


promotion()
