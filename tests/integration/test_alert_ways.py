"""SNS, SES and webhooks; the canary that comes back or not; one of each kind to every channel."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from steadycast.alerts import canary, trial
from steadycast.alerts.usable import usable
from tests.alerting import Post, event, now
from tests.s3_server import ACCESS_KEY, REGION, SECRET_KEY, running_s3
from tests.services import free_port
from tests.slack_server import problems_of

DAY = dt.date(2016, 6, 9)


class Hook:
    """An address that takes JSON, and holds a text."""

    def __init__(self) -> None:
        self.url, self.status, self.holds = "", 200, ""
        self.got: list[tuple[dict[str, Any], dict[str, str]]] = []


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if made.status == 200:
                made.got.append((json.loads(body), dict(self.headers)))
            self.answer("ok")

        def do_GET(self) -> None:
            self.answer(made.holds)

        def answer(self, text: str) -> None:
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def aws(url: str, **extra: str) -> str:
    extra |= {"endpoint_url": url, "region_name": REGION}
    return json.dumps({"conn_type": "aws", "login": ACCESS_KEY, "password": SECRET_KEY, "extra": extra})


def client(service: str, url: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


def test_sns_and_ses_take_a_message(post) -> None:
    with running_s3() as moto:
        topic = client("sns", moto.url).create_topic(Name="alerts")["TopicArn"]
        queue = client("sqs", moto.url).create_queue(QueueName="people")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:123456789012:people"
        client("sns", moto.url).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        client("ses", moto.url).verify_email_identity(EmailAddress="us@example.org")
        one = post(
            {
                "AIRFLOW_CONN_ALERT_SNS": aws(moto.url, topic_arn=topic),
                "AIRFLOW_CONN_ALERT_SES": aws(
                    moto.url, **{"from": "us@example.org", "to": "you@example.org"}
                ),
            },
            routes=[{"kinds": ["by_ses"], "channels": ["ses"]}, {"channels": ["sns"]}],
        )
        one.put(event(1), event(2, kind="by_ses"))
        one.deliver(one.all_told)
        assert sorted(a[:2] for a in one.attempts()) == [("ses", "delivered"), ("sns", "delivered")]
        (message,) = client("sqs", moto.url).receive_message(QueueUrl=queue)["Messages"]
        told = json.loads(message["Body"])
        assert "Thing 0001" in told["Subject"]
        assert "Next: mend it" in told["Message"]


def test_sns_that_knows_no_such_topic_means_the_next_channel(post, slack) -> None:
    with running_s3() as moto:
        one = post(
            {
                "AIRFLOW_CONN_ALERT_SNS": aws(moto.url, topic_arn=f"arn:aws:sns:{REGION}:1:none"),
                "AIRFLOW_CONN_SLACK": slack.connection,
            },
            routes=[{"channels": ["sns", "slack"]}],
        )
        one.put(event())
        one.deliver(one.all_told)
    assert [a[:2] for a in one.attempts()] == [("sns", "locked"), ("slack", "delivered")]


def test_aws_that_can_not_be_reached_means_the_next_channel(post, slack) -> None:
    one = post(
        {
            "AIRFLOW_CONN_ALERT_SNS": aws(f"http://127.0.0.1:{free_port()}", topic_arn="arn:aws:sns:x:1:t"),
            "AIRFLOW_CONN_SLACK": slack.connection,
        },
        routes=[{"channels": ["sns", "slack"]}],
    )
    one.put(event())
    one.deliver(one.all_told)
    assert {a[1] for a in one.attempts() if a[0] == "sns"} == {"unreachable"}
    assert len(slack.posts) == 1


def test_a_webhook_gets_json_and_a_key_that_identifies_a_repeat(post, hook) -> None:
    given = {"conn_type": "http", "host": hook.url, "password": "secret"}
    one = post({"AIRFLOW_CONN_ALERT_WEBHOOK": json.dumps(given)})
    one.put(event())
    one.deliver(one.all_told)
    ((body, headers),) = hook.got
    assert body["events"][0]["title"] == "Thing 0001"
    assert (headers["Idempotency-Key"], headers["Authorization"]) == (body["id"], "Bearer secret")


@pytest.mark.parametrize(("status", "outcome"), [(503, "busy"), (404, "locked"), (422, "refused")])
def test_a_webhook_that_does_not_take_it_means_the_next_channel(post, hook, slack, status, outcome) -> None:
    hook.status = status
    environ = {
        "AIRFLOW_CONN_ALERT_WEBHOOK": json.dumps({"host": hook.url}),
        "AIRFLOW_CONN_SLACK": slack.connection,
    }
    one = post(environ, routes=[{"channels": ["webhook", "slack"]}])
    one.put(event())
    one.deliver(one.all_told)
    assert {a[1] for a in one.attempts() if a[0] == "webhook"} == {outcome}
    assert len(slack.posts) == 1


class Canaries:
    """A deliverer whose clock can be set forward."""

    def __init__(self, one: Post) -> None:
        self.ahead = dt.timedelta(0)
        self.one = one
        one.put(canary.message(DAY, 24))
        self.deliverer = one.deliverer(lambda: now() + self.ahead)
        self.look()

    def look(self, ahead_h: float = 0) -> list[str]:
        """Two looks so much later; titles of what is open."""
        self.ahead += dt.timedelta(hours=ahead_h)
        for _ in range(2):
            assert self.deliverer.look() is not None
            self.ahead += dt.timedelta(minutes=2)
        return [p.event.kind for p in self.one.ledger().posted if p.event.kind != canary.KIND]


def test_a_reaction_answers_the_canary_and_nothing_more_is_said(post, slack, smtp) -> None:
    one = post({"AIRFLOW_CONN_SLACK": slack.connection, "AIRFLOW_CONN_ALERT_MAIL": smtp.connection})
    canaries = Canaries(one)
    (message,) = slack.posts
    slack.reactions[message["ts"]] = ["eyes"]
    canaries.look()
    assert canaries.look(30) == []
    assert [p.event.text for p in one.ledger().posted if p.event.resolves] == ["A reaction in slack: eyes."]
    assert smtp.mails == []


def test_a_canary_that_does_not_come_back_raises_the_alarm_on_the_second_channel(post, slack, smtp) -> None:
    one = post({"AIRFLOW_CONN_SLACK": slack.connection, "AIRFLOW_CONN_ALERT_MAIL": smtp.connection})
    canaries = Canaries(one)
    assert canaries.look(23) == []
    assert canaries.look(2) == ["canary_silent"]
    (mail,) = smtp.mails
    assert "the canary on slack has not come back" in mail["Subject"]
    assert len(slack.posts) == 1
    slack.reactions[slack.posts[0]["ts"]] = ["late"]
    canaries.look()
    canaries.look()
    assert "came back after all" in smtp.mails[-1]["Subject"]


def test_a_robots_inbox_answers_too(post, smtp, hook) -> None:
    one = post({"AIRFLOW_CONN_ALERT_MAIL": smtp.connection}, canary={"inbox_url": hook.url})
    canaries = Canaries(one)
    hook.holds = smtp.texts[0]
    canaries.look()
    assert canaries.look(30) == []


def test_that_no_canary_was_sent_at_all_is_told(post, slack) -> None:
    one = post({"AIRFLOW_CONN_SLACK": slack.connection})
    canaries = Canaries(one)
    slack.reactions[slack.posts[0]["ts"]] = ["eyes"]
    canaries.look()
    assert canaries.look(24 * 9) == ["canary_missing"]


def test_one_of_each_kind_goes_to_every_channel_and_the_receipts_are_printed(post, slack, smtp, hook) -> None:
    one = post(
        {
            "AIRFLOW_CONN_SLACK": slack.connection,
            "AIRFLOW_CONN_ALERT_MAIL": smtp.connection,
            "AIRFLOW_CONN_ALERT_WEBHOOK": json.dumps({"host": hook.url}),
        }
    )
    one.lake.write_bytes("published/latest/forecast.png", b"\x89PNG")
    text = trial.run(one.lake, one.settings, one.environ, now)
    kinds = len(trial.samples(now()))
    assert text.count(" delivered ") == 3 * kinds
    assert trial.ok(text)
    assert len(slack.posts) == len(smtp.mails) == len(hook.got) == kinds
    assert all(problems_of(message["blocks"]) == [] for message in slack.posts)
    assert [file["data"] for file in slack.files] == [b"\x89PNG"]
    assert "sns is left out: set AIRFLOW_CONN_ALERT_SNS=" in text
    assert len(one.lake.list(trial.FOLDER)) == 3 * kinds
    slack.mode = "not_ok"
    slack.error = "channel_not_found"
    assert not trial.ok(trial.run(one.lake, one.settings, {"AIRFLOW_CONN_SLACK": slack.connection}, now))


def test_a_connection_that_can_not_be_read_is_named_without_its_secret(post) -> None:
    one = post(
        {"AIRFLOW_CONN_SLACK": '{"password": "xoxb-secret"', "AIRFLOW_CONN_ALERT_MAIL": "smtp://h:notaport"}
    )
    found = usable(one.settings, one.environ)
    assert list(found.channels) == ["log"]
    assert "AIRFLOW_CONN_SLACK can not be read" in found.left_out["slack"]
    assert "xoxb-secret" not in found.left_out["slack"]
    assert "AIRFLOW_CONN_ALERT_MAIL can not be read" in found.left_out["mail"]
