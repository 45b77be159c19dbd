"""What an HTTP answer means: data, a wish to wait, a refusal, or a page for people."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

import httpx

from steadycast.errors import (
    BadCredential,
    BadResponse,
    SourceError,
    SourceRateLimited,
    SourceTimeout,
    SourceUnreachable,
)

_NOT_DATA = re.compile(r"^(image|video|audio|font)/|/(pdf|zip|javascript)\b")
_HTML_START = re.compile(rb"^[\s\xef\xbb\xbf]*(<!doctype html|<html|<head|<body)", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_WORTH_A_RETRY = {408, 423, 425}
_MESSAGE_KEYS = (
    "error_message",
    "errorMessage",
    "reason",
    "message",
    "detail",
    "error_description",
    "error",
    "title",
)

Wanted = Literal["JSON", "CSV"]


@dataclass(frozen=True)
class Answer:
    """A complete answer; ``shown`` is its address without secrets."""

    status: int
    phrase: str
    headers: httpx.Headers
    body: bytes
    shown: str

    @property
    def content_type(self) -> str:
        """Media type in lower case, '' if the server names none."""
        return str(self.headers.get("content-type", "")).split(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """Character set that the server names."""
        found = re.search(r"charset=\"?([\w.:-]+)", self.headers.get("content-type", ""), re.IGNORECASE)
        return found[1] if found else None


class Refused(BadResponse):
    """The server refuses the request with a 4xx; ``message`` is its own explanation."""

    def __init__(self, source: str, what: str, *, remedy: str, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(source, what, remedy=remedy)


class Again(Exception):
    """This attempt failed in a way that the next one may not.

    Args:
        kind: which error it becomes when no attempt is left.
        what: what happened.
        remedy: the next step.
        retry_after_s: the server's wish in seconds.
    """

    def __init__(
        self,
        kind: Literal["timeout", "limited", "unreachable", "unusable"],
        what: str,
        *,
        remedy: str,
        retry_after_s: float | None = None,
    ) -> None:
        self.kind, self.what, self.remedy, self.retry_after_s = kind, what, remedy, retry_after_s
        super().__init__(what)

    def final(self, source: str, attempts: str) -> SourceError:
        """The error for the caller, ``attempts`` tells how often it was tried."""
        what = f"{self.what} ({attempts})"
        match self.kind:
            case "timeout":
                return SourceTimeout(source, what, remedy=self.remedy)
            case "limited":
                return SourceRateLimited(source, what, remedy=self.remedy, retry_after_s=self.retry_after_s)
            case "unusable":
                return BadResponse(source, what, remedy=self.remedy)
        return SourceUnreachable(source, what, remedy=self.remedy)


def check(
    source: str, connection_id: str, answer: Answer, wanted: Wanted, hide: Callable[[str], str]
) -> None:
    """Let data pass; ``hide`` keeps secrets out of the server's words, which often echo the request.

    Raises:
        Again: 429, 5xx and other passing states.
        BadCredential: 401 and 403.
        Refused: any other 4xx.
        BadResponse: a redirect that leads nowhere, or a body that is no data.
    """
    status, message = answer.status, hide(server_message(answer))
    said = f": {message}" if message else ""
    what = f"{status} {answer.phrase}{said} from {answer.shown}"
    if status == 429:
        raise Again(
            "limited",
            what,
            remedy="wait; if it comes back, poll less often or ask the provider for a higher limit",
            retry_after_s=retry_after(answer.headers),
        )
    if status >= 500 or status in _WORTH_A_RETRY:
        wish = retry_after(answer.headers)
        raise Again(
            "unreachable", what, remedy="wait for the provider and clear the task", retry_after_s=wish
        )
    if status in (401, 403, 407):
        raise BadCredential(
            source,
            what,
            remedy=f"renew the credential of the Airflow connection {connection_id!r}, then clear the task",
        )
    if status >= 400:
        remedy = "compare path and params of the source in pipeline.yaml with the provider's documentation"
        raise Refused(source, what, remedy=remedy, status=status, message=message)
    if status not in (200, 203, 204):
        raise BadResponse(source, what, remedy="this status carries no complete data; ask the provider")
    _check_is_data(source, answer, wanted, hide)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: a number, or a date against the server's own Date header."""
    wish = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", wish):
        return float(wish)
    try:
        # the server's clock counts: ours may differ, and replays of a past week read no clock at all
        wait = parsedate_to_datetime(wish) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())


def server_message(answer: Answer) -> str:
    """The explanation in an answer's body, in one short line; '' if there is none."""
    if is_html(answer):
        return html_title(answer.body)
    try:
        return _message_in(json.loads(answer.body))[:300]
    except ValueError:
        text = answer.body[:2000].decode("utf-8", "replace")
        xml = re.search(r'message="([^"]*)"', text)
        return " ".join((xml[1] if xml else text).split())[:200]


def is_html(answer: Answer) -> bool:
    """Is this a page for people? The body decides where a server labels its JSON as a page."""
    if _HTML_START.match(answer.body):
        return True
    return answer.content_type in ("text/html", "application/xhtml+xml") and answer.body.lstrip()[:1] not in (
        b"{",
        b"[",
    )


def html_title(body: bytes) -> str:
    """Title of an HTML page, '' if it has none."""
    found = _TITLE.search(body)
    return " ".join(html.unescape(found[1].decode("utf-8", "replace")).split())[:120] if found else ""


def _check_is_data(source: str, answer: Answer, wanted: Wanted, hide: Callable[[str], str]) -> None:
    kind = answer.content_type
    if is_html(answer):
        title = hide(html_title(answer.body))
        named = f" titled {title!r}" if title else ""
        raise BadResponse(
            source,
            f"an HTML page{named} instead of {wanted} from {answer.shown}",
            remedy="open the address in a browser: often a login page, a maintenance page or a moved address",
        )
    if wanted == "JSON" and (kind.startswith("text/csv") or kind.endswith(("/xml", "+xml"))):
        raise BadResponse(
            source, f"{kind} instead of JSON from {answer.shown}", remedy="ask for JSON in path or params"
        )
    if wanted == "CSV" and (kind.endswith(("/json", "+json", "/xml", "+xml"))):
        message = hide(server_message(answer))
        said = f" ({message})" if message else ""
        raise BadResponse(
            source, f"{kind} instead of CSV from {answer.shown}{said}", remedy="ask for CSV in path or params"
        )
    if _NOT_DATA.search(kind):
        raise BadResponse(
            source, f"{kind} instead of {wanted} from {answer.shown}", remedy="check the address"
        )


def _message_in(value: object) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list):
        return "; ".join(filter(None, (_message_in(item) for item in value[:3])))
    if isinstance(value, dict):
        said = next((m for key in _MESSAGE_KEYS if (m := _message_in(value.get(key)))), "")
        more = _message_in(value.get("errors"))
        return f"{said} ({more})" if said and more else said or more
    return ""
