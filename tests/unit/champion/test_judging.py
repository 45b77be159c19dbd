import numpy as np
import pytest

from steadycast.champion.judging import LOOKS, advantage, gain, judge, spent, unseen_seasons

SEASONS = ["Dec-Feb"] * 13 + ["Mar-May"] * 13 + ["Jun-Aug"] * 13 + ["Sep-Nov"] * 13


def pairs(weeks: int, ratio: float, noise: float = 0.03, seed: int = 1) -> tuple[list[float], list[float]]:
    """Losses of a champion, and of a challenger whose errors are ``ratio`` times as large, but for noise."""
    rng = np.random.default_rng(seed)
    mine = 0.05 * np.exp(0.3 * rng.standard_normal(weeks))
    theirs = mine * ratio * np.exp(noise * rng.standard_normal(weeks))
    return mine.tolist(), theirs.tolist()


def judged(weeks: int, ratio: float, **more):
    mine, theirs = pairs(weeks, ratio, **more)
    return judge(mine, theirs, SEASONS[:weeks], error=0.05, name="small")


def test_before_the_first_look_nothing_is_said():
    found = judged(12, 0.5)
    assert (found.verdict, found.weeks, found.p_value) == ("wait", 12, None)
    assert found.says == "small: 12 paired week(s), first judged after 13"
    assert judge([], [], [], error=0.05).verdict == "wait"


def test_a_clearly_better_one_is_promoted_with_its_numbers():
    found = judged(26, 0.9)
    assert found.verdict == "promote"
    assert found.gain == pytest.approx(0.1, abs=0.02)
    assert found.says.startswith("small: after 26 paired weeks its error is ")
    assert set(found.seasons) == {"Dec-Feb", "Mar-May"}


def test_a_worse_and_an_equal_one_are_kept():
    assert judged(26, 1.1).verdict == "keep"
    assert judged(26, 1.0).verdict == "keep"
    assert judged(26, 1.0, noise=0.0).verdict == "keep"


def test_within_a_hundredth_the_champion_stays_however_sure_it_is():
    found = judged(52, 0.993, noise=1e-4)
    assert found.p_value < 0.001
    assert found.verdict == "keep"


def test_it_is_asked_at_the_looks_only():
    mine, theirs = pairs(30, 0.9)
    at_look = judge(mine[:26], theirs[:26], SEASONS[:26], error=0.05)
    later = judge(mine, theirs, SEASONS[:30], error=0.05)
    assert (later.verdict, later.p_value, later.weeks) == (at_look.verdict, at_look.p_value, 30)
    mine, theirs = pairs(30, 1.1)
    assert judge(mine, theirs, SEASONS[:30], error=0.05).verdict == "wait"


def test_after_a_year_the_count_begins_anew():
    mine, theirs = pairs(60, 0.9)
    found = judge(mine, theirs, [*SEASONS, *SEASONS[:8]], error=0.05)
    assert (found.verdict, found.weeks) == ("wait", 8)


def test_the_looks_spend_the_years_error_and_no_more():
    assert sum(spent(look, 0.05) for look in LOOKS) == pytest.approx(0.05)
    assert spent(26, 0.05) == max(spent(look, 0.05) for look in LOOKS)


def test_a_season_that_suffers_keeps_it_back():
    mine, theirs = pairs(26, 0.8)
    theirs = [
        loss * (1.4 if season == "Mar-May" else 0.8) for loss, season in zip(theirs, SEASONS, strict=False)
    ]
    found = judge(mine, theirs, SEASONS[:26], error=0.4, name="small")
    assert found.verdict == "keep"
    assert found.says.endswith("but worse in Mar-May")


def test_weeks_that_err_together_count_less():
    rng = np.random.default_rng(3)
    noise = 0.05 * rng.standard_normal(26)
    together = np.repeat(0.05 * rng.standard_normal(7), 4)[:26]
    together *= noise.std() / together.std()
    mine = np.full(26, 0.05)
    apart = judge(mine, mine * np.exp(noise - noise.mean() - 0.025), SEASONS[:26], error=0.05)
    joined = judge(mine, mine * np.exp(together - together.mean() - 0.025), SEASONS[:26], error=0.05)
    assert joined.p_value > 1.5 * apart.p_value


def test_perfect_weeks_divide_by_nothing():
    zero = np.zeros(13)
    assert advantage(zero, zero).tolist() == [0.0] * 13
    assert gain(zero, zero) is None
    assert judge(zero, zero, SEASONS[:13], error=0.05).verdict == "keep"


def test_seasons_that_are_still_to_come_make_unlike_models_less_sure():
    alike, unlike = np.full(26, 0.05), np.full(26, 0.2)
    assert unseen_seasons(alike) == 0.0
    quarter, half, year = (unseen_seasons(np.full(weeks, 0.2)) for weeks in (13, 26, 52))
    assert quarter > 2 * half > 0
    assert half == unseen_seasons(unlike)
    assert year == 0.0


def test_one_that_is_better_in_one_season_and_worse_in_another_is_not_promoted_in_its_good_one():
    rng = np.random.default_rng(5)
    mine = np.full(52, 0.05)
    by_season = np.repeat([0.12, -0.04, -0.04, -0.04], 13)
    theirs = mine * np.exp(-by_season + 0.05 * rng.standard_normal(52))
    for look in LOOKS:
        assert judge(mine[:look], theirs[:look], SEASONS[:look], error=0.05).verdict == "keep"


def test_after_a_break_one_that_is_far_better_does_not_wait_for_all_seasons():
    mine, theirs = pairs(26, 0.7, noise=0.18)
    assert judge(mine, theirs, SEASONS[:26], error=0.05).verdict == "promote"
