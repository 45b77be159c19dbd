import datetime as dt

import pytest

from steadycast.errors import DecisionRefused
from steadycast.quarantine import asking, decisions
from tests.till import FIRST, SECOND, Shop

TYPED = {("left", "2016-05-25"): "824.0", ("right", "2016-05-26"): "5000", ("right", "2016-05-27"): "2O9.5"}
AT = dt.datetime(2016, 6, 1, 9, tzinfo=dt.UTC)


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path)
    made.week(FIRST, TYPED)
    return made


def ids(held):
    return dict(zip(held["date"].dt.strftime("%d"), held["id"], strict=True))


def answer(shop, choice="unknown", exceptions="", owner="ana", reason="the shop says so"):
    held = asking.waiting(shop.lake, FIRST)
    return asking.store(shop.lake, held, choice, exceptions, owner=owner, reason=reason, at=AT)


def test_the_question_shows_each_value_and_what_a_choice_means(shop):
    held = asking.waiting(shop.lake, FIRST)
    text = asking.body(held, FIRST, 48)
    assert "The run of 2016-05-30 found 3 value(s)" in text
    assert f"| {ids(held)['25']} | till | sales | left | 2016-05-25 | 824 |" in text
    assert "'2O9.5'" in text
    for choice in decisions.CHOICES:
        assert f"**{choice}**" in text
    assert "within 48 h" in text


def test_one_choice_is_for_all_values(shop):
    [made] = answer(shop, "error-drop")
    assert (made.choice, len(made.cells), made.owner, made.via) == ("error-drop", 3, "ana", "airflow")
    assert asking.waiting(shop.lake, FIRST).empty


def test_exceptions_are_decided_by_themselves(shop):
    name = ids(asking.waiting(shop.lake, FIRST))
    lines = f"{name['25']} error-correct 82.4\n\n{name['26']}, outlier-keep"
    made = {one.choice: one for one in answer(shop, "error-drop", lines)}
    assert made["error-correct"].cells[0].value == 82.4
    assert {choice: len(one.cells) for choice, one in made.items()} == {
        "error-correct": 1, "outlier-keep": 1, "error-drop": 1,
    }  # fmt: skip


def test_without_an_answer_nobody_knows_and_is_not_asked_again(shop):
    [made] = answer(shop, owner=None, reason="")
    assert (made.choice, made.owner, made.reason, made.via) == (
        "unknown", "nobody", "no answer in time", "timeout",
    )  # fmt: skip
    shop.week(SECOND, TYPED)
    assert shop.waiting(SECOND) == []
    assert shop.used(SECOND, "left", "2016-05-25") is None


def test_a_value_is_asked_about_once_though_weeks_follow_on_each_other(shop):
    shop.lake.write_frame(asking.asked_path(FIRST), asking.waiting(shop.lake, FIRST))
    shop.week(SECOND, {**TYPED, ("left", "2016-06-01"): "950.0"})
    assert len(shop.waiting(SECOND)) == 4
    assert asking.waiting(shop.lake, SECOND)["seen"].tolist() == ["950.0"]
    assert len(asking.waiting(shop.lake, FIRST)) == 3  # asking the same week again asks the same


def test_silence_overrides_nobody_who_decided_meanwhile(shop):
    held = asking.waiting(shop.lake, FIRST)
    answer(shop, "outlier-keep")
    assert asking.store(shop.lake, held, "unknown", "", owner=None, reason="", at=AT) == []
    assert [one.choice for one in decisions.every(shop.lake, "till")] == ["outlier-keep"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param("deadbeef error-drop", "names no value of the table", id="unknown_id"),
        pytest.param("{id}", "has no known decision", id="no_decision"),
        pytest.param("{id} correct 5", "has no known decision", id="misspelt"),
        pytest.param("{id} error-correct", "needs a value with error-correct", id="no_value"),
        pytest.param("{id} error-drop 5", "and with nothing else", id="a_value_too_many"),
        pytest.param("{id} error-correct many", "has 'many' for a number", id="no_number"),
    ],
)
def test_a_line_that_can_not_be_read_is_named_and_nothing_is_stored(shop, line, says):
    name = ids(asking.waiting(shop.lake, FIRST))["25"]
    with pytest.raises(DecisionRefused, match="line 1 of the exceptions") as refused:
        answer(shop, "error-drop", line.format(id=name))
    assert says in refused.value.what
    assert decisions.every(shop.lake, "till") == []


def test_a_correction_can_not_be_for_all(shop):
    with pytest.raises(DecisionRefused, match="can not be for all values at once"):
        answer(shop, "error-correct")
