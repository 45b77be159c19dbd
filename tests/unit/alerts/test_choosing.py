"""Which channel is next, and when."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from steadycast.alerts.choosing import choose, health
from steadycast.alerts.ledger import Attempt, Delivery, Message
from steadycast.settings import AlertsSettings

DUE = dt.datetime(2016, 6, 6, 7, tzinfo=dt.UTC)
MESSAGE = Message("m", "news", ("a/1",), ("slack", "mail", "log"), DUE)
RULES = AlertsSettings(
    channels=[
        {"name": "slack", "kind": "slack", "deadline_s": 60},
        {"name": "mail", "kind": "mail", "deadline_s": 60},
    ]
)
USABLE = {"slack": True, "mail": False}


def after(seconds: float) -> dt.datetime:
    return DUE + dt.timedelta(seconds=seconds)


def tried(at_s: float, outcome: str | None, channel: str = "slack", **more: Any) -> Attempt:
    ended = None if outcome is None else after(at_s)
    return Attempt(more.pop("number", 1), channel, after(at_s), outcome=outcome, ended=ended, **more)


def step(at_s: float, *attempts: Attempt, others: tuple[Attempt, ...] = (), usable: Any = USABLE) -> Any:
    deliveries = [Delivery(MESSAGE, attempts), Delivery(MESSAGE, others)]
    return choose(MESSAGE, attempts, health(deliveries, RULES), RULES, usable, after(at_s))


def test_the_first_channel_that_can_be_used_is_first() -> None:
    assert step(0).channel == "slack"
    assert step(0, usable={"mail": False}).channel == "mail"


def test_a_message_that_comes_late_goes_to_the_first_channel_all_the_same() -> None:
    assert step(90).channel == "slack"
    assert step(5000).channel == "slack"


def test_attempts_come_later_and_later_and_then_the_next_channel_is_tried() -> None:
    first = tried(0, "busy")
    assert step(1, first) is None
    assert step(3, first).channel == "slack"
    both = (first, tried(3, "busy", number=2))
    assert step(5, *both) is None
    assert step(9, *both).channel == "slack"
    assert step(61, *both).channel == "mail"


def test_a_wish_for_more_patience_than_there_is_means_the_next_channel() -> None:
    assert step(1, tried(0, "busy", retry_after_s=20)) is None
    assert step(19, tried(0, "busy", retry_after_s=20)) is None
    assert step(21, tried(0, "busy", retry_after_s=20)).channel == "slack"
    assert step(1, tried(0, "busy", retry_after_s=3600)).channel == "mail"


@pytest.mark.parametrize("outcome", ["locked", "refused"])
def test_what_no_retry_helps_means_the_next_channel_at_once(outcome: str) -> None:
    assert step(0, tried(0, outcome)).channel == "mail"


def test_a_refused_message_says_nothing_about_its_channel() -> None:
    states = health([Delivery(MESSAGE, (tried(0, "refused"),))], RULES)
    assert "slack" not in states


def test_a_channel_that_has_been_down_is_passed_by_except_for_one_that_tries() -> None:
    down = tuple(tried(s, "unreachable", number=i) for i, s in enumerate((-100, -50, -2)))
    assert step(0, others=down).channel == "mail"
    found = step(30, others=down)
    assert (found.channel, found.probe) == ("slack", True)
    assert step(31, tried(30, "unreachable"), others=down).channel == "mail"


def test_when_all_had_their_time_any_that_may_be_tried_is() -> None:
    attempts = (tried(0, "unreachable"), tried(60, "unreachable", "mail", number=2))
    assert step(500, *attempts).channel == "slack"
    attempts = (*attempts, tried(500, "unreachable", number=3))
    assert step(501, *attempts).channel == "mail"


def test_an_attempt_that_was_cut_off_is_asked_for_before_anything_is_sent() -> None:
    cut_off = tried(0, None)
    found = step(1, cut_off)
    assert found.ask == cut_off
    undecided = tried(0, "unclear", asked=True)
    found = step(5, undecided)
    assert (found.ask, found.maybe) == (None, True)


def test_what_can_not_be_asked_is_marked() -> None:
    found = step(5, tried(0, None), usable={"slack": False})
    assert (found.channel, found.ask, found.maybe) == ("slack", None, True)


def test_what_may_have_arrived_on_one_channel_is_repeated_on_the_next() -> None:
    undecided = tried(0, "unclear", asked=True)
    found = step(5, undecided)
    assert (found.channel, found.maybe) == ("mail", True)
    found = step(5, undecided, usable={"slack": True})
    assert (found.channel, found.maybe) == ("slack", True), "unless there is no other"


def test_what_has_certainly_not_arrived_is_not_marked() -> None:
    found = step(5, tried(0, "absent"))
    assert (found.channel, found.maybe) == ("slack", False)


def test_a_kill_is_not_the_channels_fault() -> None:
    assert health([Delivery(MESSAGE, (tried(0, None),))], RULES) == {}


def test_one_success_ends_all_trouble() -> None:
    attempts = (tried(0, "unreachable"), tried(5, "delivered", number=2))
    (state,) = health([Delivery(MESSAGE, attempts)], RULES).values()
    assert state.since is None


HANG = ("unclear", 15.0)
REFUSED = ("unreachable", 0.0)
BROKEN = ("busy", 1.0)
FINE = ("delivered", 1.0)


def reached(**ends: tuple[str, float]) -> tuple[str, float]:
    """Channel and minutes until a message of the defaults arrives; how attempts end, and after how long."""
    rules = AlertsSettings()
    message = Message("m", "news", ("a/1",), tuple(ends), DUE)
    usable = {name: False for name in ends}
    attempts: list[Attempt] = []
    second = rules.group_wait_s
    while second < 3600:
        states = health([Delivery(message, tuple(attempts))], rules)
        found = choose(message, attempts, states, rules, usable, after(second))
        if found is None:
            second += rules.every_s
            continue
        outcome, seconds = ends[found.channel]
        ended = after(second + seconds)
        attempts.append(
            Attempt(len(attempts) + 1, found.channel, after(second), outcome=outcome, ended=ended)
        )
        second += seconds
        if outcome == "delivered":
            return found.channel, second / 60
    raise AssertionError(attempts)


@pytest.mark.parametrize("trouble", [HANG, REFUSED, BROKEN], ids=["hang", "refuse", "answer_500"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_with_the_defaults_somebody_is_reached_within_ten_minutes(
    trouble: tuple[str, float], count: int
) -> None:
    names = ["slack", "mail", "sns", "webhook"]
    ends = {name: trouble for name in names[:count]} | {names[count]: FINE}
    channel, minutes = reached(**ends)
    assert channel == names[count]
    assert minutes < 10
