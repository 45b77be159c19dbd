import pytest
from pydantic import ValidationError

from steadycast.settings import RecoverySettings


def test_stage_takes_what_it_does_not_override_from_all_stages():
    settings = RecoverySettings(queue_timeout_s=60, stages={"train": {"attempt_timeout_s": 1800}})
    limits = settings.limits("train")
    assert (limits.attempt_timeout_s, limits.queue_timeout_s) == (1800, 60)
    assert settings.limits("infer").attempt_timeout_s == 900


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"progress_timeout": 120}, id="unknown_key"),
        pytest.param({"stages": {"train": {"relaunches_per_task": 1}}}, id="bound_in_a_stage"),
        pytest.param({"usual_factor": 1}, id="usual_time_itself"),
        pytest.param({"poll_every_s": 0}, id="no_pause"),
        pytest.param({"relaunches_per_run": -1}, id="negative_bound"),
    ],
)
def test_wrong_limits_are_refused(wrong):
    with pytest.raises(ValidationError):
        RecoverySettings(**wrong)
