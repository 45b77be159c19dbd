"""An object in S3 or in a store that speaks its protocol."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from steadycast.errors import BadCredential, BadResponse, SourceError, SourceTimeout, SourceUnreachable
from steadycast.progress import Progress, silent
from steadycast.settings import S3ObjectSource
from steadycast.sources.address import is_loopback
from steadycast.sources.decoding import Unreadable, file_table, too_large, unzipped
from steadycast.sources.masking import Secrets
from steadycast.sources.poll import Connection, Poll, Window
from steadycast.sources.table import to_poll

_DENIED = {
    "403",
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
}
_PIECE = 1 << 20
_ATTEMPTS = 4
T = TypeVar("T")


def fetch(
    source: S3ObjectSource, window: Window, connection: Connection | None, *, progress: Progress = silent
) -> Poll:
    """Read the object; ``.gz`` is unpacked.

    Without a connection, or without login and password in it, boto3's own chain of credentials is asked.

    Raises:
        SourceUnreachable: the object is not there, or the store does not answer after all attempts.
        SourceTimeout: slower than one of the source's limits.
        BadCredential: the credential is refused or missing.
        BadResponse: the object can not be read as its format, or is over the limit.
        SchemaDrift: it lacks a column that pipeline.yaml names.
        SourceError: there is no such bucket, or the store refuses the request otherwise.
    """
    key = window.fill(source.key)
    shown, hide = f"s3://{source.bucket}/{key}", Secrets(connection).hide
    limit = int(source.max_response_mb * 1e6)
    try:
        body = _within(source, shown, lambda: _read(_client(source, connection), source.bucket, key, limit))
        content = unzipped(body, limit) if key.endswith(".gz") else body
        table = file_table(content, source.format)
    except Unreadable as error:
        raise BadResponse(source.name, f"{shown} {error.what}", remedy=error.remedy) from error
    except ClientError as error:
        raise _refused(source, error, shown, hide(str(error))) from error
    except (BotoCoreError, ValueError) as error:
        raise _failed(source, error, shown, hide(str(error))) from error
    progress(f"{source.name} object", 1, 1)
    return to_poll(table, source, source.layout, window, requests=1, size=len(body))


def _client(source: S3ObjectSource, connection: Connection | None) -> Any:  # noqa: ANN401 - boto3 has no types
    limits = source.timeouts
    given = connection or Connection("")
    return boto3.client(
        "s3",
        endpoint_url=given.address or None,
        aws_access_key_id=given.login or None,
        aws_secret_access_key=given.password or None,
        aws_session_token=given.token or None,
        region_name=given.extra.get("region_name") or "us-east-1",
        config=Config(
            # a proxy from the environment is for the way out, never for a store on this machine
            proxies={} if is_loopback(urlsplit(given.address).hostname or "") else None,
            connect_timeout=limits.connect_s,
            read_timeout=min(limits.read_s, limits.request_s),
            retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        ),
    )


def _read(client: Any, bucket: str, key: str, limit: int) -> bytes:  # noqa: ANN401 - boto3 has no types
    found = client.get_object(Bucket=bucket, Key=key)
    with contextlib.closing(found["Body"]) as stream:
        if found["ContentLength"] > limit:
            raise too_large(limit)
        return b"".join(stream.iter_chunks(_PIECE))


def _within(source: S3ObjectSource, shown: str, work: Callable[[], T]) -> T:
    """The work's result, or SourceTimeout after total_s.

    boto3 has no limit for a whole transfer. A store that drips is left to a thread of its own, which the end
    of the task's process ends.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name=f"{source.name} transfer", daemon=True)
    thread.start()
    thread.join(source.timeouts.total_s)
    if failed:
        raise failed[0]
    if not done:
        raise SourceTimeout(
            source.name,
            f"{shown} took longer than total_s = {source.timeouts.total_s:g} s",
            remedy="clear the task; raise timeouts.total_s only if it is always that slow",
        )
    return done[0]


def _refused(source: S3ObjectSource, error: ClientError, shown: str, said: str) -> SourceError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in ("NoSuchKey", "404"):
        return SourceUnreachable(
            source.name,
            f"there is no object {shown}",
            remedy="deliver the object or correct key, then clear the task",
        )
    if code == "NoSuchBucket":
        return SourceError(
            source.name, f"there is no bucket {source.bucket!r}", remedy="correct bucket or the connection"
        )
    if code in _DENIED or status in (401, 403):
        return BadCredential(
            source.name,
            f"the credential is refused for {shown}: {said}",
            remedy=f"renew login and password of the Airflow connection {source.connection!r}, or its rights",
        )
    if status >= 500 or status == 429 or code == "SlowDown":
        return SourceUnreachable(
            source.name, f"{shown}: {said}", remedy="wait for the store and clear the task"
        )
    return SourceError(source.name, f"{shown}: {said}", remedy="correct bucket and key of the source")


def _failed(source: S3ObjectSource, error: Exception, shown: str, said: str) -> SourceError:
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return BadCredential(
            source.name,
            f"there is no credential for {shown}",
            remedy="put the access key into login and the secret key into password of the connection",
        )
    if isinstance(error, ConnectTimeoutError | ReadTimeoutError):
        return SourceTimeout(source.name, f"{shown}: {said}", remedy="wait for the store and clear the task")
    if isinstance(error, EndpointConnectionError | HTTPClientError | ResponseStreamingError):
        return SourceUnreachable(
            source.name, f"{shown}: {said}", remedy="wait for the store and clear the task"
        )
    return SourceError(
        source.name, f"{shown}: {said}", remedy="correct the connection's address, bucket or key"
    )
