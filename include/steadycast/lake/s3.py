"""The lake in an S3 bucket, or in a store that speaks S3 and knows conditional writes."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pyarrow as pa
from botocore import exceptions as aws
from botocore.config import Config

from steadycast.errors import (
    ArtefactMissing,
    ArtefactUnreadable,
    LakeDenied,
    LakeError,
    LakeMisplaced,
    LakeUnreachable,
)
from steadycast.lake.backend import checked, checked_folder

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
ATTEMPTS = 4
CONFLICT_ATTEMPTS = 6
TAIL_BYTES = 65_536
"""First read of a file that is read in parts: holds the footer of a segment, and all of a small one."""

_MISSING = {"NoSuchKey", "404", "NotFound"}
_DENIED = {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_DENIED |= {"ExpiredToken", "InvalidToken", "RequestTimeTooSkewed", "AllAccessDisabled"}
_LATER = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling"}
_WRITER = "steadycast-writer"


def make_client(
    endpoint_url: str | None = None,
    access_key: str | None = None,
    secret_key: str | None = None,
    region: str | None = None,
    *,
    attempts: int = ATTEMPTS,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    read_timeout_s: float = READ_TIMEOUT_S,
) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time; they have no type to import
    """A boto3 client that gives up in bounded time; what is left out comes from AWS' environment.

    Args:
        endpoint_url: address of a store that speaks S3; AWS' own if left out.
        access_key: access key id.
        secret_key: secret access key.
        region: region; us-east-1 for a store of one's own.
        attempts: requests in all, with growing waits, on time-outs, dropped connections, 429 and 5xx.
        connect_timeout_s: longest wait for a connection, in seconds.
        read_timeout_s: longest silence within an answer, in seconds.
    """
    own = endpoint_url is not None
    config = Config(
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=32,
        # stores of one's own rarely resolve bucket names as hosts, and some refuse the newer checksum headers
        s3={"addressing_style": "path" if own else "auto"},
        request_checksum_calculation="when_required" if own else "when_supported",
        response_checksum_validation="when_required" if own else "when_supported",
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint_url,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=region or ("us-east-1" if own else None),
        config=config,
    )


class S3Backend:
    """Objects are keys below ``prefix``; S3 itself writes each whole or not at all.

    Args:
        client: a boto3 S3 client.
        bucket: name of a bucket that exists.
        prefix: key of the lake's folder, without slashes at its ends; '' for the whole bucket.
    """

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:  # noqa: ANN401 - see make_client
        self._client = client
        self._bucket = bucket
        self._below = f"{prefix}/" if prefix else ""
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")

    def write(self, path: str, data: bytes) -> None:
        """Store, replacing what was there."""
        with self._explained(path):
            self._client.put_object(Bucket=self._bucket, Key=self._key(path), Body=data)

    def write_if_absent(self, path: str, data: bytes) -> bool:
        """Store unless something is there; of writers at the same moment exactly one gets True."""
        writer = secrets.token_hex(16)
        wait_s = 0.05
        for attempt in range(CONFLICT_ATTEMPTS):
            try:
                with self._explained(path):
                    self._client.put_object(
                        Bucket=self._bucket,
                        Key=self._key(path),
                        Body=data,
                        IfNoneMatch="*",
                        Metadata={_WRITER: writer},
                    )
                return True
            except _ConditionFailed as failed:
                # boto repeats a write whose answer was lost, and the repetition meets our own object
                return failed.repeated and self._written_by(path, writer)
            except _ConditionalConflict:
                if attempt == CONFLICT_ATTEMPTS - 1:
                    raise
                time.sleep(wait_s)
                wait_s *= 2
        raise AssertionError("the loop returns or raises")

    def read(self, path: str) -> bytes:
        """The whole object; ArtefactMissing if there is none."""
        with self._explained(path):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key(path))
            data: bytes = answer["Body"].read()
            return data

    def open(self, path: str) -> pa.NativeFile:
        """A seekable pyarrow file that fetches the parts asked for; ArtefactMissing if there is none."""
        return pa.PythonFile(_ObjectParts(self, path), mode="r")

    def read_part(self, path: str, part: str) -> tuple[bytes, int]:
        """A part of an object, by an HTTP byte range such as ``0-99`` or ``-100``; and its whole size."""
        with self._explained(path):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key(path), Range=f"bytes={part}")
            data: bytes = answer["Body"].read()
            size = str(answer.get("ContentRange", len(data))).rsplit("/", 1)[-1]
            return data, int(size)

    def exists(self, path: str) -> bool:
        """Is there an object of this key?"""
        try:
            with self._explained(path):
                self._client.head_object(Bucket=self._bucket, Key=self._key(path))
        except ArtefactMissing:
            # an answer to HEAD has no body, so a missing bucket looks the same; a GET tells
            with self._explained(path):
                self._client.list_objects_v2(Bucket=self._bucket, MaxKeys=1)
            return False
        return True

    def list(self, folder: str) -> list[str]:
        """Paths of all objects below the folder, sorted."""
        folder = checked_folder(folder)
        below = f"{self._below}{folder}/" if folder else self._below
        with self._explained(folder):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=below)
            keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
        # consoles mark folders with empty objects whose key ends in a slash
        return sorted(key.removeprefix(self._below) for key in keys if not key.endswith("/"))

    def delete(self, path: str) -> None:
        """Remove the object; no error if there is none."""
        with self._explained(path):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(path))

    def link(self, path: str) -> str:
        """The object's s3 address."""
        return f"s3://{self._bucket}/{self._key(path)}"

    def _key(self, path: str) -> str:
        return self._below + checked(path)

    def _written_by(self, path: str, writer: str) -> bool:
        with self._explained(path):
            head = self._client.head_object(Bucket=self._bucket, Key=self._key(path))
        return bool(head["Metadata"].get(_WRITER) == writer)

    @contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        """Turn boto's errors into the lake's."""
        try:
            yield
        except aws.ClientError as error:
            raise self._answered(error, path) from error
        except (aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError) as error:
            raise LakeDenied(
                f"no usable credential for {self.url}: {error}",
                remedy="set both keys of the lake's connection, or AWS' own environment variables",
            ) from error
        except (aws.HTTPClientError, aws.ConnectionError, aws.ResponseStreamingError) as error:
            raise LakeUnreachable(
                f"{self.url} does not answer: {error}",
                remedy="see that the store runs and the endpoint's address is right, then clear the task",
            ) from error
        except aws.BotoCoreError as error:
            raise LakeError(
                f"{self.url} can not be used: {error}",
                remedy="look at the lake's address, region and credential",
            ) from error

    def _answered(self, error: aws.ClientError, path: str) -> LakeError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        meta = error.response.get("ResponseMetadata", {})
        status = int(meta.get("HTTPStatusCode", 0))
        place = self.link(path) if path else self.url
        if code == "NoSuchBucket":
            return LakeMisplaced(
                f"there is no bucket {self._bucket!r} (asked for {place})",
                remedy=f"make the bucket {self._bucket!r}, or correct the lake's address",
            )
        if code in _MISSING:
            return ArtefactMissing(path)
        if code == "InvalidRange":
            return ArtefactUnreadable(path, "it is empty")  # the only object that has no last bytes
        if status == 412:
            return _ConditionFailed(place, repeated=meta.get("RetryAttempts", 0) > 0)
        if status == 409:
            return _ConditionalConflict(
                f"{place} is being written by others ({code})",
                remedy="let the task retry; nothing was changed",
            )
        if code in _DENIED or status == 403:
            return LakeDenied(
                f"{place} is refused: {error}",
                remedy="give the lake's credential s3:GetObject, s3:PutObject, s3:ListBucket on it",
            )
        if code in _LATER or status >= 500:
            return LakeUnreachable(
                f"{place} is not served now: {error}",
                remedy="let the task retry; if it lasts, look at the store",
            )
        return LakeError(f"{place} failed: {error}", remedy="look up the code in the S3 documentation")


class _ConditionFailed(LakeError):
    """Something is there already; ``repeated``: the request had been sent before."""

    def __init__(self, place: str, *, repeated: bool) -> None:
        self.repeated = repeated
        super().__init__(f"{place} is there already", remedy="read it instead")


class _ConditionalConflict(LakeUnreachable):
    """Another write of the same key is under way."""


class _ObjectParts(io.RawIOBase):
    """An object as a seekable file: the tail is fetched at once, what lies before it when it is read."""

    def __init__(self, backend: S3Backend, path: str) -> None:
        self._backend = backend
        self._path = path
        self._tail, self._size = backend.read_part(path, f"-{TAIL_BYTES}")
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        stop = self._size if size < 0 else min(self._size, self._at + size)
        start, self._at = self._at, max(self._at, stop)
        if start >= stop:
            return b""
        tail_from = self._size - len(self._tail)
        if start >= tail_from:
            return self._tail[start - tail_from : stop - tail_from]
        data, _ = self._backend.read_part(self._path, f"{start}-{stop - 1}")
        return data
