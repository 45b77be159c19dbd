"""AWS: a topic of SNS, or a mail by SES."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
)

from steadycast.alerts.answer import Answer
from steadycast.alerts.channels import mail
from steadycast.alerts.credentials import Credential
from steadycast.alerts.wording import Rendered, plain

_SUBJECT: Final = 99
_TEXT_BYTES: Final = 200_000
_BUSY: Final = ("Throttl", "TooManyRequests", "InternalError", "ServiceUnavailable", "RequestLimit")


def send_sns(
    message: Rendered, to: str, credential: Credential, timeout_s: float, risk: Callable[[], None]
) -> Answer:
    """Publish to a topic."""
    subject = message.headline.encode("ascii", "ignore").decode().strip()[:_SUBJECT] or "alert"
    text = plain(message).encode()[:_TEXT_BYTES].decode("utf-8", "ignore")

    def call() -> str:
        client = _client("sns", credential, timeout_s)
        attributes = {"message_id": {"DataType": "String", "StringValue": message.id}}
        risk()
        answer = client.publish(TopicArn=to, Subject=subject, Message=text, MessageAttributes=attributes)
        return str(answer["MessageId"])

    return _answer(call)


def send_ses(
    message: Rendered, to: str, credential: Credential, timeout_s: float, risk: Callable[[], None]
) -> Answer:
    """Send a mail."""
    sender = str(credential.extra.get("from") or "")
    letter = mail.compose(message, sender, to)

    def call() -> str:
        client = _client("ses", credential, timeout_s)
        recipients = [address.strip() for address in to.split(",")]
        risk()
        answer = client.send_raw_email(
            Source=sender, Destinations=recipients, RawMessage={"Data": letter.as_bytes()}
        )
        return str(answer["MessageId"])

    return _answer(call)


def _client(service: str, credential: Credential, timeout_s: float) -> Any:  # noqa: ANN401 boto3 has no types
    config = Config(connect_timeout=timeout_s, read_timeout=timeout_s, retries={"total_max_attempts": 1})
    return boto3.client(
        service,
        endpoint_url=credential.extra.get("endpoint_url"),
        region_name=credential.extra.get("region_name"),
        aws_access_key_id=credential.login,
        aws_secret_access_key=credential.password,
        config=config,
    )


def _answer(call: Callable[[], str]) -> Answer:
    try:
        return Answer("delivered", call())
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        busy = status in (429, 500, 502, 503) or code.startswith(_BUSY)
        return Answer("busy" if busy else "locked", f"{status} {code}")
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        return Answer("unreachable", type(error).__name__)
    except (NoCredentialsError, NoRegionError) as error:
        return Answer("locked", type(error).__name__)
    except (BotoCoreError, OSError) as error:
        return Answer("unclear", type(error).__name__)
