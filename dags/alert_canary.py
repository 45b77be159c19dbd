"""A weekly message that has to come back: it proves that alerts still reach somebody.

The deliverer watches for the answer: a reaction in Slack, the robot's inbox of `alerts.canary.inbox_url`, or
`python -m steadycast.alerts confirm CODE`. Without one within `alerts.canary.answer_within_h` hours the other
channels raise the alarm; they do so too when no canary was sent for `alerts.canary.missing_after_days` days.

### If it fails
- **send**: the lake can not be written; clear it.
"""

from airflow.sdk import dag, task
from steadycast_notifier import RunNotifier
from steadycast_runtime import canary, settings
from steadycast_runtime.wiring import defaults

SETTINGS = settings()


@dag(
    **canary.WEEKLY, default_args=defaults(SETTINGS), doc_md=__doc__,
    tags=["alerts", "tier-2"], on_failure_callback=RunNotifier(),
)  # fmt: skip
def alert_canary() -> None:  # noqa: D103 the module's docstring is the DAG's documentation
    task(canary.send)()


alert_canary()
