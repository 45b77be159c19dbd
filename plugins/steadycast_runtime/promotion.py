"""Challengers inside Airflow: their task, the backtest that may propose one, and the answer."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, Param, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from steadycast_runtime.places import git_commit
from steadycast_runtime.week import this_week

if TYPE_CHECKING:
    from steadycast.settings import Settings

log = logging.getLogger(__name__)

PROPOSED = Asset("challenger_proposed", uri="steadycast://promotion", group="steadycast")
_MAYBE_PROPOSED = AssetAlias("promotion", group="steadycast")


@task
def challenge() -> str:
    """Train the week's challengers and keep their forecasts; the published one does not wait for it."""
    with this_week() as week:
        from steadycast import drift

        if not drift.with_trial(week.lake, week.settings, week.as_of).forecast.challengers:
            raise AirflowSkipException("pipeline.yaml names no challenger, and nothing broke")
        if not week.lake.exists(f"runs/{week.as_of}/train/card.json"):
            raise AirflowSkipException(f"the week {week.as_of} has no forecast of its own")
        return week.run_apart("challenge", git_commit=git_commit())


@task(task_id="backtest", outlets=[_MAYBE_PROPOSED])
def backtest() -> str:
    """Score what was published; a challenger that it proposes starts the DAG that asks."""
    from steadycast import champion

    with this_week() as week:
        path = week.run("backtest", week.settings)
        if champion.proposal(week.lake, week.as_of):
            get_current_context()["outlet_events"][_MAYBE_PROPOSED].add(PROPOSED)
        return path


def asking(settings: Settings) -> dict[str, Any]:
    """Arguments of the operator that asks; ``retries`` is 0, because a retry would ask again."""
    return {
        "subject": "{{ ti.xcom_pull(task_ids='question')['subject'] }}",
        "body": "{{ ti.xcom_pull(task_ids='question')['body'] }}",
        "options": ["keep", "promote"],
        "defaults": ["keep"],
        "params": {"reason": Param("", type=["string", "null"], title="Reason")},
        "response_timeout": dt.timedelta(hours=settings.forecast.promotion.answer_within_h),
        "retries": 0,
    }


def question() -> dict[str, str]:
    """Subject and body of the question.

    Raises:
        AirflowSkipException: the week proposes nobody.
    """
    from steadycast import champion

    with this_week() as week:
        told = champion.proposal(week.lake, week.as_of)
        if told is None:
            raise AirflowSkipException(f"the backtest of {week.as_of} proposes nobody")
        hours = week.settings.forecast.promotion.answer_within_h
        subject = f"{week.settings.title}, {week.as_of}: promote {told['challenger']}?"
        return {"subject": subject, "body": champion.question(told, week.as_of, hours)}


def record(answer: Mapping[str, Any]) -> str:
    """Promote, or leave the champion where it is; returns who is champion from the next week on."""
    from steadycast import champion

    with this_week() as week:
        user, given = answer.get("responded_by_user"), answer.get("params_input") or {}
        champion.answer(
            week.lake, week.settings, week.as_of, answer["chosen_options"][0],
            by=user["name"] if user else None, reason=given.get("reason") or "",
            at=str(answer["responded_at"]),
        )  # fmt: skip
        return champion.champion(week.lake, week.settings, week.as_of + dt.timedelta(weeks=1))
