"""Polls the `candidates` of pipeline.yaml each day and writes their scorecards, before they are relied on.

A candidate is written like a source and takes no part in the forecast. After some weeks its page says whether
to adopt it; then its entry moves to `sources`. The page is `audits/<name>/scorecard.html` in the lake, or
`/steadycast/audit/<name>` in the web UI.

### If it fails
- **poll**: a provider that does not answer is a result and no failure; so it is connection or lake.
- **scorecard**: clear the task; it is made of the stored polls.
"""

from airflow.sdk import dag, task
from steadycast_notifier import RunNotifier
from steadycast_runtime import audit, settings
from steadycast_runtime.wiring import defaults

SETTINGS = settings()
CANDIDATES = [source.name for source in SETTINGS.candidates]


@dag(
    **audit.daily(SETTINGS), default_args=defaults(SETTINGS), doc_md=__doc__,
    tags=["sources", "tier-3"], on_failure_callback=RunNotifier(),
)  # fmt: skip
def source_audit() -> None:  # noqa: D103 the module's docstring is the DAG's documentation
    polled = task(audit.poll).expand(source=CANDIDATES)
    task(audit.scorecard).expand(source=polled)


source_audit()
