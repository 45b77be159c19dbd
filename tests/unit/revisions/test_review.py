"""Each class of cell and each kind of rewriting and fault; negative values, seasons, tiny histories."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from steadycast.revisions import kinds
from tests.unit.revisions.stories import AS_OF, Story, rides, source, winter

DAY = pd.Timedelta(days=1)


def put(poll, rows, other):
    """The poll with the rows of ``other`` where the mask is true."""
    return poll.mask(np.broadcast_to(np.asarray(rows)[:, None], poll.shape), other)


def kinds_of(found):
    return [(alarm.kind, alarm.entities) for alarm in found.alarms]


def test_an_honest_poll_has_new_and_unchanged_cells_and_nothing_to_tell():
    found = Story(winter()).tell()
    assert (found.counts["new"], found.counts["unchanged"]) == (14, 98)
    assert found.alarms == ()
    assert found.cells.empty


def test_the_first_poll_of_a_source_is_all_new():
    story = Story(winter().iloc[-7:], polls=0)
    assert story.tell().counts["new"] == 14
    assert story.tell().alarms == ()


def test_a_date_that_comes_after_newer_ones_is_late():
    wide = winter()
    hole = wide.copy()
    hole.loc[AS_OF - 20 * DAY, "a"] = np.nan
    found = Story(hole).tell(lambda poll: wide.loc[poll.index])
    assert (found.counts["late"], found.counts["new"]) == (1, 14)


def test_a_source_that_never_revises_has_no_usual_revision():
    found = Story(winter()).tell(changed(AS_OF - 30 * DAY, -0.1))
    assert found.counts["beyond usual"] == 2
    assert found.cells["limit"].tolist() == [0.0, 0.0]


def test_a_smaller_change_than_the_usual_ones_of_that_age_is_within_usual():
    wide = winter()
    story = Story(wide, before=revised_by(wide, 0.5, weeks=1))
    at = AS_OF - 10 * DAY  # eight days old when it was last told
    assert story.tell(changed(at, 0.5)).counts["within usual"] == 2
    assert story.tell(changed(at, 9.0)).counts["beyond usual"] == 2


def test_settled_periods_have_a_tighter_rule():
    wide = winter()
    story = Story(wide, before=revised_by(wide, 0.5, weeks=1))
    found = story.tell(changed(AS_OF - 40 * DAY, 0.5))
    assert found.counts["beyond usual"] == 2
    assert found.usual.settled_days[0] <= 29


def test_with_a_tiny_history_a_change_as_wide_as_the_noise_is_within_usual():
    story = Story(winter(), polls=1)
    assert story.tell(changed(AS_OF - 10 * DAY, 0.5)).counts["within usual"] == 2
    assert story.tell(changed(AS_OF - 10 * DAY, 15.0)).counts["beyond usual"] == 2


def test_fewer_decimals_than_before_are_no_revision():
    found = Story(winter()).tell(lambda poll: poll.round(0))
    assert (found.counts["beyond usual"], found.alarms) == (0, ())


def test_small_steps_that_add_up_are_seen_against_the_first_version():
    wide = winter()
    at = AS_OF - 17 * DAY  # told on 23 May
    before = revised_by(wide, 0.5, weeks=2) | {
        (e, at): (float(wide.loc[at, e]) - 6.0, AS_OF - 7 * DAY) for e in wide
    }
    found = Story(wide, before=before).tell(changed(at, 0.5))
    assert [alarm.kind for alarm in found.alarms] == [kinds.CREEP]


def changed(date, amount):
    return lambda poll: put(poll, poll.index == date, poll + amount)


def revised_by(wide, size, *, weeks):
    """Each date of the past year was revised by about ``size`` so many weeks after it was told."""
    rng = np.random.default_rng(5)
    return {
        (e, day): (
            float(wide.loc[day, e]) + size * rng.uniform(0.5, 1.5),
            day + 7 * (1 + weeks) * DAY - day.day_of_week * DAY,
        )
        for e in wide
        for day in wide.index[-370:-14]
    }


def times(factor):
    return lambda poll: (poll * factor).round(3)


def one(entity, rule):
    return lambda poll: poll.assign(**{entity: rule(poll)[entity]})


def newest(rule):
    return lambda poll: pd.concat([poll.iloc[:-7], rule(poll).iloc[-7:]])


def stuck(days):
    def rule(poll):
        return pd.concat([poll.iloc[:-days], 0 * poll.iloc[-days:] + poll.iloc[-days - 1]])

    return rule


def swapped(poll):
    return poll.rename(columns={"a": "b", "b": "a"})


def cut(poll):
    return (0.75 * poll + 0.25 * poll.shift(-1)).fillna(poll).round(3)


def punched(poll):
    return poll.mask(np.random.default_rng(6).random(poll.shape) < 0.3)


def backwards(poll):
    return pd.DataFrame(poll.to_numpy()[::-1], poll.index, poll.columns)


BOTH, ALL = ("a", "b"), ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("story", "spoil", "kind", "entities"),
    [
        pytest.param(Story(rides()), times(1.07), kinds.SCALED, ALL, id="scaled"),
        pytest.param(Story(winter()), times(0.8), kinds.SCALED, BOTH, id="scaled_below_zero"),
        pytest.param(Story(winter()), lambda p: p + 1.5, kinds.OFFSET, BOTH, id="offset_below_zero"),
        pytest.param(Story(winter()), lambda p: 1.8 * p + 32, kinds.UNIT, BOTH, id="degC_to_degF"),
        pytest.param(Story(rides()), times(25.4), kinds.UNIT, ALL, id="in_to_mm"),
        pytest.param(Story(rides()), times(1.609344), kinds.UNIT, ALL, id="mph_to_kmh"),
        pytest.param(Story(rides()), times(1000), kinds.UNIT, ALL, id="thousands_to_units"),
        pytest.param(Story(winter()), lambda p: p.shift(1), kinds.SHIFT_DAY, BOTH, id="a_day_late"),
        pytest.param(Story(winter()), lambda p: p.shift(-7), kinds.SHIFT_WEEK, BOTH, id="a_week_early"),
        pytest.param(Story(winter()), stuck(15), kinds.STUCK, BOTH, id="stuck"),
        pytest.param(Story(winter()), swapped, kinds.SWAPPED, BOTH, id="swapped"),
        pytest.param(Story(rides()), cut, kinds.CUT, ALL, id="time_zone_cut"),
        pytest.param(Story(winter()), punched, kinds.HOLES, BOTH, id="holes"),
        pytest.param(Story(winter()), lambda p: p.iloc[20:], kinds.DELETED, BOTH, id="deleted"),
        pytest.param(Story(winter()), changed(AS_OF - 30 * DAY, 90.0), kinds.OUTLIER, BOTH, id="outlier"),
        pytest.param(Story(winter()), backwards, kinds.REWRITTEN, BOTH, id="rewritten"),
        pytest.param(
            Story(rides(), source(unit="rides")), newest(times(4)), kinds.SCALED, ALL, id="new_week_scaled"
        ),
        pytest.param(Story(rides()), newest(lambda p: p + 30), kinds.OFFSET, ALL, id="new_week_offset"),
        pytest.param(
            Story(winter(), source(unit="degC")),
            newest(lambda p: 1.8 * p + 32),
            kinds.UNIT,
            BOTH,
            id="new_week_in_degF",
        ),
        pytest.param(Story(winter()), stuck(7), kinds.STUCK, BOTH, id="new_week_stuck"),
        pytest.param(Story(rides()), newest(swapped), kinds.SWAPPED, BOTH, id="new_week_swapped"),
        pytest.param(Story(rides()), newest(punched), kinds.HOLES, ALL, id="new_week_with_holes"),
        pytest.param(
            Story(rides()),
            one("b", lambda p: put(p, p.index == AS_OF - 3 * DAY, 10 * p)),
            kinds.OUTLIER,
            ("b",),
            id="new_day_times_ten",
        ),
        pytest.param(
            Story(rides(cadence="weekly"), source("weekly", "USD")),
            times(1.2),
            kinds.SCALED,
            ALL,
            id="weekly_scaled",
        ),
        pytest.param(
            Story(winter(cadence="weekly"), source("weekly")),
            lambda p: p.shift(1),
            kinds.SHIFT_WEEK,
            BOTH,
            id="weekly_a_week_late",
        ),
        pytest.param(
            Story(rides(cadence="monthly"), source("monthly", "index", 26)),
            times(1.02),
            kinds.SCALED,
            ALL,
            id="monthly_scaled",
        ),
    ],
)
def test_the_kind_is_named(story, spoil, kind, entities):
    found = story.tell(spoil)
    assert kinds_of(found)[0] == (kind, entities)
    assert {alarm.kind for alarm in found.alarms} == {kind}
    assert (found.cells["kind"] == kind).all()


def test_only_the_entity_that_was_rewritten_is_told():
    found = Story(rides()).tell(one("c", times(0.9)))
    assert kinds_of(found) == [(kinds.SCALED, ("c",))]
    assert found.alarms[0].detail == "times 0.9"


def test_new_values_that_follow_a_rewritten_past_belong_to_it():
    found = Story(rides()).tell(times(3))
    assert len(found.alarms) == 1
    assert (found.alarms[0].cells, found.alarms[0].known) == (4 * 56, 4 * 49)


def test_the_usual_size_of_a_revision_follows_the_noise_of_the_series():
    calm, wild = winter(("a",)), winter(("b",)) * 1.0
    wide = pd.concat([calm * 0.1, wild * 5], axis=1).round(2)
    story = Story(wide, polls=1)
    found = story.tell(changed(AS_OF - 10 * DAY, 3.0))
    assert set(found.cells["entity"]) == {"a"}


def test_the_usual_size_of_a_revision_follows_the_season():
    days = pd.date_range(AS_OF - pd.Timedelta(weeks=110), AS_OF - DAY, freq="D")
    noise = np.random.default_rng(8).normal(0, 1, len(days))
    summer = np.abs((days.day_of_year - 156 + 182) % 365 - 182) <= 91  # around June
    for wild_now, classes in ((True, "within usual"), (False, "beyond usual")):
        size = np.where(summer == wild_now, 8.0, 0.5)
        story = Story(pd.DataFrame({"a": (size * noise).round(2)}, index=days), polls=1)
        found = story.tell(changed(AS_OF - 10 * DAY, 4.0))
        assert found.counts[classes] == 1


def test_a_closed_shop_is_no_fault():
    found = Story(rides()).tell(one("b", newest(times(0))))
    assert found.alarms == ()
