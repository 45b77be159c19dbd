"""The check before publication inside Airflow: the stage's task, and the question about a held forecast.

The question is a DAG of its own, started by an asset event only when a forecast is held, so that no weekly
run stays open for it.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, Param, get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from steadycast_runtime.gate import gate
from steadycast_runtime.week import this_week
from steadycast_runtime.wiring import PUBLICATION

if TYPE_CHECKING:
    from steadycast_runtime.week import Week

log = logging.getLogger(__name__)

HELD = Asset("forecast_held", uri="steadycast://held", group="steadycast")
_MAYBE_HELD = AssetAlias("held", group="steadycast")
MAYBE_PUBLISHED = AssetAlias("released", group="steadycast")
"""Aliases, because a task's own outlet would tell of a held forecast each week, also of none."""


@gate(outlets=[_MAYBE_HELD])
def check_forecast(forecast: str) -> str:
    """Judge the forecast; one that is held starts the DAG that asks."""
    with this_week() as week:
        path = week.run("check_forecast", week.settings, forecast)
        if week.lake.read_json(path)["verdict"] == "hold":
            get_current_context()["outlet_events"][_MAYBE_HELD].add(HELD)
        return path


def asking() -> dict[str, Any]:
    """Arguments of the operator that asks; ``retries`` is 0, because a retry would ask again."""
    return {
        "subject": "{{ ti.xcom_pull(task_ids='question')['subject'] }}",
        "body": "{{ ti.xcom_pull(task_ids='question')['body'] }}",
        "options": ["fallback", "publish"],
        "defaults": ["fallback"],
        "params": {
            "reason": Param(
                "", type=["string", "null"], title="Reason", description="Readers see it beside the forecast"
            ),
        },
        "retries": 0,
    }  # fmt: skip


def question() -> dict[str, str]:
    """Subject and body of the question, and until when an answer counts (``until``, ISO).

    Raises:
        AirflowSkipException: nothing is held any more.
    """
    from steadycast import release

    with this_week() as week:
        check = release.held(week.lake, week.as_of)
        if check is None:
            raise AirflowSkipException(f"no forecast of the week {week.as_of} waits for an answer any more")
        ends = _until(week)
        subject = f"{week.settings.title}, {week.as_of}: the forecast is held back, publish it?"
        return {"subject": subject, "body": release.body(week.lake, check, ends), "until": ends.isoformat()}


def _until(week: Week) -> dt.datetime:
    from steadycast import release

    settings = week.settings
    return release.until(
        settings.schedule.start_of(week.as_of), settings.watchdog.publish_deadline_h,
        settings.check_forecast.late_answer_min, dt.datetime.now(dt.UTC),
    )  # fmt: skip


def settle(answer: Mapping[str, Any]) -> str:
    """Publish what was chosen; returns the path of the manifest that stands.

    Raises:
        PublicationError: there is nothing to make a fallback of, or the database refuses.
    """
    from steadycast import fallback, release

    with this_week() as week:
        check = week.lake.read_json(f"runs/{week.as_of}/check_forecast.json")
        if release.held(week.lake, week.as_of) is None and not release.answered(week.lake, week.as_of, check):
            raise AirflowSkipException(f"week {week.as_of} was judged anew or published meanwhile")
        user, given = answer.get("responded_by_user"), answer.get("params_input") or {}
        choice, at = answer["chosen_options"][0], answer["responded_at"]
        release.store(
            week.lake, week.as_of, check, choice, by=user["name"] if user else None,
            reason=given.get("reason") or "",
            at=at if isinstance(at, dt.datetime) else dt.datetime.fromisoformat(at),
        )  # fmt: skip
        log.info("Week %s: %s, by %s", week.as_of, choice, user["name"] if user else "nobody in time")
        if choice == release.FALLBACK:
            reason = f"the forecast was held back: {check['failures'][0]}"
            return fallback.run(
                week.lake, week.settings, as_of=week.as_of, reason=reason, progress=week.progress
            )
        manifest = week.run(
            "publish", week.settings, check["forecast"], f"runs/{week.as_of}/check_forecast.json",
            connection=week.publish_connection(),
        )  # fmt: skip
        get_current_context()["outlet_events"][MAYBE_PUBLISHED].add(PUBLICATION)
        return manifest
