"""Any address that takes JSON; the message's id goes as Idempotency-Key, so that it can drop a repeat."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from steadycast.alerts.answer import Answer, retry_after
from steadycast.alerts.credentials import Credential
from steadycast.alerts.wording import Rendered, data


def send(
    message: Rendered, to: str, credential: Credential, timeout_s: float, risk: Callable[[], None]
) -> Answer:
    """Post the message; any 2xx confirms it."""
    headers = {"Idempotency-Key": message.id, **dict(credential.extra.get("headers") or {})}
    if credential.password:
        headers["Authorization"] = f"Bearer {credential.password}"
    risk()
    try:
        with httpx.Client(timeout=timeout_s, follow_redirects=False) as client:
            answer = client.post(to, json=data(message), headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        return Answer("unreachable", type(error).__name__)
    except httpx.InvalidURL:
        return Answer("locked", "its address is none")
    except httpx.HTTPError as error:
        # not its text, which holds the address, and that is a secret
        return Answer("unclear", type(error).__name__)
    text = f"{answer.status_code} {answer.reason_phrase}"
    if answer.is_success:
        return Answer("delivered", text)
    if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
        return Answer("busy", text, retry_after(answer.headers.get("retry-after")))
    return Answer("refused" if answer.status_code in (400, 413, 422) else "locked", text)


def contains(url: str, code: str, timeout_s: float) -> Answer:
    """Is the code in what an address holds? ``delivered`` if it is, ``unreachable`` if not."""
    try:
        answer = httpx.get(url, timeout=timeout_s, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Answer("unclear", type(error).__name__)
    there = answer.is_success and code in answer.text
    return Answer("delivered" if there else "unreachable", f"{answer.status_code}")
