import datetime as dt
import json

import pytest

from steadycast import champion
from steadycast.champion.__main__ import main
from steadycast.errors import DecisionRefused
from steadycast.lake import open_lake
from tests.forecast_tables import AS_OF, settings

NEXT = AS_OF + dt.timedelta(weeks=1)
LATER = AS_OF + dt.timedelta(weeks=2)
CHALLENGERS = {"short": {"history_weeks": 104}, "small": {"leaves": 4}}


@pytest.fixture
def lake(tmp_path):
    return open_lake(str(tmp_path / "lake"))


def chosen():
    return settings(forecast={"horizon_weeks": 2, "challengers": CHALLENGERS})


def promote(lake, name="short", week=NEXT):
    return champion.promote(lake, chosen(), name, week=week, by="ana", reason="better", at="2016-06-07")


def test_a_variation_differs_in_its_fields_only_and_has_no_challengers():
    short = champion.variation(chosen(), "short").forecast
    assert (short.model.history_weeks, short.model.leaves) == (104, chosen().forecast.model.leaves)
    assert short.challengers == {}
    assert champion.variation(chosen(), "base").forecast.model == chosen().forecast.model
    with pytest.raises(
        DecisionRefused, match=r"no challenger 'tall'.*\nNext: name one of base, short, small"
    ):
        champion.variation(chosen(), "tall")


def test_a_promotion_counts_from_its_week_on(lake):
    assert champion.champion(lake, chosen(), AS_OF) == "base"
    event = promote(lake)
    assert (event.before, event.champion, event.kind) == ("base", "short", "promoted")
    assert champion.champion(lake, chosen(), AS_OF) == "base"
    assert champion.champion(lake, chosen(), NEXT) == champion.champion(lake, chosen(), LATER) == "short"


def test_the_same_promotion_twice_is_one(lake):
    assert promote(lake) == promote(lake)
    assert len(champion.events(lake)) == 1
    with pytest.raises(DecisionRefused, match="short is champion already"):
        promote(lake, week=LATER)


def test_a_rollback_brings_back_who_was_before(lake):
    promote(lake)
    promote(lake, "small", LATER)
    back = champion.rollback(lake, chosen(), week=LATER, by="bo", reason="odd", at="2016-06-20")
    assert (back.champion, back.kind) == ("short", "rolled back")
    assert champion.champion(lake, chosen(), LATER) == "short"
    again = champion.rollback(lake, chosen(), week=LATER, by="bo", reason="odd", at="2016-06-20")
    assert again.champion in {"small", "base"}


def test_nobody_to_go_back_to_and_a_change_before_another_are_refused(lake):
    with pytest.raises(DecisionRefused, match="base was champion from the beginning"):
        champion.rollback(lake, chosen(), week=NEXT, by="bo", reason="", at="2016-06-20")
    promote(lake, week=LATER)
    with pytest.raises(DecisionRefused, match="is before it"):
        promote(lake, "small", NEXT)


def test_a_champion_that_the_settings_name_no_more_is_base(lake):
    promote(lake)
    assert champion.champion(lake, settings(), NEXT) == "base"


def test_the_command_lists_promotes_and_rolls_back(lake, tmp_path, capsys):
    file = tmp_path / "pipeline.yaml"
    file.write_text(json.dumps(chosen().model_dump(mode="json")))
    where = ["--lake", lake.url, "--settings", str(file), "--week", str(NEXT)]
    assert main(["promote", "short", *where, "--owner", "ana", "--reason", "better"]) == 0
    assert capsys.readouterr().out == "short is champion from 2016-06-13 on, instead of base\n"
    assert main(["list", *where]) == 0
    told = capsys.readouterr().out
    assert "champion of the week 2016-06-13: short" in told
    assert "from 2016-06-13: short instead of base, promoted by ana: better" in told
    assert main(["rollback", *where, "--owner", "ana"]) == 0
    assert "base is champion again from 2016-06-13 on" in capsys.readouterr().out
    assert main(["promote", "tall", *where]) == 1
    assert "no challenger 'tall'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"base": {"leaves": 4}}, "'base' is the name", id="reserved_name"),
        pytest.param({"same": {"seed": 20160606}}, "same is no other model", id="no_change"),
        pytest.param({"odd": {"leafs": 4}}, "Extra inputs", id="unknown_field"),
        pytest.param({n: {"leaves": 12 + i} for i, n in enumerate("abcd")}, "at most 3", id="too_many"),
    ],
)
def test_mistakes_in_the_challengers_are_refused(given, says):
    with pytest.raises(ValueError, match=says):
        settings(forecast={"challengers": given})
