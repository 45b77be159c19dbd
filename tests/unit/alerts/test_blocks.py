"""Whatever the events hold, Slack takes the blocks, and nobody's title is lost."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from steadycast.alerts.blocks import MOST_BLOCKS, blocks, cut, escaped, summary
from steadycast.alerts.event import Event
from steadycast.alerts.ledger import message_of
from steadycast.alerts.outbox import Posted
from steadycast.alerts.wording import Rendered, page, plain, render
from tests.slack_server import problems_of, texts_of

NOW = dt.datetime(2016, 6, 6, 7, tzinfo=dt.UTC)
WEEK = dt.date(2016, 6, 6)


def rendered(*events: Event, purpose: str = "news", **options: object) -> Rendered:
    posted = [Posted(f"k{i:04}/000001", NOW, event) for i, event in enumerate(events)]
    message = message_of(purpose, posted, ("slack",), NOW)
    return render(message, posted, title='Chicago "L" entries', **options)


def event(number: int = 0, **changes: object) -> Event:
    given_ = {
        "kind": "divergence",
        "severity": "hold",
        "key": f"k/{number}",
        "title": f"Station {number:04} is off",
    }
    given_ |= {"text": "It differs by 20 %.", "next": "look", "source": "ridership", "as_of": WEEK}
    return Event(**(given_ | changes))


@pytest.mark.parametrize(
    ("message", "count"),
    [
        pytest.param(rendered(event()), 1, id="one"),
        pytest.param(rendered(*map(event, range(20))), 20, id="twenty_stations"),
        pytest.param(rendered(*map(event, range(200))), 200, id="a_flood"),
        pytest.param(rendered(event(text="x" * 9000, next="y" * 9000, title="t" * 400)), 1, id="long"),
        pytest.param(rendered(event(text="&" * 4000), maybe=True, also=["z" * 4000]), 1, id="escaped"),
        pytest.param(rendered(event(link="http://x/" + "a" * 4000, text="")), 1, id="long_link"),
        pytest.param(rendered(event(link="/no/address")), 1, id="no_address"),
    ],
)
def test_blocks_keep_slacks_limits(message: Rendered, count: int) -> None:
    found = blocks(message)
    assert problems_of(found) == []
    assert len(found) <= MOST_BLOCKS
    for block in found:
        parsed = Block.parse(block)
        parsed.validate_json()
    if count > 1:
        text = "\n".join(texts_of(found))
        assert len(re.findall(r"Station \d{4} is off", text)) >= count


def test_the_limits_are_checked_at_all() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    assert problems_of([section]) == ["0: 3001 characters of 3000"]
    assert problems_of([{"type": "divider"}] * 51) == ["51 blocks"]
    assert problems_of([{"type": "header", "text": {"type": "plain_text", "text": ""}}]) != []


@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(
        st.builds(
            event,
            st.integers(0, 9999),
            text=st.text(max_size=5000),
            next=st.text(max_size=4000),
            title=st.text(min_size=1, max_size=400).filter(str.strip),
            severity=st.sampled_from(["info", "warning", "hold", "failure"]),
            link=st.none() | st.just("https://site/run"),
            resolves=st.booleans(),
        ),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["news", "repeat", "resolved", "digest"]),
    st.booleans(),
)
def test_no_text_breaks_a_message(events: list[Event], purpose: str, maybe: bool) -> None:
    message = rendered(*events, purpose=purpose, maybe=maybe)
    assert problems_of(blocks(message)) == []
    assert 0 < len(summary(message)) <= 3500
    assert "\n" not in message.headline


def test_what_a_source_sent_is_no_markup() -> None:
    message = rendered(event(title="<!channel> & <b>", text="<http://evil|click>"))
    for text in [*texts_of(blocks(message))[1:], summary(message)]:
        assert "<!channel>" not in text
        assert "<http://evil" not in text
    assert "<b>" not in page(message).replace("<b>Chicago", "").replace("<b>✋", "").replace("<b>Next", "")


def test_a_person_reads_what_happened_what_to_do_and_where() -> None:
    text = plain(rendered(event(link="http://site/run")))
    assert text.splitlines()[:4] == [
        "Station 0000 is off",
        "It differs by 20 %.",
        "Next: look",
        "http://site/run",
    ]


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        pytest.param(rendered(event()), "Station 0000 is off", id="one"),
        pytest.param(
            rendered(event(1), event(2)), "2 times divergence of ridership, week 2016-06-06", id="group"
        ),
        pytest.param(
            rendered(event(1), event(2), purpose="digest"), "2 remarks of the last day", id="digest"
        ),
        pytest.param(rendered(event(), purpose="repeat"), "still open: Station 0000 is off", id="repeat"),
        pytest.param(rendered(event(resolves=True)), "resolved: Station 0000 is off", id="resolved"),
    ],
)
def test_the_subject_says_it_in_a_line(message: Rendered, subject: str) -> None:
    assert message.subject == f'Chicago "L" entries: {subject}'


def test_a_sign_tells_good_from_bad() -> None:
    assert rendered(event()).sign == "✋"
    assert rendered(event(severity="failure")).sign == "🔴"
    assert rendered(event(resolves=True)).sign == "✅"
    assert rendered(event(kind="published", severity="info")).sign == "✅"


def test_an_escaped_character_is_not_cut_in_two() -> None:
    assert cut(escaped("aaaa<"), 7) == "aaaa…"
    assert cut(escaped("aaaa<b"), 9) == "aaaa&lt;b"
