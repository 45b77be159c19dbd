"""What kinds of rewriting and faults are told apart, and what each means."""

from __future__ import annotations

from typing import Final

SCALED: Final = "scaled"
OFFSET: Final = "offset"
UNIT: Final = "unit change"
SHIFT_DAY: Final = "shifted by a day"
SHIFT_WEEK: Final = "shifted by a week"
SHIFT: Final = "shifted"
STUCK: Final = "stuck value"
SWAPPED: Final = "swapped"
HOLES: Final = "holes"
CUT: Final = "time-zone cut"
DELETED: Final = "deleted"
OUTLIER: Final = "outlier"
REWRITTEN: Final = "rewritten"
CREEP: Final = "creep"
CORRECTED: Final = "corrected"

MEANS: Final[dict[str, str]] = {
    SCALED: "all values times a factor",
    OFFSET: "all values plus an amount",
    UNIT: "another unit",
    SHIFT_DAY: "each value moved to the day beside it",
    SHIFT_WEEK: "each value moved to the week beside it",
    SHIFT: "each value moved to another date",
    STUCK: "the same value over and over",
    SWAPPED: "two entities or variables changed places",
    HOLES: "single dates are missing among others that are there",
    CUT: "each value holds a part of the day beside it: midnight of another time zone",
    DELETED: "dates that were known are no longer reported",
    OUTLIER: "single values changed, as by a typing error",
    REWRITTEN: "other values than before, by no rule",
    CREEP: "small steps that add up since the first version",
    CORRECTED: "values that stood out before fit their neighbours now; nothing is held back",
}
"""In words, in the order of docs/revisions.md."""
