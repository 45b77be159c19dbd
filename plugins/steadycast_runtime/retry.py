"""Which errors are worth another try, and how soon."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from airflow.sdk import RetryDecision, RetryPolicy

from steadycast import errors

if TYPE_CHECKING:
    from airflow.sdk import Context

SOON = dt.timedelta(seconds=10)
LONGEST = dt.timedelta(minutes=15)
"""A source that asks for a longer pause gets this one: the forecast has a publication day."""

WORTH_A_RETRY = (
    errors.SourceUnreachable,
    errors.BadResponse,
    errors.LakeError,
    errors.PublicationError,
    errors.StageDied,
)
FINAL = (errors.ArtefactMissing, errors.ArtefactUnreadable, errors.LakeDenied, errors.LakeMisplaced)


def helps_to_retry(error: BaseException) -> bool:
    """Can the same task succeed later without anybody correcting something?

    Of our own errors only those of the network, the storage and of a process that died. An error that is
    not ours may be anything, such as a lack of memory, and gets its retries.
    """
    if isinstance(error, errors.SteadycastError):
        return isinstance(error, WORTH_A_RETRY) and not isinstance(error, FINAL)
    return True


class RetryByError(RetryPolicy):
    """Fail at once what a person must correct; retry the rest, later each time or when the source asks."""

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide from the error; the task's ``retries`` stay the limit."""
        said = str(exception) or type(exception).__name__
        if not helps_to_retry(exception):
            return RetryDecision.fail(reason=f"a retry can not help. {said}")
        wait = min(SOON * 2 ** (try_number - 1), LONGEST)
        if isinstance(exception, errors.SourceRateLimited) and exception.retry_after_s:
            wait = min(max(wait, dt.timedelta(seconds=exception.retry_after_s)), LONGEST)
        return RetryDecision.retry(delay=wait, reason=said)

    def serialize(self) -> dict[str, Any]:
        """The policy has no arguments: its class is all there is to say."""
        return {"__type": "RetryByError"}


RETRY_BY_ERROR = RetryByError()
