import pytest

from steadycast.quarantine.digits import read_anyway, retyped
from steadycast.settings import Variable

SALES = Variable(name="sales", unit="EUR", minimum=0)
BALANCE = Variable(name="balance", unit="EUR")


@pytest.mark.parametrize(
    ("value", "usual", "variable", "meant"),
    [
        pytest.param(81.4, 8.0, SALES, 8.14, id="point_one_to_the_right"),
        pytest.param(0.083, 8.0, SALES, 8.3, id="point_two_to_the_left"),
        pytest.param(139_740_500.0, 13_900.0, SALES, None, id="ten_thousand_fold_is_no_slip"),
        pytest.param(7213.0, 2700.0, SALES, 2713.0, id="first_digits_swapped"),
        pytest.param(-95.0, 90.0, BALANCE, 95.0, id="sign"),
        pytest.param(95.0, -90.0, SALES, None, id="a_proposal_respects_the_range"),
        pytest.param(50.0, 9.0, SALES, None, id="nothing_comes_near"),
        pytest.param(50.0, float("nan"), SALES, None, id="nothing_is_usual"),
        pytest.param(1e-7, 1e-6, SALES, 1e-6, id="scientific_notation"),
    ],
)
def test_what_may_have_been_meant(value, usual, variable, meant):
    assert retyped(value, usual, variable) == meant


@pytest.mark.parametrize(
    ("text", "number"),
    [("12O.5", 120.5), ("l7,5", 17.5), ("-3.2", -3.2), ("n/a", None), ("", None), ("1.2.3", None)],
)
def test_letters_that_look_like_digits(text, number):
    assert read_anyway(text) == number
