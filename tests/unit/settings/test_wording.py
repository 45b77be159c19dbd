import pytest


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param(
            {"sources.0.lokback_weeks": 8}, "is no setting, did you mean 'lookback_weeks'?", id="near_miss"
        ),
        pytest.param(
            {"schedule.when": "now"}, "known here: cron, timezone, first_week, last_week", id="lists_the_keys"
        ),
        pytest.param(
            {"sources.0.layout": {"entity_feld": "shop"}}, "did you mean 'entity_field'?", id="below_a_kind"
        ),
        pytest.param(
            {"sources.0.variables": [{"name": "cakes"}]},
            "(Unit as in the answer, e.g. degF, mm, thousand rides)",
            id="missing_tells_the_meaning",
        ),
        pytest.param({"forecast": {"model": {"leafs": 3}}}, "did you mean 'leaves'?", id="two_levels_down"),
        pytest.param(
            {"forecast.horizon_weeks": "four"},
            "is 'four': input should be a valid integer",
            id="shows_the_value",
        ),
        pytest.param(
            {"title": 2016}, "YAML reads this text as the number 2016; put it in quotes", id="number_for_text"
        ),
        pytest.param({"week_start": "sunday"}, "is 'sunday'; write one of 'monday'", id="one_of"),
    ],
)
def test_each_finding_says_what_to_write(problems, changes, told):
    found = problems(changes)
    assert any(told in problem for problem in found), found
