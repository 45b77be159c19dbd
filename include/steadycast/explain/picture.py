"""The explanation as a picture: two waterfalls."""

from __future__ import annotations

from typing import Final

import pandas as pd

from steadycast import plots, schema
from steadycast.explain import change, groups, made_of, telling

SHOWN: Final = 8
OTHERS: Final = "others"


def why_png(parts: pd.DataFrame, moved: pd.DataFrame, *, title: str, unit: str) -> bytes:
    """What the forecast of all entities together is made of, and what changed since last week's.

    Args:
        parts: made_of.COLUMNS.
        moved: change.COLUMNS; without rows its panel is left out.
        title: of the picture.
        unit: of the target; what is shown is the sum of all entities in a mean week.
    """
    total = made_of.total(parts)
    starts = [name for name in (groups.START, groups.LEVEL) if name in total.index]
    first = (" and ".join(starts) or "nothing", float(total[starts].sum()))
    steps = [(str(name), float(value)) for name, value in total.drop(starts).items()]
    if len(steps) > SHOWN:
        steps = [*steps[: SHOWN - 1], (OTHERS, sum(value for _, value in steps[SHOWN - 1 :]))]
    falls = [plots.Waterfall("what the forecast is made of", first, steps, "forecast")]
    if len(moved):
        told = change.total(moved)
        causes = [(telling.CAUSE_NAMES[cause], told[cause]) for cause in change.CAUSES]
        weeks = moved[schema.WEEK].nunique()
        falls.append(
            plots.Waterfall(
                f"since last week's forecast, the {weeks} weeks that both forecast",
                ("last week", told[change.BEFORE]),
                causes,
                "this week",
            )
        )
    return plots.why_png(falls, title=title, unit=f"{unit}, all together in a mean week")
