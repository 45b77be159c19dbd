"""Slack by a bot's token (threads, pictures, reactions; it can be asked what arrived) or by a webhook."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from http.client import HTTPException
from typing import Any, Final
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.webhook import WebhookClient

from steadycast.alerts.answer import Answer, retry_after
from steadycast.alerts.blocks import blocks, summary
from steadycast.alerts.credentials import Credential
from steadycast.alerts.wording import Rendered

EVENT_TYPE: Final = "steadycast_alert"
_BUSY: Final = {
    "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
    "team_added_to_org", "message_limit_exceeded",
}  # fmt: skip
_MESSAGE: Final = {
    "invalid_blocks", "invalid_blocks_format", "msg_too_long", "no_text", "msg_blocks_too_long",
    "too_many_attachments", "metadata_too_large", "invalid_metadata_format",
}  # fmt: skip
_THREAD: Final = {"thread_not_found", "message_not_found", "invalid_thread_ts", "cannot_reply_to_message"}
_PAGES: Final = 20


def send(
    message: Rendered, to: str, credential: Credential, timeout_s: float, risk: Callable[[], None]
) -> Answer:
    """Post the message; if Slack refuses its blocks, its text alone."""
    risk()
    try:
        if credential.extra.get("webhook"):
            return _by_webhook(message, credential, timeout_s)
        return _by_token(message, to, credential, timeout_s)
    except (URLError, OSError, HTTPException, ValueError) as error:
        return trouble(error)


def attach(message: Rendered, facts: Mapping[str, Any], credential: Credential, timeout_s: float) -> str:
    """Put the picture below the message that was posted; says what came of it."""
    if message.picture is None or credential.extra.get("webhook"):
        return ""
    client = _client(credential, timeout_s)
    client.files_upload_v2(
        content=message.picture, filename="forecast.png", title=message.subject[:80],
        channel=facts["channel"], thread_ts=facts.get("thread_ts") or facts["ts"],
    )  # fmt: skip
    return "with picture"


def find(message_id: str, to: str, since: float, credential: Credential, timeout_s: float) -> Answer:
    """Ask whether a message arrived that nobody confirmed.

    Args:
        message_id: the id in the message's metadata.
        to: the channel, by name or id.
        since: seconds since 1970 of the attempt.
        credential: with a token.
        timeout_s: of each request.

    Returns: ``delivered``, ``unreachable`` if it is certainly not there, ``unclear`` if Slack could not say.
    """
    client = _client(credential, timeout_s)
    try:
        channel = _id_of(client, to)
        if channel is None:
            return Answer("unclear", f"there is no id of {to}")
        parents = _pages(
            client.conversations_history, channel=channel, oldest=f"{since - 60:.6f}", limit=200,
            include_all_metadata=True,
        )  # fmt: skip
        for post in parents:
            if _is(post, message_id):
                return Answer("delivered", "found in the channel", facts=_facts(post, channel))
        threads = _pages(client.conversations_history, channel=channel, limit=200, include_all_metadata=True)
        for parent in threads:
            if float(parent.get("latest_reply") or 0) < since - 60:
                continue
            replies = _pages(
                client.conversations_replies, channel=channel, ts=parent["ts"], limit=200,
                oldest=f"{since - 60:.6f}", include_all_metadata=True,
            )  # fmt: skip
            for post in replies:
                if _is(post, message_id):
                    return Answer("delivered", "found in a thread", facts=_facts(post, channel))
    except (
        SlackApiError,
        SlackRequestError,
        URLError,
        OSError,
        HTTPException,
        ValueError,
        KeyError,
    ) as error:
        return Answer("unclear", f"could not be asked: {type(error).__name__}")
    return Answer("unreachable", "not in the channel")


def reactions(channel: str, ts: str, credential: Credential, timeout_s: float) -> list[str]:
    """Names of the reactions that people have given to a message.

    Raises:
        SlackApiError, OSError: Slack could not say.
    """
    answer = _client(credential, timeout_s).reactions_get(channel=channel, timestamp=ts)
    return [
        str(one["name"]) for one in (answer.get("message") or {}).get("reactions") or [] if one.get("count")
    ]


def trouble(error: Exception) -> Answer:
    """What an error of the connection means: was anything sent that might have arrived?"""
    reason = error.reason if isinstance(error, URLError) else error
    name = type(reason).__name__ if isinstance(reason, Exception) else str(reason)
    refused = isinstance(reason, ConnectionRefusedError) or name in {"gaierror", "SSLCertVerificationError"}
    return Answer("unreachable" if refused else "unclear", name)


def _client(credential: Credential, timeout_s: float) -> WebClient:
    # no retry handlers: the deliverer decides when it is tried again
    return WebClient(
        token=credential.password,
        base_url=str(credential.extra.get("base_url") or WebClient.BASE_URL),
        timeout=max(1, int(timeout_s)),
        retry_handlers=[],
    )


def _by_token(message: Rendered, to: str, credential: Credential, timeout_s: float) -> Answer:
    client = _client(credential, timeout_s)
    where: dict[str, Any] = {"channel": to}
    if message.thread is not None:
        channel, ts = message.thread
        where = {"channel": channel, "thread_ts": ts, "reply_broadcast": message.loud}
    given = {
        **where, "text": summary(message), "unfurl_links": False, "unfurl_media": False,
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"id": message.id}},
    }  # fmt: skip
    try:
        answer = client.chat_postMessage(**given, blocks=blocks(message))
    except SlackApiError as error:
        said = _said(error)
        if said in _THREAD and message.thread is not None:
            # somebody has deleted the week's first message
            return _by_token(replace(message, thread=None), to, credential, timeout_s)
        if said not in _MESSAGE:
            return _refusal(error)
        try:
            answer = client.chat_postMessage(**given)
        except SlackApiError as second:
            return _refusal(second)
    facts = {"ts": answer["ts"], "channel": answer["channel"], "thread_ts": where.get("thread_ts")}
    return Answer("delivered", "ok", facts=facts)


def _by_webhook(message: Rendered, credential: Credential, timeout_s: float) -> Answer:
    client = WebhookClient(
        str(credential.extra["webhook"]), timeout=max(1, int(timeout_s)), retry_handlers=[]
    )
    answer = client.send(text=summary(message), blocks=blocks(message))
    if answer.status_code == 200 and answer.body.strip() == "ok":
        return Answer("delivered", "ok")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    text = f"{answer.status_code} {answer.body[:80]}"
    if answer.status_code in (429, 500, 502, 503, 504):
        return Answer("busy", text, retry_after(headers.get("retry-after")))
    return Answer("refused" if answer.body.strip() in _MESSAGE else "locked", text)


def _refusal(error: SlackApiError) -> Answer:
    response = error.response
    status = getattr(response, "status_code", 0)
    headers = {k.lower(): v for k, v in dict(getattr(response, "headers", {}) or {}).items()}
    said = _said(error)
    wish = retry_after(headers.get("retry-after"))
    if status == 429 or status >= 500 or said in _BUSY:
        return Answer("busy", f"{status} {said}", wish)
    if not said:
        # an answer that is not Slack's: it says nothing about whether the message was taken
        return Answer("unclear" if status == 200 else "busy", f"{status}, no answer of Slack's", wish)
    return Answer("refused" if said in _MESSAGE else "locked", f"{status} {said}")


def _said(error: SlackApiError) -> str:
    found = error.response.get("error") if hasattr(error.response, "get") else None
    return str(found or "")


def _pages(method: Any, **given: Any) -> list[dict[str, Any]]:  # noqa: ANN401 one of the client's methods
    found: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(_PAGES):
        answer = method(**given, **({"cursor": cursor} if cursor else {}))
        found += answer.get("messages") or answer.get("channels") or []
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return found


def _id_of(client: WebClient, to: str) -> str | None:
    if not to.startswith("#"):
        return to
    listed = _pages(client.conversations_list, types="public_channel,private_channel", limit=1000)
    return next((str(one["id"]) for one in listed if one.get("name") == to[1:]), None)


def _is(post: Mapping[str, Any], message_id: str) -> bool:
    metadata = post.get("metadata") or {}
    if isinstance(metadata, str):
        metadata = json.loads(metadata)
    return bool((metadata.get("event_payload") or {}).get("id") == message_id)


def _facts(post: Mapping[str, Any], channel: str) -> dict[str, Any]:
    return {"ts": post["ts"], "channel": channel, "thread_ts": post.get("thread_ts")}
