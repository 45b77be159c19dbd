import datetime as dt

import pytest

from sandbox.faults import OPTIONS, FaultBoard, FaultRefused, monday_of, read_fault

D = dt.date
JUNE, JULY, AUGUST = D(2016, 6, 6), D(2016, 7, 4), D(2016, 8, 1)


def board(**fault):
    made = FaultBoard()
    made.put("fuel", read_fault(fault))
    return made


@pytest.mark.parametrize("kind", OPTIONS)
def test_every_kind_can_be_set_without_options(kind):
    assert read_fault({"kind": kind}).kind == kind


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({}, "kind is missing", id="no_kind"),
        pytest.param({"kind": "broken"}, "kind 'broken' is none of down, slow", id="unknown_kind"),
        pytest.param({"kind": "slow", "second": 3}, "there is no option second", id="mistyped_option"),
        pytest.param(
            {"kind": "html", "share": 0.5}, "html has no option share; it has first", id="foreign_option"
        ),
        pytest.param({"kind": "slow", "seconds": "long"}, "seconds: ", id="not_a_number"),
        pytest.param({"kind": "slow", "seconds": 0}, "seconds: ", id="no_delay"),
        pytest.param({"kind": "typing_error", "share": 1.5}, "share: ", id="share_over_one"),
        pytest.param({"kind": "down", "status": 200}, "status: ", id="status_is_no_error"),
        pytest.param({"kind": "html", "count": 0}, "count: ", id="no_request"),
        pytest.param({"kind": "stuck", "days": 0}, "days is 0", id="no_days"),
        pytest.param({"kind": "shifted", "days": 0}, "shifts nothing", id="no_shift"),
        pytest.param(
            {"kind": "html", "from": "2016-07-04", "to": "2016-06-06"}, "is after to", id="backwards"
        ),
    ],
)
def test_a_fault_that_can_not_be_meant_is_refused(body, says):
    with pytest.raises(FaultRefused, match=says):
        read_fault(body)


def test_all_mistakes_are_told_at_once():
    with pytest.raises(FaultRefused) as refused:
        read_fault({"kind": "slow", "seconds": -1, "count": -1})
    assert len(refused.value.problems) == 2


def test_a_fault_hits_every_request_until_it_is_cleared():
    made = board(kind="html")
    assert [made.take("fuel", None) is not None for _ in range(3)] == [True] * 3
    assert made.clear("fuel") == ["fuel"]
    assert made.take("fuel", None) is None


def test_first_and_count_choose_the_requests():
    made = board(kind="html", first=2, count=2)
    assert [made.take("fuel", None) is not None for _ in range(5)] == [False, True, True, False, False]
    assert made.listing()["fuel"] == {"kind": "html", "first": 2, "count": 2, "hit": 2, "spent": True}


def test_from_and_to_choose_the_weeks_and_other_weeks_are_not_counted():
    made = board(kind="html", count=1, **{"from": "2016-07-04", "to": "2016-07-25"})
    assert [made.take("fuel", week) is not None for week in (JUNE, AUGUST, JULY, JULY)] == [
        False,
        False,
        True,
        False,
    ]


def test_a_range_of_weeks_leaves_requests_without_as_of_alone():
    assert board(kind="html", **{"from": "2016-07-04"}).take("fuel", None) is None


def test_one_source_does_not_break_another():
    assert board(kind="html").take("ridership", None) is None


def test_a_second_fault_takes_the_place_of_the_first():
    made = board(kind="html")
    made.put("fuel", read_fault({"kind": "down"}))
    assert made.take("fuel", None).kind == "down"


def test_clearing_all_names_what_was_set():
    assert board(kind="html").clear() == ["fuel"]
    assert FaultBoard().clear() == []


@pytest.mark.parametrize(
    ("day", "monday"),
    [
        pytest.param(D(2016, 6, 6), D(2016, 6, 6), id="the_monday_itself"),
        pytest.param(D(2016, 6, 5), D(2016, 6, 6), id="the_sunday_before"),
        pytest.param(D(9999, 12, 31), D(9999, 12, 31), id="for_ever"),
    ],
)
def test_a_real_time_day_belongs_to_the_run_of_a_monday(day, monday):
    assert monday_of(day) == monday
