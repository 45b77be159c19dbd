"""How numbers and dates are written that could not be read, and what to put into pipeline.yaml."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Final

import pandas as pd

from steadycast import schema as c
from steadycast.expectations.evidence import Evidence

FIELD: Final = "field"
SHARE: Final = "written_otherwise_share"
COUNT: Final = "unreadable"
WRITTEN: Final = "written_as"
EXAMPLE: Final = "example"
PROPOSAL: Final = "proposal"

_COLUMNS: Final = [FIELD, SHARE, COUNT, WRITTEN, EXAMPLE, PROPOSAL]
_MOST = 0.8
_SAMPLE = 2000
_COMMA = re.compile(r"[+-]?\d+,\d+")
_BOTH = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([, '\u00a0\u2009\u202f]\d{3})+(\.\d+)?")
_UNIT_BEHIND = re.compile(r"[+-]?\d+(\.\d+)?\s*[^\d\s.,+-]\D*")
_FORMATS: Final = (
    "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d",
    "%d-%m-%y", "%m-%d-%y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d %b %Y", "%d %B %Y", "%b %d %Y",
    "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y",
)  # fmt: skip


def fields(evidence: Evidence) -> pd.DataFrame:
    """Each variable, and the date, with what of it can not be read and how that is written.

    Returns: field, written_otherwise_share (of its cells; 0 where it is not known how they are written),
        unreadable (how many), written_as (in words, '' if unknown), example, proposal (YAML for
        pipeline.yaml, '' if there is none).
    """
    poll = evidence.poll
    no_date = poll[c.DATE].isna()
    rows = [_row("date", poll[no_date][c.RAW], len(poll), _dates(poll[no_date][c.RAW], evidence))]
    for name in poll[c.VARIABLE].unique():
        mine = poll[(poll[c.VARIABLE] == name) & ~no_date]
        bad = mine[mine[c.VALUE].isna()][c.RAW]
        level = evidence.known[evidence.known[c.VARIABLE] == name][c.VALUE].abs().median()
        rows.append(_row(name, bad, len(mine), _numbers(bad.tolist(), level)))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _row(name: str, bad: pd.Series, total: int, said: tuple[str, str]) -> dict[str, object]:
    share = len(bad) / total if total and said[0] else 0.0
    example = str(bad.iloc[-1]) if len(bad) else ""
    return dict(zip(_COLUMNS, (name, share, len(bad), said[0], example, said[1]), strict=True))


def _numbers(texts: Sequence[str], level: float) -> tuple[str, str]:
    """How the texts are written, and the proposal."""
    texts = [text.strip() for text in texts[:_SAMPLE]]
    if not texts:
        return "", ""

    def most(pattern: re.Pattern[str]) -> bool:
        return sum(bool(pattern.fullmatch(text)) for text in texts) >= _MOST * len(texts)

    if most(_BOTH):
        return (
            "numbers with a decimal comma and points between thousands",
            'layout: {decimal: ",", thousands: "."}',
        )
    if most(_THOUSANDS) and not _comma_is_nearer(texts, level):
        sign = next(sign for sign in texts[0] if not (sign.isdigit() or sign in "+-."))
        return "numbers with a sign between thousands", f'layout: {{thousands: "{sign}"}}'
    if most(_COMMA):
        return "numbers with a decimal comma", 'layout: {decimal: ","}'
    if most(_UNIT_BEHIND):
        unit = re.sub(r"^[+-]?[\d.]+\s*", "", texts[-1])
        return f"numbers with {unit!r} behind them", ""
    return "", ""


def _comma_is_nearer(texts: Sequence[str], level: float) -> bool:
    """``1,234`` may be one and a bit or a thousand: what is known of the variable decides."""
    if not all(_COMMA.fullmatch(text) for text in texts) or pd.isna(level) or level == 0:
        return False
    as_thousands = pd.Series([abs(float(text.replace(",", ""))) for text in texts]).median()
    as_decimals = pd.Series([abs(float(text.replace(",", "."))) for text in texts]).median()
    return bool(abs(as_decimals - level) < abs(as_thousands - level))


def _dates(texts: pd.Series, evidence: Evidence) -> tuple[str, str]:
    """The date format that reads most of the texts as days of the window."""
    sample = sorted({str(text).strip() for text in texts.tail(_SAMPLE)})
    if not sample:
        return "", ""
    end = evidence.as_of + dt.timedelta(weeks=evidence.source.ahead_weeks)
    scored = []
    for number, form in enumerate(_FORMATS):
        days = [day for day in (_read(text, form) for text in sample) if day and evidence.start <= day < end]
        if len(days) >= _MOST * len(sample):
            scored.append((len(set(days)), -number, form))
    if not scored:
        return "", ""
    form = max(scored)[2]
    return f"dates like {sample[-1]}", f'layout: {{date_format: "{form}"}}'


def _read(text: str, form: str) -> dt.date | None:
    try:
        # a day has no timezone; the provider's own calendar day is meant
        return dt.datetime.strptime(text, form).date()  # noqa: DTZ007
    except ValueError:
        return None
