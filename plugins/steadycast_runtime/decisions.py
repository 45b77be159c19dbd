"""The quarantine inside Airflow: the stage's task, the week's question, and what is made of its answer.

The question is a DAG of its own, started by an asset event only when values wait. So the weekly run never
waits for people.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, Param, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from steadycast_runtime.week import this_week

if TYPE_CHECKING:
    from steadycast.settings import Settings

log = logging.getLogger(__name__)

WAITING = Asset("values_waiting", uri="steadycast://quarantine", group="steadycast")
_MAYBE_WAITING = AssetAlias("quarantine", group="steadycast")
"""An alias, because a task's own outlet would tell of waiting values each week, also of none."""


@task
def quarantine(only: Sequence[str] | None = None) -> str:
    """Review the week; values that wait start the DAG that asks. With ``only`` nobody is asked."""
    from steadycast import quarantine as stage
    from steadycast.quarantine import asking as form

    with this_week() as week:
        context = get_current_context()
        path = stage.run(
            week.lake, week.settings, as_of=week.as_of, only=only,
            repoll=bool(context["params"].get("repoll")), progress=week.progress,
        )  # fmt: skip
        report = week.lake.read_json(path)
        log.info("%s: %s", path, report["summary"])
        if only is None and len(form.waiting(week.lake, week.as_of)):
            context["outlet_events"][_MAYBE_WAITING].add(WAITING)
        return path


quarantine = quarantine.override(outlets=[_MAYBE_WAITING])


def asking(settings: Settings) -> dict[str, Any]:
    """Arguments of the operator that asks. One answer a week; after the time limit nobody knows.

    ``retries`` is 0, because a retry would ask again what was answered.
    """
    return {
        "subject": "{{ ti.xcom_pull(task_ids='question')['subject'] }}",
        "body": "{{ ti.xcom_pull(task_ids='question')['body'] }}",
        "options": ["unknown", "error-drop", "outlier-keep"],
        "defaults": ["unknown"],
        "params": {
            "exceptions": Param(
                "", type=["string", "null"], format="multiline", title="Exceptions",
                description="One line each: ID DECISION [VALUE], e.g. 3f2a9c01 error-correct 14.2",
            ),
            "reason": Param(
                "", type=["string", "null"], title="Reason", description="For whoever asks in a year"
            ),
        },
        "response_timeout": dt.timedelta(hours=settings.quarantine.answer_within_h),
        "retries": 0,
    }  # fmt: skip


def question() -> dict[str, str]:
    """Subject and body of the week's question.

    Raises:
        AirflowSkipException: somebody has decided meanwhile, and nothing waits any more.
    """
    from steadycast.quarantine import asking as form

    with this_week() as week:
        held = form.waiting(week.lake, week.as_of)
        if held.empty:
            raise AirflowSkipException(f"nothing of the week {week.as_of} waits for a decision any more")
        week.lake.write_frame(form.asked_path(week.as_of), held)
        hours = week.settings.quarantine.answer_within_h
        many = f"{len(held)} implausible value(s), outlier or error?"
        return {
            "subject": f"{week.settings.title}, {week.as_of}: {many}",
            "body": form.body(held, week.as_of, hours),
        }


def record(answer: Mapping[str, Any]) -> list[str]:
    """Store what was answered, or that nobody did in time; returns the decisions' ids.

    Raises:
        DecisionRefused: a line of the exceptions can not be read; nothing is stored then.
    """
    from steadycast.quarantine import asking as form

    with this_week() as week:
        held = week.lake.read_frame(form.asked_path(week.as_of))
        user, given = answer.get("responded_by_user"), answer.get("params_input") or {}
        made = form.store(
            week.lake, held, answer["chosen_options"][0], given.get("exceptions") or "",
            owner=user["name"] if user else None, reason=given.get("reason") or "", at=_moment(answer),
        )  # fmt: skip
        for decision in made:
            log.info("%s by %s: %s of %s", decision.id, decision.owner, decision.choice, decision.source)
        return [decision.id for decision in made]


def _moment(answer: Mapping[str, Any]) -> dt.datetime:
    """When it was answered; the same at each try of the task, so that a retry stores nothing twice."""
    at = answer["responded_at"]
    return at if isinstance(at, dt.datetime) else dt.datetime.fromisoformat(at)
