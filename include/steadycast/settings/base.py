"""Base of all settings, and the small types that several of them share."""

from __future__ import annotations

import datetime as dt
import re
import string
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""Lower case, digits and underscores: names become task labels and folder names."""

PLACEHOLDERS = ("as_of", "start", "end")
"""What a path, a query or an object key may hold in braces."""


class Strict(BaseModel):
    """Base of all settings: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _monday(day: dt.date) -> dt.date:
    if day.weekday():
        before = day - dt.timedelta(days=day.weekday())
        after = before + dt.timedelta(weeks=1)
        raise ValueError(f"{day} is a {day:%A}, but a week is named by its Monday; write {before} or {after}")
    return day


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"timezone {name!r} is unknown; write a name of the IANA list, e.g. UTC or America/Chicago"
        ) from error
    return name


def _template(text: str) -> str:
    try:
        # ${NAME} is a variable of the environment, which a local path may hold
        parts = string.Formatter().parse(re.sub(r"\$\{\w+\}", "", text))
        fields = [field for _, field, _, _ in parts if field is not None]
    except ValueError as error:
        raise ValueError(f"{text!r} has an unpaired brace ({error}); double it if it is meant") from error
    unknown = [field for field in fields if field not in PLACEHOLDERS]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValueError(f"{{{unknown[0]}}} is no placeholder; the ones that are filled in are {known}")
    return text


Monday = Annotated[dt.date, AfterValidator(_monday)]
Timezone = Annotated[str, AfterValidator(_timezone)]
Template = Annotated[str, AfterValidator(_template)]
"""Text in which {as_of}, {start} and {end} are filled in."""
