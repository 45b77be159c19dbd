"""The only place that touches storage: artefacts whole or not at all, observations append-only by version."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from steadycast.errors import LakeMisplaced
from steadycast.lake.artefacts import Lake
from steadycast.lake.backend import Backend
from steadycast.lake.local import LocalBackend
from steadycast.lake.observations import Appended, Observations

__all__ = ["Appended", "Backend", "Lake", "Observations", "open_lake"]


def open_lake(
    url: str,
    *,
    s3_client: Any | None = None,  # noqa: ANN401 - boto3 makes its clients at run time; they have no type
    endpoint_url: str | None = None,
    access_key: str | None = None,
    secret_key: str | None = None,
    region: str | None = None,
) -> Lake:
    """The lake at an address. Nothing is read or written yet.

    Args:
        url: ``file:///absolute/folder``, a plain path, or ``s3://bucket/prefix``.
        s3_client: a boto3 client to use; made from the next arguments, or from AWS' environment, if left out.
        endpoint_url: address of a store that speaks S3; AWS' own if left out.
        access_key: S3 access key id.
        secret_key: S3 secret access key.
        region: S3 region.

    Raises:
        LakeMisplaced: the address is of no known kind.

    Example:
        >>> open_lake("/var/lib/steadycast").url
        'file:///var/lib/steadycast'
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Lake(LocalBackend(Path(unquote(parts.path))))
    if parts.scheme == "s3" and parts.netloc:
        # boto3 takes a third of a second to import; a local lake does without
        from steadycast.lake.s3 import S3Backend, make_client

        client = s3_client or make_client(endpoint_url, access_key, secret_key, region)
        return Lake(S3Backend(client, bucket=parts.netloc, prefix=parts.path.strip("/")))
    if url and "://" not in url:
        return Lake(LocalBackend(Path(url).expanduser()))
    raise LakeMisplaced(
        f"{url!r} is no address of a lake",
        remedy="use file:///absolute/folder, a plain path, or s3://bucket/prefix",
    )
