"""Pings of a dead-man's switch in the format of healthchecks.io: its own death is noticed there."""

from __future__ import annotations

import logging

import httpx

log = logging.getLogger(__name__)
TIMEOUT_S = 10.0


class DeadMan:
    """Pings at most every so often, and at once when well turns to unwell or back.

    Args:
        url: the check's address; None for none. A secret.
        every_s: seconds between two pings.
    """

    def __init__(self, url: str | None, every_s: float) -> None:
        self._url = url.rstrip("/") if url else None
        self._every_s = every_s
        self._last: tuple[float, bool] | None = None

    def start(self, now_s: float) -> None:
        """A look begins."""
        if self._url and (self._last is None or now_s - self._last[0] >= self._every_s):
            self._get(f"{self._url}/start")

    def end(self, now_s: float, *, well: bool) -> None:
        """A look has ended, and no problem is open or some are."""
        last = self._last
        if not self._url or (last and last[1] == well and now_s - last[0] < self._every_s):
            return
        self._last = (now_s, well)
        self._get(self._url if well else f"{self._url}/fail")

    def _get(self, url: str) -> None:
        try:
            httpx.get(url, timeout=TIMEOUT_S).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.error("the dead-man's switch could not be pinged: %s", type(error).__name__)
