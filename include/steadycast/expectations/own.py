"""Our own Great Expectations classes: what a gate asks of a source that no standard expectation asks.

Each one looks at a table of measures that a module of the same package makes (one row per series, period,
cell or column), because Great Expectations sees one table and these questions need a history beside it. The
class says which measure, what is too much, and in the Data Docs in words what is asked. Importing this takes
as long as importing Great Expectations; gates do so inside functions (``running.own_classes``).
"""

from __future__ import annotations

from great_expectations.expectations.core.expect_column_values_to_be_between import (
    ExpectColumnValuesToBeBetween,
)

from steadycast.expectations import arrival, drift, flatline, formats, spikes, units


class ExpectSeriesToKeepMoving(ExpectColumnValuesToBeBetween):
    """No series repeats one value for longer than it normally does; rows of ``flatline.runs``."""

    column: str = flatline.EXCESS
    max_value: float = 0
    description: str = (
        "No series repeats one value more often than it ever did, and than chance lets it: zeros, whole "
        "numbers and slow series are measured by themselves."
    )


class ExpectNoSpikes(ExpectColumnValuesToBeBetween):
    """No new or changed value stands alone, far from season and level; rows of ``spikes.judged``."""

    column: str = spikes.SPIKE
    max_value: float = 0
    description: str = (
        "No new or changed value stands alone: far from its neighbours, from the same season of other years, "
        "from all that the series ever had, and from what other entities did that day."
    )


class ExpectUsualRowCount(ExpectColumnValuesToBeBetween):
    """No period has fewer cells than is usual for it; rows of ``arrival.periods``."""

    column: str = arrival.SHARE
    min_value: float = 0.95
    description: str = (
        "Each week (month) has as many cells as is usual: by weekday, lately, or in the same season."
    )


class ExpectNoExtraRows(ExpectColumnValuesToBeBetween):
    """No period has far more cells than is usual for it; rows of ``arrival.periods``."""

    column: str = arrival.SHARE
    max_value: float = 1.3
    description: str = "No week (month) has far more cells than the source ever had in one."


class ExpectFreshSeries(ExpectColumnValuesToBeBetween):
    """No series is later than it usually is; rows of ``arrival.ages``."""

    column: str = arrival.LATE_DAYS
    max_value: float = 0
    description: str = (
        "No series is older than max_lag_days, and none is later than at any of the source's earlier polls."
    )


class ExpectDeclaredUnit(ExpectColumnValuesToBeBetween):
    """No series fits another unit much better than the declared one; rows of ``units.suspects``."""

    column: str = units.SUSPECTED
    max_value: float = 0
    description: str = (
        "The values are in the declared unit: no usual conversion (degC/degF, mph/km/h, inHg/hPa, in/mm, "
        "thousand/one, …) fits what is known of the series much better."
    )


class ExpectReadableFormat(ExpectColumnValuesToBeBetween):
    """Numbers and dates are written as declared; rows of ``formats.fields``."""

    column: str = formats.SHARE
    max_value: float = 0
    description: str = (
        "Numbers and dates are written as pipeline.yaml says: no decimal comma, thousands separator, unit "
        "behind the number, or other order of day and month."
    )


class ExpectDeclaredColumns(ExpectColumnValuesToBeBetween):
    """The answer has the columns that pipeline.yaml names; rows of ``drift.fields``."""

    column: str = drift.MISSING
    max_value: float = 0
    description: str = (
        "The answer has the columns that pipeline.yaml names; for one that is gone, the column that took its "
        "place is proposed by name and by values."
    )
