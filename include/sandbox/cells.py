"""Reading and writing the number in a cell, rightly and wrongly."""

from __future__ import annotations

from sandbox.tables import Cell


def read_number(cell: Cell) -> float | None:
    """The number of a cell; None for nothing or a text such as T for a trace of rain."""
    try:
        return float(cell) if cell not in (None, "") else None
    except ValueError:
        return None


def decimals_of(cell: Cell) -> int:
    """Decimals of a cell's number as sent, at most 6."""
    _, _, decimals = str(cell).partition(".")
    return min(len(decimals), 6)


def write_number(old: Cell, number: float, decimals: int) -> Cell:
    """The number as the source would write it: a text where it sends texts."""
    return f"{number:.{decimals}f}" if isinstance(old, str) else round(number, decimals)


def mistype(text: str, pick: float) -> str:
    """The number as a hasty hand types it: digits transposed, decimal point slipped, or a letter O.

    Args:
        text: a number's text.
        pick: in [0, 1), chooses among the mistakes that this text allows.
    """
    places = [i for i in range(len(text) - 1) if (text[i] + text[i + 1]).isdigit() and text[i] != text[i + 1]]
    mistakes = []
    if places:
        i = places[0]
        mistakes.append(text[:i] + text[i + 1] + text[i] + text[i + 2 :])
    if "." in text:
        whole, _, part = text.partition(".")
        mistakes.append(f"{whole}{part[0]}.{part[1:]}" if len(part) > 1 else whole + part)
    mistakes.append(text.replace("0", "O", 1) if "0" in text else text + "O")
    told = [typed for typed in mistakes if "O" in typed or float(typed) != float(text)]
    return told[int(pick * len(told))]
