"""Dates and numbers of a provider's texts; what can not be read is told as such, never guessed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

# Python's float() also takes 1_000, inf and nan; a provider that sends those sent no number
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_ISO_DATE = re.compile(
    r"(\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?)?", re.ASCII
)


def read_date(text: str, date_format: str | None) -> np.datetime64:
    """The day that the text names, else NaT. A time of day or an offset is left aside, never converted."""
    try:
        if date_format is not None:
            # a day has no timezone; the provider's own calendar day is meant
            day = dt.datetime.strptime(text, date_format).date()  # noqa: DTZ007
        else:
            iso = _ISO_DATE.fullmatch(text)
            if iso is None:
                return np.datetime64("NaT", "us")
            day = dt.date.fromisoformat(iso[1])
    except ValueError:
        return np.datetime64("NaT", "us")
    return np.datetime64(day, "us")


def read_numbers(
    texts: Sequence[str],
    read_as: Mapping[str, float],
    no_cell: Collection[str],
    *,
    decimal: str = ".",
    thousands: str | None = None,
    scale: float = 1.0,
    offset: float = 0.0,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Numbers of the texts.

    Args:
        texts: trimmed cell texts, length n.
        read_as: texts that stand for a number, which is taken as it is.
        no_cell: texts that stand for "no value".
        decimal: the decimal sign.
        thousands: a sign between thousands that is left aside.
        scale: every number read is multiplied by it,
        offset: and this is added.

    Returns:
        Values (n floats, NaN where the text is no finite number) and a mask (n) of the cells without a value.
    """
    values = np.full(len(texts), np.nan)
    absent = np.zeros(len(texts), dtype=bool)
    converted = scale != 1 or offset != 0
    for i, text in enumerate(texts):
        if text in read_as:
            values[i] = read_as[text]
        elif text in no_cell or text.lower() == "nan":
            absent[i] = True
        else:
            number = _plain(text, decimal, thousands)
            if _NUMBER.fullmatch(number):
                values[i] = float(number) * scale + offset if converted else float(number)
    values[np.isinf(values)] = np.nan
    return values, absent


def _plain(text: str, decimal: str, thousands: str | None) -> str:
    """The number with a decimal point and without signs between thousands; other text stays no number."""
    if thousands is not None and thousands in text:
        grouped = rf"[+-]?\d{{1,3}}({re.escape(thousands)}\d{{3}})+({re.escape(decimal)}\d*)?"
        text = text.replace(thousands, "") if re.fullmatch(grouped, text) else ""
    if decimal == ".":
        return text
    return "" if "." in text else text.replace(decimal, ".")
