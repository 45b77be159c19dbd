"""A challenger is trained, forecast and kept beside the champion; once promoted it is what is published."""

import datetime as dt

import pytest

from steadycast import challenge, champion, infer, train
from steadycast.lake import open_lake
from tests.modelling import AS_OF, panel, settings

NEXT = AS_OF + dt.timedelta(weeks=1)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return open_lake(str(tmp_path_factory.mktemp("lake")))


def chosen():
    own = settings(rounds=5, calibration_origins=4)
    forecast = own.forecast.model_copy(update={"challengers": {"stump": {"leaves": 2}}})
    return own.model_copy(update={"forecast": forecast})


def week(lake, as_of):
    rows = lake.write_frame(f"runs/{as_of}/impute/panel.parquet", panel(after=1))
    card = train.run(lake, chosen(), rows, as_of=as_of, git_commit="c")
    return lake.read_json(card), lake.read_frame(infer.run(lake, chosen(), rows, card, as_of=as_of))


def test_the_challengers_card_and_forecast_are_its_own_and_change_hands_with_the_office(lake):
    card, published = week(lake, AS_OF)
    assert card["champion"] == "base"
    told = lake.read_json(challenge.run(lake, chosen(), as_of=AS_OF, git_commit="c"))
    assert (told["champion"], list(told["challengers"])) == ("base", ["stump"])
    stump = lake.read_json(champion.card_path(AS_OF, "stump"))
    assert (stump["forecast"]["model"]["leaves"], card["forecast"]["model"]["leaves"]) == (2, 7)
    assert stump["model_id"] != card["model_id"]
    assert {"data_sha256", "git_commit", "out_of_sample_wape"} <= set(stump)
    assert all(lake.read_bytes(path).startswith(b"tree") for path in stump["models"].values())
    shadow = lake.read_frame(champion.shadow_path(AS_OF, "stump"))
    assert list(shadow.columns) == list(published.columns)
    assert (shadow["point"] != published["point"]).any()

    champion.promote(lake, chosen(), "stump", week=NEXT, by="ana", reason="", at="x")
    card, published = week(lake, NEXT)
    assert (card["champion"], card["forecast"]["model"]["leaves"]) == ("stump", 2)
    told = lake.read_json(challenge.run(lake, chosen(), as_of=NEXT, git_commit="c"))
    assert (told["champion"], list(told["challengers"])) == ("stump", ["base"])
    # the week before, made again, has the champion that it had
    assert week(lake, AS_OF)[0]["champion"] == "base"


def test_a_challenger_beside_it_does_not_change_the_champion_s_name(lake):
    rows = lake.write_frame("panel.parquet", panel())
    alone = settings(rounds=5, calibration_origins=4)
    one = train.run(lake, chosen(), rows, as_of=AS_OF, git_commit="c")
    first = lake.read_json(one)["model_id"]
    assert lake.read_json(train.run(lake, alone, rows, as_of=AS_OF, git_commit="c"))["model_id"] == first


def test_after_a_break_a_shorter_memory_is_tried_and_can_take_office(tmp_path):
    lake = open_lake(str(tmp_path))
    own = settings(rounds=5, calibration_origins=4)
    rows = lake.write_frame(f"runs/{AS_OF}/impute/panel.parquet", panel(after=1))
    train.run(lake, own, rows, as_of=AS_OF, git_commit="c")
    proposed = {"challenger": "memory_112", "history_weeks": 112}
    lake.write_json(f"runs/{AS_OF}/drift.json", {"shorter_memory": proposed})
    told = lake.read_json(challenge.run(lake, own, as_of=AS_OF, git_commit="c"))
    assert list(told["challengers"]) == ["memory_112"]
    card = lake.read_json(champion.card_path(AS_OF, "memory_112"))
    assert card["weeks"] == 112
    champion.promote(lake, own, "memory_112", week=NEXT, by="ana", reason="", at="x")
    rows = lake.write_frame(f"runs/{NEXT}/impute/panel.parquet", panel(after=1))
    card = lake.read_json(train.run(lake, own, rows, as_of=NEXT, git_commit="c"))
    assert (card["champion"], card["weeks"]) == ("memory_112", 112)
