"""A part of the fault matrix on one real stack; ``make faults`` runs all. The tests follow on each other."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
import time
from collections.abc import Iterator

import pytest

from tests.faults import hanging, killing, limits
from tests.faults.hangs import HANGS
from tests.faults.kills import KILLS
from tests.faults.shifted import watchdog_at
from tests.faults.stand import Stand, running_stand, until
from tests.faults.table import Rows
from tests.sandbox_server import Sandbox

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
WEEKS = limits.weeks(12)
PUT_INTO = {
    "compare_sources": "dripping_socket",
    "impute": "signals_blocked",
    "train": "c_deadlock",
    "infer": "swallows",
    "publish": "grandchild",
}
KILLED = [("task", "kill -9"), ("scheduler", "SIGSTOP"), ("machine", "kill -9 of everything, start again")]


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with running_stand(tmp_path_factory.mktemp("faults") / "stand", side_by_side=True) as stand:
        yield stand


@pytest.fixture(scope="module")
def rows(stand: Stand) -> Rows:
    """The hangs, each in a week of its own, all at once."""
    rows = Rows(stand.home / "rows.json")
    plans = {(week, stage): name for week, (stage, name) in zip(WEEKS, PUT_INTO.items(), strict=False)}
    hanging.hang(stand, rows, plans, say)
    return rows


@pytest.mark.parametrize(("stage", "name"), PUT_INTO.items(), ids=lambda text: text)
def test_a_stage_that_hangs_is_relaunched_and_nothing_is_lost_or_doubled(rows: Rows, stage, name) -> None:
    row = rows.rows[stage, HANGS[name].words]
    assert row.ok, row


@pytest.mark.parametrize(("place", "fault"), KILLED, ids=lambda text: text)
def test_what_is_killed_or_stopped_comes_back_and_the_week_is_published(
    stand: Stand, rows: Rows, place, fault
) -> None:
    kill = next(kill for kill in KILLS if (kill.place, kill.fault) == (place, fault))
    week = WEEKS[len(PUT_INTO) + KILLED.index((place, fault))]
    killing.kill_all(stand, rows, {week: {"infer": kill}}, say)
    row = rows.rows[place, fault]
    assert row.ok, row


@pytest.mark.skipif(not (shutil.which("cc") or shutil.which("gcc")), reason="a C compiler shifts the clock")
def test_a_run_that_no_trigger_has_started_is_created_and_a_late_week_gets_its_fallback(stand: Stand) -> None:
    week, late = WEEKS[8], WEEKS[9]
    due = dt.datetime.combine(week, dt.time(6), dt.UTC)
    grace = stand.settings.watchdog.start_grace_min * 60
    sandbox = Sandbox(stand.sandbox_url, None, stand.home / "unused")  # type: ignore[arg-type]
    pings = len(stand.listener.pings)
    with watchdog_at(stand, due + dt.timedelta(seconds=grace - 5)) as clock:
        at, text = stand.listener.wait_for(f"the run of week {week} was due", 60)
        assert "it is created" in text
        assert at + clock.seconds - due.timestamp() < grace + 45
        until(lambda: stand.is_published(week), 180, f"publication of {week}")
        assert len(stand.listener.pings) > pings

        # of the next week the provider is away, so that its run can not end in time
        sandbox.fault("ridership", "down")
        try:
            deadline = stand.settings.watchdog.publish_deadline_h * 3600
            next_due = due + dt.timedelta(weeks=1)
            clock.jump(next_due.timestamp() + deadline + 1 - (time.time() + clock.seconds))
            # "nothing is published", or "only a fallback", if that was there before the alert was sent
            _, text = stand.listener.wait_for(f"week {late}: ", 60)
            assert "is published" in text
            until(lambda: stand.verdict(late) == "fallback", 60, f"fallback of {late}")
        finally:
            sandbox.clear("ridership")
    assert any(path.endswith("/fail") for _, path in stand.listener.pings[pings:])
