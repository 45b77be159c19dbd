"""What is told when: grouping, dedupe, inhibition, repeats, resolved messages, mutes, digest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from steadycast.alerts.event import Event
from steadycast.alerts.ledger import Attempt, Delivery, Ledger, Message
from steadycast.alerts.outbox import Posted
from steadycast.alerts.planning import Plan, plan
from steadycast.alerts.retention import over_and_old
from steadycast.settings import AlertsSettings, MuteSettings

NOW = dt.datetime(2016, 6, 6, 7, tzinfo=dt.UTC)
WEEK = dt.date(2016, 6, 6)
HOUR = dt.timedelta(hours=1)
FAILED = Event("run_failed", "failure", "run/weekly", "The run failed", "out of memory", as_of=WEEK)
LATE = Event("freshness", "warning", "late/fuel", "fuel is late", "by a week", source="fuel", as_of=WEEK)


class Desk:
    """Posts events at moments and notes what was delivered."""

    def __init__(self, **rules: Any) -> None:
        self.settings = AlertsSettings(**rules)
        self.posted: list[Posted] = []
        self.deliveries: dict[str, Delivery] = {}
        self.mutes: list[MuteSettings] = []

    def put(self, *events: Event, at: dt.datetime = NOW) -> None:
        for event in events:
            number = sum(p.event.key == event.key for p in self.posted) + 1
            self.posted.append(Posted(f"{event.folder}/{number:06}", at, event))

    def plan(self, at: dt.datetime) -> Plan:
        return plan(Ledger(tuple(self.posted), dict(self.deliveries)), self.settings, self.mutes, at)

    def send(self, at: dt.datetime, outcome: str | None = "delivered") -> list[tuple[str, list[str]]]:
        """Send what is due; purpose and titles of each message."""
        told = []
        for message in self.plan(at).messages:
            told.append((message.purpose, self.titles(message)))
            before = self.deliveries.get(message.id)
            attempts = before.attempts if before else ()
            ended = at if outcome else None
            attempt = Attempt(len(attempts) + 1, "slack", at, outcome=outcome, ended=ended)
            self.deliveries[message.id] = Delivery(message, (*attempts, attempt))
        return told

    def titles(self, message: Message) -> list[str]:
        known = {posted.id: posted for posted in self.posted}
        return [known[name].event.title for name in message.events]


def stations(count: int, **changes: Any) -> list[Event]:
    base = replace(FAILED, kind="divergence", severity="hold", source="ridership", **changes)
    return [replace(base, key=f"div/{i}", title=f"Station {i}") for i in range(count)]


def test_a_failure_is_told_at_once_and_once() -> None:
    desk = Desk(group_wait_s=0)
    desk.put(FAILED)
    assert desk.send(NOW) == [("news", ["The run failed"])]
    assert desk.send(NOW + HOUR) == []


def test_twenty_stations_are_one_message_when_they_have_been_collected() -> None:
    desk = Desk(group_wait_s=10)
    for i, event in enumerate(stations(20)):
        desk.put(event, at=NOW + dt.timedelta(seconds=i / 4))
    assert desk.send(NOW + dt.timedelta(seconds=9)) == []
    ((purpose, titles),) = desk.send(NOW + dt.timedelta(seconds=10))
    assert purpose == "news"
    assert titles == [f"Station {i}" for i in range(20)]
    assert desk.send(NOW + HOUR) == []


def test_different_sources_and_kinds_are_messages_of_their_own() -> None:
    desk = Desk(group_wait_s=0)
    desk.put(*stations(2), replace(stations(1)[0], key="other", source="fuel"), FAILED)
    assert [len(titles) for _, titles in desk.send(NOW)] == [1, 2, 1] or len(desk.deliveries) == 3


def test_a_flood_is_told_by_severity_and_nobody_is_left_out() -> None:
    desk = Desk(group_wait_s=0, flood=20, group_most=100)
    desk.put(*(replace(FAILED, key=f"k{i}", title=f"T{i}", kind=f"kind{i}") for i in range(250)))
    told = desk.send(NOW)
    assert sorted(len(titles) for _, titles in told) == [50, 100, 100]
    assert len({title for _, titles in told for title in titles}) == 250


def test_the_same_thing_said_again_in_other_words_is_not_told_again() -> None:
    desk = Desk(group_wait_s=0)
    desk.put(FAILED)
    desk.send(NOW)
    desk.put(replace(FAILED, text="out of memory, says the listener"), at=NOW + HOUR)
    assert desk.send(NOW + HOUR) == []


def test_what_gets_louder_is_told_again() -> None:
    desk = Desk(group_wait_s=0)
    desk.put(replace(FAILED, severity="hold"))
    desk.send(NOW)
    desk.put(FAILED, at=NOW + HOUR)
    assert desk.send(NOW + HOUR) == [("news", ["The run failed"])]


def test_an_open_failure_is_repeated_every_four_hours_but_not_for_ever() -> None:
    desk = Desk(group_wait_s=0, repeat_most=2)
    desk.put(FAILED)
    desk.send(NOW)
    told = [(hours, desk.send(NOW + hours * HOUR)) for hours in range(1, 24)]
    assert [(hours, one) for hours, one in told if one] == [
        (4, [("repeat", ["The run failed"])]),
        (8, [("repeat", ["The run failed"])]),
    ]


def test_a_repeat_says_how_it_stands_now() -> None:
    desk = Desk(group_wait_s=0)
    desk.put(FAILED)
    desk.send(NOW)
    desk.put(replace(FAILED, title="Two tasks failed"), at=NOW + HOUR)
    assert desk.send(NOW + 4 * HOUR) == [("repeat", ["Two tasks failed"])]


def test_the_end_is_told_once_and_ends_the_repeats() -> None:
    desk = Desk(group_wait_s=0)
    desk.put(FAILED)
    desk.send(NOW)
    desk.put(replace(FAILED, title="It ran", resolves=True), at=NOW + HOUR)
    assert desk.send(NOW + HOUR) == [("resolved", ["It ran"])]
    assert desk.send(NOW + 9 * HOUR) == []


def test_an_end_of_nothing_says_nothing() -> None:
    desk = Desk(group_wait_s=0)
    desk.put(replace(FAILED, resolves=True))
    assert desk.send(NOW + HOUR) == []


def test_what_comes_back_after_its_end_is_told_again() -> None:
    desk = Desk(group_wait_s=0)
    desk.put(FAILED)
    desk.send(NOW)
    desk.put(replace(FAILED, resolves=True), at=NOW + HOUR)
    desk.send(NOW + HOUR)
    desk.put(FAILED, at=NOW + 2 * HOUR)
    assert desk.send(NOW + 2 * HOUR) == [("news", ["The run failed"])]


def test_a_failure_that_ended_before_anybody_heard_is_told_and_then_its_end() -> None:
    desk = Desk(group_wait_s=0)
    desk.put(FAILED, replace(FAILED, title="It ran", resolves=True))
    assert desk.send(NOW) == [("news", ["The run failed"])]
    assert desk.send(NOW + HOUR) == [("resolved", ["It ran"])]


def test_a_message_that_was_begun_goes_on_with_the_same_events() -> None:
    desk = Desk(group_wait_s=0)
    first, second = stations(2)
    desk.put(first)
    desk.send(NOW, outcome="busy")
    desk.put(second, at=NOW + HOUR)
    assert desk.send(NOW + HOUR) == [("news", ["Station 0"]), ("news", ["Station 1"])]
    assert desk.send(NOW + 2 * HOUR) == []


def test_the_repeat_waits_until_the_news_has_arrived() -> None:
    desk = Desk(group_wait_s=0)
    desk.put(FAILED)
    desk.send(NOW, outcome="unclear")
    assert [purpose for purpose, _ in desk.send(NOW + 5 * HOUR)] == ["news"]


@pytest.mark.parametrize(
    ("posted", "told"),
    [
        pytest.param(NOW, NOW + HOUR, id="before_the_hour_today"),
        pytest.param(NOW + 2 * HOUR, NOW + 25 * HOUR, id="after_the_hour_tomorrow"),
    ],
)
def test_warnings_wait_for_the_digest(posted: dt.datetime, told: dt.datetime) -> None:
    desk = Desk(digest_hour=8)
    desk.put(LATE, replace(LATE, key="late/weather", title="weather is late", source="weather"), at=posted)
    assert desk.plan(told - dt.timedelta(seconds=1)).waiting == 2
    assert desk.send(told - dt.timedelta(seconds=1)) == []
    assert desk.send(told) == [("digest", ["fuel is late", "weather is late"])]
    assert desk.send(told + 24 * HOUR) == []


def test_the_digest_has_its_hour_in_the_schedules_timezone() -> None:
    desk = Desk(digest_hour=8)
    desk.put(LATE)
    ledger = Ledger(tuple(desk.posted))
    eight_in_chicago = dt.datetime(2016, 6, 6, 13, tzinfo=dt.UTC)
    for at, count in ((eight_in_chicago - dt.timedelta(seconds=1), 0), (eight_in_chicago, 1)):
        assert len(plan(ledger, desk.settings, [], at, "America/Chicago").messages) == count


def test_the_end_of_a_warning_is_in_the_next_digest() -> None:
    desk = Desk(digest_hour=8)
    desk.put(LATE)
    desk.send(NOW + HOUR)
    desk.put(replace(LATE, title="fuel is there", resolves=True), at=NOW + 3 * HOUR)
    assert desk.send(NOW + 4 * HOUR) == []
    assert desk.send(NOW + 25 * HOUR) == [("digest", ["fuel is there"])]


def test_the_weeks_outcome_is_told_at_once_although_nothing_is_wrong() -> None:
    desk = Desk(group_wait_s=0)
    desk.put(
        Event("published", "info", "published/1", "Week 2016-06-06 is published", "all well", as_of=WEEK)
    )
    assert desk.send(NOW) == [("news", ["Week 2016-06-06 is published"])]
    assert desk.plan(NOW + 9 * HOUR).open == ()


def test_a_source_that_is_down_mutes_what_follows_from_it_and_from_no_other() -> None:
    desk = Desk(group_wait_s=0, routes=[{"send": "at_once"}])
    down = Event("source_down", "warning", "source/fuel", "fuel is down", "refused", source="fuel")
    missing = Event("feature_missing", "warning", "feat/fuel", "petrol is missing", "", source="fuel")
    desk.put(down, missing, replace(missing, key="feat/a", source="weather_a", title="tmax_f is missing"))
    found = desk.plan(NOW)
    assert [desk.titles(m) for m in found.messages] == [["fuel is down"], ["tmax_f is missing"]]
    ((quiet),) = found.quiet
    assert (quiet.posted.event, quiet.why) == (missing, "follows from: fuel is down")
    assert set(found.messages[0].events) & set(quiet.cause), "the message about the cause mentions it"
    desk.send(NOW)
    desk.put(replace(down, resolves=True, title="fuel is back"), at=NOW + HOUR)
    told = desk.send(NOW + HOUR)
    assert ("news", ["petrol is missing"]) in told, "it outlives its cause"


def test_what_ended_with_its_cause_is_never_told() -> None:
    desk = Desk(group_wait_s=0, routes=[{"send": "at_once"}])
    down = Event("source_down", "warning", "source/fuel", "fuel is down", "refused", source="fuel")
    missing = Event("feature_missing", "warning", "feat/fuel", "petrol is missing", "", source="fuel")
    desk.put(down, missing)
    desk.send(NOW)
    desk.put(replace(down, resolves=True), replace(missing, resolves=True), at=NOW + HOUR)
    assert [purpose for purpose, _ in desk.send(NOW + HOUR)] == ["resolved"]


def mute(**changes: Any) -> MuteSettings:
    given = {"owner": "anna", "why": "known", "since": NOW, "until": NOW + 5 * HOUR, "kind": "run_*"}
    return MuteSettings(**(given | changes))


def test_what_is_muted_is_told_when_the_mute_ends_and_it_is_still_open() -> None:
    desk = Desk(group_wait_s=0)
    desk.mutes.append(mute())
    desk.put(FAILED)
    assert desk.send(NOW) == []
    (quiet,) = desk.plan(NOW).quiet
    assert quiet.why.startswith("muted by anna until 2016-06-06 12:00")
    assert desk.plan(NOW).unsent == ()
    assert desk.send(NOW + 5 * HOUR) == [("news", ["The run failed"])]


def test_what_ended_while_it_was_muted_is_never_told() -> None:
    desk = Desk(group_wait_s=0)
    desk.mutes.append(mute())
    desk.put(FAILED)
    desk.put(replace(FAILED, resolves=True), at=NOW + HOUR)
    assert desk.send(NOW + 6 * HOUR) == []


@pytest.mark.parametrize(
    ("match", "quiet"),
    [
        pytest.param({"kind": "run_failed"}, True, id="its_kind"),
        pytest.param({"kind": None, "key": "run/*"}, True, id="its_key"),
        pytest.param({"kind": "run_failed", "source": "fuel"}, False, id="another_source"),
        pytest.param({"kind": "drift"}, False, id="another_kind"),
        pytest.param({"since": NOW + HOUR, "until": NOW + 2 * HOUR}, False, id="not_yet"),
    ],
)
def test_a_mute_is_about_what_it_names(match: dict[str, Any], quiet: bool) -> None:
    desk = Desk(group_wait_s=0)
    desk.mutes.append(mute(**match))
    desk.put(FAILED)
    assert (desk.send(NOW) == []) == quiet


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"until": NOW + dt.timedelta(days=61)}, id="too_long"),
        pytest.param({"until": dt.datetime(9999, 1, 1, tzinfo=dt.UTC)}, id="for_ever"),
        pytest.param({"until": NOW}, id="ends_before_it_begins"),
        pytest.param({"owner": ""}, id="nobodys"),
        pytest.param({"kind": None}, id="of_everything"),
    ],
)
def test_a_mute_without_an_end_or_an_owner_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        mute(**changes)


def test_routes_send_by_severity_source_and_kind() -> None:
    routes = [
        {"sources": ["fuel"], "channels": ["mail"]},
        {"severities": ["failure"], "kinds": ["run_failed"], "channels": ["slack", "mail"]},
    ]
    desk = Desk(group_wait_s=0, routes=routes)
    desk.put(LATE, FAILED, replace(FAILED, kind="other", key="x", title="Other"))
    found = {desk.titles(m)[0] + m.purpose: m.channels for m in desk.plan(NOW).messages}
    assert set(found.values()) == {("mail",), ("slack", "mail"), ("slack", "mail", "sns", "webhook", "log")}


def test_a_route_to_a_channel_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no channel 'pager'"):
        AlertsSettings(routes=[{"channels": ["pager"]}])


def test_events_count_as_unsent_until_a_channel_took_them() -> None:
    desk = Desk(group_wait_s=0)
    desk.put(FAILED, LATE)
    assert [p.event for p in desk.plan(NOW).unsent] == [FAILED]
    desk.send(NOW, outcome="busy")
    assert [p.event for p in desk.plan(NOW).unsent] == [FAILED]
    desk.send(NOW)
    assert desk.plan(NOW).unsent == ()


def test_the_same_records_give_the_same_messages() -> None:
    def ids(desk: Desk) -> Sequence[str]:
        return [message.id for message in desk.plan(NOW + HOUR).messages]

    first, second = Desk(), Desk()
    first.put(*stations(3), FAILED)
    second.put(*stations(3), FAILED)
    assert ids(first) == ids(second)


def test_only_what_is_over_and_old_is_removed() -> None:
    desk = Desk(group_wait_s=0)
    desk.put(FAILED, replace(FAILED, key="open", title="Open"), LATE)
    desk.send(NOW)
    desk.put(replace(FAILED, resolves=True), at=NOW + HOUR)
    desk.send(NOW + HOUR)
    ledger = Ledger(tuple(desk.posted), desk.deliveries)
    assert over_and_old(ledger, NOW) == ([], [])
    events, deliveries = over_and_old(ledger, NOW + 2 * HOUR)
    assert {posted.event.key for posted in events} == {FAILED.key}
    assert [d.message.purpose for d in deliveries] == ["resolved"]
