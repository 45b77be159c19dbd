"""Whatever Slack and the mail server do, the reader is reached: real servers, a real deliverer."""

from __future__ import annotations

import json

import pytest

from steadycast.alerts import sending
from steadycast.alerts.credentials import Credential
from steadycast.alerts.ledger import message_of
from steadycast.alerts.outbox import Posted
from steadycast.alerts.sending import Job
from steadycast.alerts.wording import render
from tests.alerting import WEEK, event, hasty, now, patient
from tests.services import free_port
from tests.slack_server import SlackServer, problems_of, told
from tests.smtp_server import SmtpServer, body

MAYBE = "possible duplicate"


def reached(slack: SlackServer, smtp: SmtpServer, text: str) -> list[str]:
    return [t for t in [*slack.texts, *smtp.texts] if text in t]


def test_a_failure_is_told_once_with_what_to_do_and_its_receipt_is_kept(slack, smtp, post) -> None:
    one = post()
    one.put(event(as_of=WEEK, source="weather_a"))
    one.deliver(one.all_told)
    one.deliver(one.all_told)
    (message,) = slack.posts
    text = told(message)
    for part in ("Thing 0001", "it failed", "Next:* mend it", "week 2016-06-06", "weather_a"):
        assert part in text
    assert problems_of(message["blocks"]) == []
    assert [b["elements"][0]["url"] for b in message["blocks"] if b["type"] == "actions"] == [
        "http://site/run"
    ]
    assert smtp.mails == []
    (delivery,) = one.ledger().deliveries.values()
    receipt = delivery.delivered
    assert (receipt.channel, receipt.text, receipt.answer["ts"]) == ("slack", "ok", message["ts"])
    assert receipt.at <= receipt.ended


@pytest.mark.parametrize(
    ("mode", "marked"),
    [
        pytest.param("rate_limited", False, id="429_that_wants_more_patience_than_there_is"),
        pytest.param("not_ok", False, id="200_with_ok_false"),
        pytest.param("broken", False, id="500_html"),
        pytest.param("hang", True, id="hangs"),
        pytest.param("drip", True, id="drips_a_byte_at_a_time"),
        pytest.param("drop_unheard", True, id="drops_the_connection_and_can_not_be_asked"),
    ],
)
def test_the_mail_arrives_when_slack_does_not_take_it(slack, smtp, post, mode: str, marked: bool) -> None:
    slack.mode = mode
    one = post(channels=hasty())
    one.put(event())
    one.deliver(one.all_told, timeout_s=40)
    assert slack.posts == []
    (mail,) = smtp.mails
    assert "Thing 0001" in mail["Subject"]
    assert "Next: mend it" in body(mail)
    assert (MAYBE in mail["Subject"]) == marked, one.attempts()


def test_slack_that_nobody_listens_for_is_left_after_its_deadline(smtp, post) -> None:
    nobody = json.dumps({"password": "x", "extra": {"base_url": f"http://127.0.0.1:{free_port()}/api/"}})
    environ = {"AIRFLOW_CONN_SLACK": nobody, "AIRFLOW_CONN_ALERT_MAIL": smtp.connection}
    one = post(environ, channels=patient(slack=8))
    one.put(event())
    one.deliver(one.all_told)
    (mail,) = smtp.mails
    assert MAYBE not in mail["Subject"]
    tries = [a for a in one.attempts() if a[0] == "slack"]
    assert {outcome for _, outcome, _ in tries} == {"unreachable"}
    assert len(tries) > 1, "one refused connection is no reason to leave it"


def test_a_wrong_token_is_not_tried_again_and_again(slack, smtp, post) -> None:
    wrong = json.dumps(json.loads(slack.connection) | {"password": "xoxb-wrong"})
    one = post({"AIRFLOW_CONN_SLACK": wrong, "AIRFLOW_CONN_ALERT_MAIL": smtp.connection})
    one.put(event(1), event(2, kind="other"))
    one.deliver(one.all_told)
    assert len(smtp.mails) == 2
    assert slack.requests == 1


def test_an_answer_that_was_cut_off_is_asked_for_and_nothing_is_told_twice(slack, smtp, post) -> None:
    slack.mode, slack.only = "drop", ("chat.postMessage",)
    one = post(channels=patient(slack=60))
    one.put(event())
    one.deliver(one.all_told)
    assert len(slack.posts) == 1
    assert smtp.mails == []
    assert one.attempts() == [("slack", "delivered", False)]


def test_an_answer_that_is_cut_off_where_nobody_can_be_asked_is_repeated_once_and_marked(
    slack, smtp, post
) -> None:
    slack.mode = "drop"
    one = post(channels=patient(slack=60))
    one.put(event())
    one.deliver(one.all_told)
    (first,), (second,) = slack.texts, smtp.texts
    assert MAYBE not in first
    assert MAYBE in second


def test_a_message_that_slack_has_not_got_is_sent_again_without_a_mark(slack, smtp, post) -> None:
    slack.mode, slack.only, slack.times = "drop_unheard", ("chat.postMessage",), 1
    one = post(channels=patient(slack=60))
    one.put(event())
    one.deliver(one.all_told)
    (text,) = slack.texts
    assert MAYBE not in text
    assert [outcome for _, outcome, _ in one.attempts()] == ["absent", "delivered"]


