"""The deliverer as a process: killed at the worst moment, a thousand events, two at once, a full lake."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from steadycast.alerts.deliverer import STATUS
from steadycast.alerts.planning import plan
from tests.alerting import Post, event, now, patient

MAYBE = "possible duplicate"


def until(condition: Callable[[], bool], timeout_s: float = 90) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def killed(one: Post, when: Callable[[], bool]) -> None:
    """Run the deliverer, and kill it with all its children once it is so."""
    process = one.process()
    try:
        until(when)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def test_killed_between_send_and_receipt_slack_is_asked_and_nothing_is_told_twice(slack, post) -> None:
    one = post(channels=[c | {"attempt_s": 60} for c in patient(slack=60)])
    # the message is taken and the answer never comes: the receipt can not be written
    slack.mode, slack.only = "take_and_hang", ("chat.postMessage",)
    one.put(event())
    killed(one, lambda: len(slack.posts) == 1)
    assert one.attempts() == [("slack", None, False)]
    slack.mode = "ok"
    one.deliver(one.all_told)
    assert len(slack.posts) == 1
    assert one.attempts() == [("slack", "delivered", False)]


def test_killed_where_nobody_can_be_asked_the_repeat_is_marked(slack, post) -> None:
    one = post(
        {"AIRFLOW_CONN_SLACK": slack.webhook}, channels=[c | {"attempt_s": 60} for c in patient(slack=60)]
    )
    slack.mode, slack.only = "take_and_hang", ("hook",)
    one.put(event())
    killed(one, lambda: len(slack.posts) == 1)
    slack.mode = "ok"
    one.deliver(one.all_told)
    first, second = slack.texts
    assert MAYBE not in first
    assert MAYBE in second
    assert one.attempts() == [("slack", None, False), ("slack", "delivered", True)]


def test_of_a_thousand_events_none_is_lost_and_none_is_told_twice_whatever_happens(slack, smtp, post) -> None:
    one = post(channels=patient(slack=20, mail=20), group_wait_s=0.2, group_most=25)
    modes = itertools.cycle(["ok", "broken", "drop", "rate_limited", "drop_unheard", "ok", "not_ok"])
    slack.retry_after, slack.only = "1", ("chat.postMessage",)
    done = threading.Event()

    def trouble() -> None:
        while not done.wait(0.4):
            slack.mode = next(modes)
        slack.mode = "ok"

    def write(part: int) -> None:
        for number in range(part * 250, part * 250 + 250):
            kind = f"kind_{number % 7}"
            one.put(event(number, kind=kind, source=f"source_{number % 3}"))

    writers = [threading.Thread(target=write, args=(part,)) for part in range(4)]
    troubler = threading.Thread(target=trouble)
    for thread in (*writers, troubler):
        thread.start()
    kills = 0
    while any(thread.is_alive() for thread in writers) or kills < 3:
        count = len(slack.posts) + len(smtp.mails)
        killed(one, lambda count=count: len(slack.posts) + len(smtp.mails) > count)
        kills += 1
    for thread in writers:
        thread.join()
    done.set()
    troubler.join()
    process = one.process()
    try:
        until(one.all_told, timeout_s=240)
    finally:
        process.terminate()
        assert process.wait(60) == 0
    texts = [*slack.texts, *smtp.texts]
    certain = Counter(title for text in texts if MAYBE not in text for title in titles(text))
    marked = {title for text in texts if MAYBE in text for title in titles(text)}
    assert {f"{number:04}" for number in range(1000)} == set(certain) | marked
    assert {title for title, count in certain.items() if count > 1} == set(), "told twice, and not marked"
    ledger = one.ledger()
    assert len(ledger.posted) == 1000
    assert plan(ledger, one.settings.alerts, [], now()).unsent == ()


def titles(text: str) -> set[str]:
    return set(re.findall(r"Thing (\d{4})", text))


def test_a_second_deliverer_waits_while_the_first_lives_and_takes_over_when_it_is_dead(slack, post) -> None:
    one = post()
    first = one.process()
    try:
        until(lambda: one.lake.exists(STATUS))
        one.put(event(1))
        until(lambda: len(slack.posts) == 1)
        second = one.deliverer()
        assert second.look() is None
    finally:
        first.kill()
        first.wait()
    one.put(event(2))
    until(lambda: second.look() is not None and len(slack.posts) == 2)


def test_a_receipt_that_the_lake_does_not_take_is_written_before_anything_else_is_sent(
    slack, post, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steadycast.alerts.ledger import Journal
    from steadycast.errors import LakeFull

    one = post()
    full = [True]
    write = Journal.end

    def end(self, message, attempt) -> None:
        if full[0]:
            raise LakeFull("no room", remedy="make some")
        write(self, message, attempt)

    monkeypatch.setattr(Journal, "end", end)
    one.put(event(1))
    deliverer = one.deliverer()
    until(lambda: deliverer.look() is not None and len(slack.posts) == 1)
    one.put(event(2))
    with pytest.raises(LakeFull):
        deliverer.look()
    assert len(slack.posts) == 1
    full[0] = False
    deliverer.look()
    assert len(slack.posts) == 2
    assert [outcome for _, outcome, _ in one.attempts()] == ["delivered", "delivered"]


def test_the_status_says_what_is_unsent_after_its_deadline(slack, post) -> None:
    one = post({"AIRFLOW_CONN_SLACK": slack.connection}, deadline_min=0.02)
    slack.mode = "broken"
    one.put(event())
    deliverer = one.deliverer()

    def overdue() -> list[dict[str, str]]:
        deliverer.look()
        return one.lake.read_json(STATUS)["overdue"] if one.lake.exists(STATUS) else []

    until(lambda: bool(overdue()))
    status = one.lake.read_json(STATUS)
    assert [late["title"] for late in status["overdue"]] == ["Thing 0001"]
    assert (status["unsent"], status["open"]) == (1, 1)
    assert status["channels"]["slack"].startswith("failing since")
    assert json.loads(slack.connection)["password"] not in json.dumps(status)
    slack.mode = "ok"
    until(lambda: deliverer.look() is not None and one.all_told())
    until(lambda: overdue() == [])
