"""Asking people until a moment that is known only when the question is asked."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class AskUntil(HITLOperator):
    """Human in the loop, until the moment that the task ``question`` told under ``until``.

    Then the default answer counts. A moment that is past leaves a second, which the scheduler ends.
    """

    def execute(self, context: Context) -> Any:  # noqa: ANN401 as the operator's own
        """Ask; whoever is late finds the default taken."""
        told = context["ti"].xcom_pull(task_ids="question")["until"]
        left = dt.datetime.fromisoformat(told) - dt.datetime.now(dt.UTC)
        self.response_timeout = max(left, dt.timedelta(seconds=1))
        return super().execute(context)
