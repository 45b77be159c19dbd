"""The one HTTP transport: limits on time and size, retries, and answers that are really data.

Four limits of time hold at once: connecting, silence while reading, one whole answer, and the whole poll. The
last two also end an answer that drips for ever, headers included: then the socket is shut down.
"""

from __future__ import annotations

import contextlib
import logging
import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import httpx
import tenacity

from steadycast.errors import BadResponse
from steadycast.settings import HttpSource
from steadycast.sources import answers
from steadycast.sources.address import base, credential, is_loopback, same_server
from steadycast.sources.answers import Again, Answer, Wanted
from steadycast.sources.decoding import Unreadable, too_large
from steadycast.sources.masking import Secrets
from steadycast.sources.poll import Connection
from steadycast.sources.wire import Unpacker, Wire, trusted

# httpx logs each URL at INFO, with the API key in its query
logging.getLogger("httpx").setLevel(logging.WARNING)

_MOST_REDIRECTS = 5
_PIECE = 1 << 16
T = TypeVar("T")


@dataclass(frozen=True)
class Waiting:
    """How the transport waits between attempts.

    Args:
        sleep: waits that many seconds.
        jitter: gives a number from 0 to 1.
    """

    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


class Transport:
    """Requests of one poll to one provider, one after the other.

    Args:
        source: its limits and retries.
        connection: address and credential.
        documented: address to use when the connection has none (public providers).
        auth: send login and password or the token as ``Authorization``; False where the query has the key.
        waiting: how to wait between attempts.

    Raises:
        SourceError: there is no address, or it is not http or https.
    """

    def __init__(
        self,
        source: HttpSource,
        connection: Connection | None,
        *,
        documented: str = "",
        auth: bool = True,
        waiting: Waiting | None = None,
    ) -> None:
        self._source, self._waiting = source, waiting or Waiting()
        self._connection_id = connection.id if connection else "(none)"
        self.secrets = Secrets(connection)
        self.base = base(source.name, connection, documented)
        self._headers, self._params, self._auth = credential(connection, auth)
        self._deadline = time.monotonic() + source.timeouts.total_s
        self._wire = Wire()
        # a proxy from the environment is for the way out, never for a server on this machine
        self._client = httpx.Client(verify=trusted(), trust_env=not is_loopback(self.base.host))
        self.requests = 0
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def url(self, path: str) -> httpx.URL:
        """The address of a path below the base."""
        return httpx.URL(str(self.base).rstrip("/") + "/" + path.lstrip("/"))

    def documented_url(self, path: str) -> httpx.URL:
        """The address of a provider's documented path, whichever part of it the base already holds.

        ``/fred/series`` below ``http://host``, ``http://host/fred`` and ``http://host/proxy`` is
        ``http://host/fred/series`` for the first two and ``http://host/proxy/fred/series`` for the third.
        """
        steps, base = path.strip("/").split("/"), self.base.path.strip("/").split("/")
        shared = next((n for n in range(len(steps), 0, -1) if base[-n:] == steps[:n]), 0)
        return self.url("/".join(steps[shared:])) if shared < len(steps) else self.base

    def get(
        self,
        url: httpx.URL,
        params: Mapping[str, str],
        read: Callable[[Answer], T],
        *,
        wanted: Wanted,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Ask until there is an answer that can be read, within the source's limits.

        Args:
            url: address, see ``url`` and ``documented_url``.
            params: added to the address's query.
            read: reads the answer; its Unreadable becomes a retry if the answer is cut, else a BadResponse.
            wanted: what the answer has to be.
            headers: more request headers.

        Raises:
            SourceError: as ``steadycast.sources.fetch`` lists them.
        """
        address = url.copy_merge_params({**params, **self._params})
        sent = {
            "User-Agent": "steadycast",
            "Accept-Encoding": "gzip",
            "Accept": _ACCEPT[wanted],
            **(headers or {}),
        }
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Again),
            wait=self._wait,
            stop=self._stop,
            sleep=self._waiting.sleep,
            reraise=True,
        )
        try:
            done: T = retrying(self._attempt, address, {**sent, **self._headers}, read, wanted)
            return done
        except Again as again:
            raise again.final(self._source.name, self._attempts(retrying)) from again.__cause__

    def _attempt(
        self, address: httpx.URL, headers: Mapping[str, str], read: Callable[[Answer], T], wanted: Wanted
    ) -> T:
        answer = self._exchange(address, headers)
        answers.check(self._source.name, self._connection_id, answer, wanted, self.secrets.hide)
        try:
            return read(answer)
        except Unreadable as error:
            raise self._unusable(error, answer.shown) from error

    def _exchange(self, address: httpx.URL, headers: Mapping[str, str]) -> Answer:
        limits, left = self._source.timeouts, self._deadline - time.monotonic()
        shown = self.secrets.hide(str(address))
        late = (
            f"total_s = {limits.total_s:g} s"
            if left < limits.request_s
            else f"request_s = {limits.request_s:g} s"
        )
        if left <= 0:
            raise Again("timeout", f"the poll took longer than total_s = {limits.total_s:g} s", remedy=_SLOW)
        try:
            with self._wire.cut_after(min(limits.request_s, left)):
                return self._follow(address, headers, left)
        except (httpx.TransportError, ssl.SSLError, OSError) as error:
            if self._wire.is_cut or time.monotonic() >= self._deadline:
                raise Again(
                    "timeout", f"no complete answer within {late} from {shown}", remedy=_SLOW
                ) from error
            raise self._failed(error, shown) from error

    def _follow(self, address: httpx.URL, headers: Mapping[str, str], left: float) -> Answer:
        """One answer, redirects followed; a credential never goes to another server."""
        limits = self._source.timeouts
        timeout = httpx.Timeout(min(limits.read_s, left), connect=min(limits.connect_s, left))
        auth: httpx.Auth | None = self._auth
        for _ in range(_MOST_REDIRECTS + 1):
            request = self._client.build_request(
                "GET", address, headers=headers, timeout=timeout, extensions={"trace": self._wire.trace}
            )
            self.requests += 1
            response = self._client.send(request, auth=auth, stream=True, follow_redirects=False)
            with contextlib.closing(response):
                if not response.has_redirect_location:
                    shown = self.secrets.hide(str(address))
                    return Answer(
                        response.status_code,
                        response.reason_phrase,
                        response.headers,
                        self._body(response),
                        shown,
                    )
            target = address.join(response.headers["location"])
            if not same_server(address, target):
                auth, headers = None, {k: v for k, v in headers.items() if k in _FOR_ANY_SERVER}
            if address.scheme == "https" and target.scheme != "https":
                raise self._bad(
                    f"redirects to an unencrypted address, {target}", "ask the provider for the new address"
                )
            address = target
        raise self._bad(
            f"redirects more than {_MOST_REDIRECTS} times, last to {address}", "check the address"
        )

    def _body(self, response: httpx.Response) -> bytes:
        """The body, unpacked piece by piece so that the limit holds for what is unpacked, too."""
        limit = int(self._source.max_response_mb * 1e6)
        shown = self.secrets.hide(str(response.url))
        packing = response.headers.get("content-encoding", "identity").strip().lower()
        if packing not in ("identity", "", "gzip", "x-gzip", "deflate"):
            raise self._bad(
                f"answers in the encoding {packing!r}, which was not asked for", "ask the provider"
            )
        unpack = None if packing in ("identity", "") else Unpacker(limit)
        body = bytearray()
        try:
            if int(response.headers.get("content-length", "0")) > limit:
                raise too_large(limit)
            for piece in response.iter_raw(_PIECE):
                self.size += len(piece)
                body += unpack.more(piece) if unpack else piece
                if len(body) > limit:
                    raise too_large(limit)
            if unpack:
                unpack.end()
        except Unreadable as error:
            raise self._unusable(error, shown) from error
        return bytes(body)

    def _unusable(self, error: Unreadable, shown: str) -> Exception:
        what = self.secrets.hide(f"the answer of {shown} {error.what}")
        if error.cut:
            return Again("unusable", what, remedy=error.remedy)
        return BadResponse(self._source.name, what, remedy=error.remedy)

    def _bad(self, what: str, remedy: str) -> BadResponse:
        return BadResponse(self._source.name, self.secrets.hide(f"{self.base} {what}"), remedy=remedy)

    def _failed(self, error: Exception, shown: str) -> Again:
        limits = self._source.timeouts
        if isinstance(error, httpx.ConnectTimeout):
            return Again(
                "timeout", f"no connection within connect_s = {limits.connect_s:g} s to {shown}", remedy=_SLOW
            )
        if isinstance(error, httpx.TimeoutException):
            return Again("timeout", f"silent for read_s = {limits.read_s:g} s: {shown}", remedy=_SLOW)
        if isinstance(error, httpx.ConnectError):
            what = f"can not connect to {shown}: {error}"
            return Again(
                "unreachable",
                self.secrets.hide(what),
                remedy="check that the provider is up and the address is right",
            )
        what = f"the connection was dropped before the answer of {shown} was complete: {error}"
        return Again(
            "unreachable", self.secrets.hide(what), remedy="wait for the provider and clear the task"
        )

    def _wait(self, state: tenacity.RetryCallState) -> float:
        rules, spread = self._source.retries, self._waiting.jitter()
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Again) and error.retry_after_s is not None:
            # a little later than asked, so that not all clients come back at the same moment
            return min(error.retry_after_s + spread * rules.first_wait_s, rules.max_wait_s)
        longest = min(rules.first_wait_s * 2.0 ** (state.attempt_number - 1), rules.max_wait_s)
        return longest * (0.5 + spread / 2)

    def _stop(self, state: tenacity.RetryCallState) -> bool:
        too_late = time.monotonic() + state.upcoming_sleep >= self._deadline
        return state.attempt_number >= self._source.retries.attempts or too_late

    def _attempts(self, retrying: tenacity.Retrying) -> str:
        number = int(retrying.statistics.get("attempt_number", 1))
        tried = "1 attempt" if number == 1 else f"{number} attempts"
        if number < self._source.retries.attempts:
            return f"{tried}, no time left of total_s = {self._source.timeouts.total_s:g} s"
        return tried


_SLOW = "wait for the provider and clear the task; raise the source's timeouts only if it is always that slow"
_ACCEPT: dict[str, str] = {"JSON": "application/json", "CSV": "text/csv, text/plain;q=0.9, */*;q=0.5"}
_FOR_ANY_SERVER = {"User-Agent", "Accept", "Accept-Encoding"}
