"""How a stage says how far it is: a plain callback, so that stages know nothing of who listens."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (what is done now, steps done, steps in all), e.g. ``("weather_a page", 14, 20)``.

A total of 0 means that it is not known.
"""


def silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""
