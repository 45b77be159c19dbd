import pytest

from steadycast import explain, models
from steadycast.explain import telling
from tests.driven import panel, settings, trained


@pytest.mark.parametrize(
    ("effect", "declared", "contradicts"),
    [
        pytest.param(0.1, "+", False, id="more_means_more_as_declared"),
        pytest.param(-0.1, "-", False, id="more_means_less_as_declared"),
        pytest.param(-0.1, "+", True, id="declared_more_and_is_less"),
        pytest.param(0.1, "-", True, id="declared_less_and_is_more"),
        pytest.param(0.0, "+", False, id="no_effect_contradicts_nothing"),
    ],
)
def test_a_model_that_answers_against_the_declared_sign_is_told(effect, declared, contradicts):
    # trained without the declaration, which a model of this version would be bound to
    forecaster, model = trained(panel(effect), settings())
    (sign,) = explain.check(forecaster, model, {"weather.rain": declared})
    assert sign.contradicts is contradicts
    found = telling.sign_findings([sign], {"weather.rain": "mm"})
    assert [f.key for f in found] == (["explanation/sign/weather.rain"] if contradicts else [])
    if contradicts:
        assert f"declared to mean {'more' if declared == '+' else 'less'} of the target" in found[0].text
        assert "mm with" in found[0].text


def test_a_feature_that_the_model_does_not_see_is_not_checked():
    forecaster, model = trained(panel(0.1), settings())
    assert explain.check(forecaster, model, {"weather.snow": "+"}) == []


def test_without_boosters_no_feature_has_a_say():
    forecaster, _ = trained(panel(0.1), settings())
    assert explain.check(forecaster, models.Model(), {"weather.rain": "-"}) == []
