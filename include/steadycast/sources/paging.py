"""All pages of an answer, whichever way the provider hands them out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from steadycast.errors import BadResponse, SchemaDrift
from steadycast.progress import Progress
from steadycast.settings import HttpCsvSource, HttpJsonSource, Paging
from steadycast.sources.answers import Answer, Refused, Wanted
from steadycast.sources.http import Transport
from steadycast.sources.poll import Window
from steadycast.sources.table import Table


@dataclass(frozen=True)
class Page:
    """One answer: its records, and the whole JSON value where the next page's place may be."""

    table: Table
    whole: Any = None
    link: str | None = None
    mark: str = ""


def read_pages(
    transport: Transport,
    source: HttpJsonSource | HttpCsvSource,
    window: Window,
    read: Callable[[Answer], tuple[Table, Any]],
    *,
    wanted: Wanted,
    progress: Progress,
) -> Table:
    """Read page after page until the provider has no more.

    Raises:
        BadResponse: there is no end: the same page or cursor again, or more than max_pages.
        SourceError: as ``steadycast.sources.fetch`` lists them.
    """
    params = {name: window.fill(text) for name, text in source.params.items()}
    url = transport.url(window.fill(source.path))

    def ask(address: httpx.URL, more: dict[str, str]) -> Page:
        def to_page(answer: Answer) -> Page:
            table, whole = read(answer)
            link = httpx.Response(200, headers=answer.headers).links.get("next", {}).get("url")
            return Page(table, whole, link, hashlib.sha256(answer.body).hexdigest())

        return transport.get(address, more, to_page, wanted=wanted, headers=source.headers)

    if source.paging is None:
        page = ask(url, params)
        progress(f"{source.name} page", 1, 1)
        return page.table
    return _Pages(transport, source.name, source.paging, ask, progress).all(url, params)


class _Pages:
    """The way from one page to the next."""

    def __init__(
        self,
        transport: Transport,
        source: str,
        paging: Paging,
        ask: Callable[[httpx.URL, dict[str, str]], Page],
        progress: Progress,
    ) -> None:
        self._transport, self._source, self._paging = transport, source, paging
        self._ask, self._progress = ask, progress

    def all(self, url: httpx.URL, params: dict[str, str]) -> Table:
        paging = self._paging
        if paging.size_param and paging.size:
            params = {**params, paging.size_param: str(paging.size)}
        follow = {"page": self._by_number, "offset": self._by_number}.get(paging.style, self._by_pointer)
        return Table.joined(follow(url, params))

    def _by_number(self, url: httpx.URL, params: dict[str, str]) -> list[Table]:
        """Pages by number or by offset, until one is empty or says that it is the last.

        A page shorter than ``size`` is not taken for the last one: a provider may cap the size.
        """
        paging, tables, before, place = self._paging, list[Table](), "", self._paging.first_page
        if paging.style == "offset":
            place = 0
        for number in range(1, paging.max_pages + 1):
            try:
                page = self._ask(url, {**params, paging.param: str(place)})
            except Refused as error:
                if error.status == 404 and number > 1:
                    break  # many providers answer 404 beyond the last page
                raise
            self._progress(f"{self._source} page", number, self._total(page))
            if not page.table.rows:
                tables.append(page.table)
                break
            if page.mark == before:
                raise self._endless(f"page {number} repeats page {number - 1}", "the provider ignores it")
            tables.append(page.table)
            if self._says_last(page, number):
                break
            before = page.mark
            place += page.table.rows if paging.style == "offset" else 1
        else:
            raise self._endless(
                f"more than max_pages = {paging.max_pages} pages", "raise max_pages if that is right"
            )
        return tables

    def _by_pointer(self, url: httpx.URL, params: dict[str, str]) -> list[Table]:
        """Pages by cursor or by link, until an answer names no next one."""
        paging, tables, seen = self._paging, list[Table](), set[str]()
        for number in range(1, paging.max_pages + 1):
            page = self._ask(url, params)
            tables.append(page.table)
            self._progress(f"{self._source} page", number, 0)
            pointer = self._next(page)
            if not pointer:
                return tables
            if pointer in seen:
                raise self._endless(
                    f"page {number} names {pointer!r} as the next page again", "report it to the provider"
                )
            seen.add(pointer)
            if paging.style == "cursor":
                params = {**params, paging.param: pointer}
            else:
                url, params = self._own(url.join(pointer)), {}
        raise self._endless(
            f"more than max_pages = {paging.max_pages} pages", "raise max_pages if that is right"
        )

    def _next(self, page: Page) -> str:
        field = self._paging.next_field
        if field is None:
            return page.link or ""
        if not isinstance(page.whole, dict):
            raise BadResponse(
                self._source,
                f"the answer has no place for next_field = {field!r}",
                remedy="use paging by page or offset, or leave next_field out to read the Link header",
            )
        return pointer_text(dotted(page.whole, field))

    def _own(self, target: httpx.URL) -> httpx.URL:
        """The link on our own way to the server: behind a proxy, links often name http or another port."""
        if target.host != self._transport.base.host:
            raise BadResponse(
                self._source,
                f"the next page is on another server, {target.host}",
                remedy="the credential is not sent there; ask the provider, or use another paging style",
            )
        base = self._transport.base
        return target.copy_with(scheme=base.scheme, host=base.host, port=base.port)

    def _says_last(self, page: Page, number: int) -> bool:
        """Does the answer itself say that there is no page after this one?"""
        if self._paging.next_field and isinstance(page.whole, dict):
            return not pointer_text(dotted(page.whole, self._paging.next_field))
        total = self._total(page)
        return self._paging.style == "page" and 0 < total <= number

    def _total(self, page: Page) -> int:
        """Number of pages where the answer has the usual field for it, else 0."""
        if not isinstance(page.whole, dict):
            return 0
        for name in ("pages", "total_pages", "totalPages", "page_count"):
            text = page.whole.get(name)
            if isinstance(text, str) and text.isascii() and text.isdigit():
                return int(text)
        return 0

    def _endless(self, what: str, remedy: str) -> BadResponse:
        return BadResponse(
            self._source,
            f"the pages do not end: {what}",
            remedy=f"check `paging` of {self._source}, its param is {self._paging.param!r}; {remedy}",
        )


def pointer_text(value: object) -> str:
    """A cursor or link as text; '' for null, false and empty."""
    return "" if value is None or value is False else str(value)


def dotted(value: object, path: str) -> object:
    """The part of a JSON value at a dotted path; None where it is not there."""
    for step in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def records_at(source: str, value: object, path: str | None) -> list[Any]:
    """The list of records in a JSON answer.

    Raises:
        SchemaDrift: the path is not there.
        BadResponse: there is something else than a list.
    """
    here = value
    for step in path.split(".") if path else []:
        if not isinstance(here, dict) or step not in here:
            found = list(here) if isinstance(here, dict) else [type(here).__name__]
            raise SchemaDrift(
                source,
                step,
                found=found,
                remedy=f"set `records` of {source} to the list's place in the answer",
            )
        here = here[step]
    if not isinstance(here, list):
        shown = ", ".join(here) if isinstance(here, dict) else str(here)[:60]
        raise BadResponse(
            source,
            f"there is no list of records at {path or 'the top of the answer'}, but {shown}",
            remedy=f"set `records` of {source} to the list's place in the answer",
        )
    return here
