"""Tell Slack how a run ended, without ever failing or delaying a task.

The Airflow connection ``slack`` holds the bot token as password; its extra ``base_url`` names another
endpoint that speaks Slack's API (default ``https://slack.com/api/``). The channel is ``slack_channel`` of
pipeline.yaml.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.configuration import conf
from airflow.sdk import BaseNotifier
from steadycast_runtime import failures
from steadycast_runtime.connections import airflow_connection
from steadycast_runtime.places import lake, settings
from steadycast_runtime.week import week_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from steadycast.lake import Lake

log = logging.getLogger(__name__)

TIMEOUT_S = 5.0
SHOWN = 2500
"""Slack cuts a message's text section at 3000 characters; the rest of a long failure is in the log."""


class SlackNotifier(BaseNotifier):
    """DAG-level callback for success and failure.

    Args:
        conn_id: Airflow connection with the token and, if it is not Slack's own, the endpoint.
    """

    template_fields = ()

    def __init__(self, conn_id: str = "slack") -> None:
        super().__init__()
        self.conn_id = conn_id

    def notify(self, context: Context) -> None:
        """Send the message; whatever goes wrong is one line in the log."""
        try:
            send(message(context), self.conn_id)
        except Exception as error:
            log.warning("Slack was not told how the run ended: %s", error)


def send(text: str, conn_id: str) -> None:
    """Post the text, and wait no longer than ``TIMEOUT_S`` for the answer.

    In a thread of its own, because the client's time limit covers neither the look-up of the host's name
    nor an answer that comes a byte at a time.

    Raises:
        TimeoutError: no answer in time; Slack may still get the message.
        SlackApiError: Slack refused the message; says why.
    """
    found = airflow_connection(conn_id)
    endpoint = found.extra_dejson.get("base_url") or "https://slack.com/api/"
    channel = settings().slack_channel
    outcome: list[BaseException | None] = []

    def post() -> None:
        try:
            _post(endpoint, found.password or "", channel, text)
            outcome.append(None)
        except Exception as error:
            outcome.append(error)

    sender = threading.Thread(target=post, name="slack", daemon=True)
    sender.start()
    sender.join(TIMEOUT_S)
    if not outcome:
        raise TimeoutError(f"{endpoint} gave no answer within {TIMEOUT_S:g} s")
    if outcome[0] is not None:
        raise outcome[0]
    log.info("Slack channel %s was told how the run ended", channel)


def _post(endpoint: str, token: str, channel: str, text: str) -> None:
    from slack_sdk import WebClient

    # no retry handlers: the next run's message matters more than a late one
    client = WebClient(
        token=token, base_url=endpoint.rstrip("/") + "/", timeout=int(TIMEOUT_S), retry_handlers=[]
    )
    client.chat_postMessage(channel=channel, text=text, unfurl_links=False, unfurl_media=False)


def message(context: Mapping[str, Any]) -> str:
    """What the reader needs: which week, published or not, what is different or failed, and where to look."""
    dag_id = context["dag"].dag_id
    run_id = context["run_id"]
    run = context.get("dag_run")
    site = conf.get("api", "base_url", fallback="").rstrip("/")
    link = f"<{site}/dags/{dag_id}/runs/{quote(run_id)}|open the run>"
    title = f"*{escaped(settings().title)}*, {dag_id}"
    failed = context.get("reason") != "success"
    try:
        as_of = week_of(run.partition_key if run else None)
    except Exception as error:
        return f":red_circle: {title}: failed. {escaped(str(error))}\n{link}"
    store = lake()
    if failed:
        told = _what_failed(store, as_of, dag_id, context)
        return f":red_circle: {title}, week {as_of}: failed\n{told}\n{link}"
    sign, told = _what_came_out(store, as_of, dag_id)
    return f"{sign} {title}, week {as_of}: {told}\n{link}"


def _what_failed(store: Lake, as_of: dt.date, dag_id: str, context: Mapping[str, Any]) -> str:
    notes = failures.read(store, as_of, dag_id)
    if not notes:
        ti = context.get("ti")
        where = f"task `{ti.task_id}`" if ti is not None else "the run"
        return f"{where} ended without a word ({context.get('reason')}): it was killed. See its log."
    text = "\n".join(
        f"*{note['task']}*: {escaped(note['what'])}\n_Next_: {escaped(note['next'])}" for note in notes
    )
    return text if len(text) <= SHOWN else text[:SHOWN] + " … (more in the task's log)"


def _what_came_out(store: Lake, as_of: dt.date, dag_id: str) -> tuple[str, str]:
    if dag_id != "weekly_forecast":
        told = store.read_json(f"backtest/{as_of}/report.json")["sentences"]
        return ":white_check_mark:", f"{escaped(told[0])}\n`{store.link(f'backtest/{as_of}/report.txt')}`"
    folder = f"published/{as_of}"
    manifest = store.read_json(f"{folder}/manifest.json")
    reasons = "".join(f"\n• {escaped(str(reason))}" for reason in manifest.get("reasons", []))
    sign = ":warning:" if reasons else ":white_check_mark:"
    trust = "published, with remarks" if reasons else "published, nothing unusual"
    return sign, f"{trust}{reasons}\n`{store.link(f'{folder}/forecast.csv')}`"


def escaped(text: str) -> str:
    """Text with the three characters that Slack reads as markup made harmless."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
