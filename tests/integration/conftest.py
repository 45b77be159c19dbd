"""A Slack, a mail server and a deliverer between them, for the tests of alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.alerting import Post
from tests.slack_server import SlackServer, running_slack
from tests.smtp_server import SmtpServer, running_smtp


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with running_slack() as server:
        yield server


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with running_smtp() as server:
        yield server


@pytest.fixture
def post(tmp_path: Path, slack: SlackServer, smtp: SmtpServer) -> Iterator[Callable[..., Post]]:
    made: list[Post] = []

    def make(environ: dict[str, str] | None = None, **changes: Any) -> Post:
        given = {"AIRFLOW_CONN_SLACK": slack.connection, "AIRFLOW_CONN_ALERT_MAIL": smtp.connection}
        made.append(Post(tmp_path, given if environ is None else environ, **changes))
        return made[-1]

    yield make
    for one in made:
        one.close()