def test_retry_after_is_obeyed(slack, post) -> None:
    slack.mode, slack.retry_after, slack.times = "rate_limited", "2", 1
    one = post(channels=patient(slack=60))
    one.put(event())
    one.deliver(one.all_told)
    assert len(slack.posts) == 1
    assert slack.requests == 2
    assert slack.arrivals[1] - slack.arrivals[0] >= 2


@pytest.mark.parametrize(
    ("mode", "marked"),
    [
        pytest.param("hang", False, id="says_nothing"),
        pytest.param("greet_and_hang", False, id="greets_and_hangs"),
        pytest.param("refuse", False, id="refuses"),
        pytest.param("busy", False, id="asks_to_come_later"),
        pytest.param("no_recipient", False, id="knows_no_such_recipient"),
        pytest.param("hang_after_data", True, id="takes_the_mail_and_does_not_say_so"),
    ],
)
def test_slack_arrives_when_the_mail_server_does_not_take_it(
    slack, smtp, post, mode: str, marked: bool
) -> None:
    smtp.mode = mode
    one = post(channels=hasty(), routes=[{"channels": ["mail", "slack"]}])
    one.put(event())
    one.deliver(one.all_told, timeout_s=40)
    (text,) = slack.texts
    assert "Thing 0001" in text
    assert (MAYBE in text) == marked, one.attempts()


def test_when_all_channels_were_away_the_first_that_is_back_gets_it(slack, smtp, post) -> None:
    slack.mode, smtp.mode = "broken", "refuse"
    one = post()
    one.put(event())
    one.deliver(lambda: len(one.attempts()) >= 6)
    assert not one.all_told()
    slack.mode = "ok"
    one.deliver(one.all_told)
    assert len(slack.posts) == 1
    assert smtp.mails == []


def test_a_channel_that_has_been_down_costs_the_next_message_no_deadline(slack, smtp, post) -> None:
    slack.mode = "broken"
    one = post(backoff_s=20, backoff_most_s=60)
    one.put(event(1))
    one.deliver(one.all_told)
    before = slack.requests
    one.put(event(2))
    one.deliver(one.all_told)
    assert slack.requests == before
    assert len(smtp.mails) == 2


def test_the_week_has_one_thread_with_its_picture_and_loud_replies_are_seen_by_all(slack, post) -> None:
    one = post()
    one.lake.write_bytes("published/2016-06-06/forecast.png", b"\x89PNG picture")
    published = event(
        1, kind="published", severity="info", as_of=WEEK, picture="published/2016-06-06/forecast.png"
    )
    one.put(published)
    one.deliver(one.all_told)
    one.put(event(2, as_of=WEEK))
    one.deliver(one.all_told)
    first, second = slack.posts
    assert (second["thread_ts"], second["reply_broadcast"]) == (first["ts"], True)
    (file,) = slack.files
    assert (file["data"], file["thread_ts"]) == (b"\x89PNG picture", first["ts"])


def test_a_picture_that_hangs_costs_neither_the_message_nor_a_second_one(slack, smtp, post) -> None:
    slack.mode, slack.only = "hang", ("files.getUploadURLExternal",)
    one = post(channels=[c | {"attempt_s": 3} for c in patient(slack=60)])
    one.lake.write_bytes("p.png", b"\x89PNG")
    one.put(event(picture="p.png"))
    one.deliver(one.all_told)
    assert len(slack.posts) == 1
    assert smtp.mails == []
    (delivery,) = one.ledger().deliveries.values()
    assert "the picture" in delivery.delivered.text


def test_a_mail_has_the_picture_attached(smtp, post) -> None:
    one = post({"AIRFLOW_CONN_ALERT_MAIL": smtp.connection})
    one.lake.write_bytes("p.png", b"\x89PNG")
    one.put(event(picture="p.png", text="a <b> & c"))
    one.deliver(one.all_told)
    (mail,) = smtp.mails
    (picture,) = mail.iter_attachments()
    assert (picture.get_content_type(), picture.get_content()) == ("image/png", b"\x89PNG")
    assert "a <b> & c" in body(mail)
    assert "a &lt;b&gt; &amp; c" in mail.get_body(("html",)).get_content()


def test_an_incoming_webhook_of_slack_will_do(slack, post) -> None:
    one = post({"AIRFLOW_CONN_SLACK": slack.webhook})
    one.put(event())
    one.deliver(one.all_told)
    assert "Thing 0001" in slack.texts[0]


def test_with_nothing_configured_the_log_has_it(post, capfd) -> None:
    one = post({})
    one.put(event())
    one.deliver(one.all_told)
    assert one.attempts() == [("log", "delivered", False)]
    assert "Thing 0001" in capfd.readouterr().out
    left_out = one.deliverer().usable.left_out
    assert left_out["slack"].startswith("set AIRFLOW_CONN_SLACK=")
    assert set(left_out) == {"slack", "mail", "sns", "ses", "webhook"}


def test_a_process_that_starts_too_slowly_is_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    posted = Posted("k/000001", now(), event())
    message = render(message_of("news", [posted], ("log",), now()), [posted], title="Two stations")
    job = Job("send", "log", "", Credential(), 1, message)
    sender = sending.Sender("log")
    with monkeypatch.context() as hurry:
        hurry.setattr(sending, "START_S", 0.0)
        sender.warm()
        assert sender.do(job, 30).outcome == "unreachable"
    assert sender.do(job, 30).outcome == "delivered"
    sender.close()
