"""The gate of the comparison: an expectation of our own, that a provider agrees with its twin.

It stands in the Data Docs beside the standard ones, one row per entity, variable and window. A failure is a
warning: what follows from it is the arbitration's business, and never a stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pandas as pd

from steadycast import schema as c
from steadycast.expectations import wording
from steadycast.expectations.running import Check, Suite, expectation_classes
from steadycast.settings import Settings

EXCESS = "excess"
"""Column: the larger of the two measures that decide, each as a part of its limit; above 1 is beyond it."""
SHOWN = (
    "source",
    "twin",
    c.ENTITY,
    c.VARIABLE,
    "window_weeks",
    "beyond_share",
    "bias",
    "normal_bias",
    "verdict",
)


@cache
def expect_to_agree_with_twin() -> Any:  # noqa: ANN401 - a class of a library without types
    """Our own expectation, made when it is needed: importing Great Expectations takes seconds."""
    gxe = expectation_classes()

    class ExpectToAgreeWithTwin(gxe.ExpectColumnValuesToBeBetween):  # type: ignore[misc, name-defined]
        """Expect each window's difference to the second provider to stay within what is normal for the two.

        The column holds the larger of two ratios: share of days beyond the normal daily difference to its
        limit, and distance of the mean difference from the usual one to its limit.
        """

        description: str = (
            "The difference to the second provider stays within what is normal for the two: the larger "
            "of its share of days beyond the limit and of its mean difference, as a part of what is allowed."
        )

    return ExpectToAgreeWithTwin


def excess(measured: pd.DataFrame) -> pd.Series:
    """How much of the normal each window uses up; NaN where nothing is decided."""
    share = measured["beyond_share"] / measured["share_limit"]
    mean = (measured["bias"] - measured["normal_bias"]).abs() / measured["bias_limit"]
    judged = measured["agreement"] != "undecided"
    larger: pd.Series = pd.concat([share, mean], axis=1).max(axis=1).where(judged)
    return larger


def suites(measured: pd.DataFrame, sentences: Sequence[str], settings: Settings) -> list[Suite]:
    """One suite per pair of providers.

    Args:
        measured: the measurements of all pairs.
        sentences: what the comparison says of the variables that do not agree.
        settings: the pairs, in their order.
    """
    found = []
    for name, twin in settings.twins():
        rows = measured[(measured["source"] == name) & (measured["twin"] == twin)]
        if rows.empty:
            continue
        mine = [text for text in sentences if name in text and twin in text]
        check = Check(
            # Great Expectations does not see a default that a subclass gives
            expect_to_agree_with_twin()(column=EXCESS, max_value=1.0),
            lambda finding, mine=mine, name=name, twin=twin: (  # type: ignore[misc]
                "; ".join(mine) or f"{name} and {twin} disagree in {wording.count(finding)}"
            ),
            "warning",
        )
        frame = rows.assign(**{EXCESS: excess(rows)})
        found.append(Suite(f"{name}_agrees_with_{twin}", frame, [check], SHOWN))
    return found
