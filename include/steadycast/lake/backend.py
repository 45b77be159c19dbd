"""What the lake needs of a store, and the paths within it."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa

TEMP_SUFFIX = ".tmp"


class Backend(Protocol):
    """A store of whole objects under slash-separated paths; local folder and S3 behave the same.

    Every write is whole or not at all: a reader, also one at the same moment or after a kill, sees the object
    before or after, never in between. All methods raise subclasses of ``LakeError``.
    """

    url: str

    def write(self, path: str, data: bytes) -> None:
        """Store, replacing what was there."""
        ...

    def write_if_absent(self, path: str, data: bytes) -> bool:
        """Store unless something is there; of writers at the same moment exactly one gets True."""
        ...

    def read(self, path: str) -> bytes:
        """The whole object; ArtefactMissing if there is none."""
        ...

    def open(self, path: str) -> pa.NativeFile:
        """A seekable pyarrow file for reading parts of an object; ArtefactMissing if there is none."""
        ...

    def exists(self, path: str) -> bool:
        """Is there an object of this path?"""
        ...

    def list(self, folder: str) -> list[str]:
        """Paths of all objects below the folder, at any depth, sorted; empty if there is no such folder."""
        ...

    def delete(self, path: str) -> None:
        """Remove the object; no error if there is none."""
        ...

    def link(self, path: str) -> str:
        """Where a person finds the object."""
        ...


def checked(path: str) -> str:
    """The path, if it stays within the lake and is the same on every store.

    Raises:
        ValueError: the path is empty, absolute, climbs out, or uses a name kept for unfinished writes.
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\\" in part or not part.isprintable() for part in parts):
        raise ValueError(f"{path!r} is no path within the lake; expected names joined by '/'")
    if any(is_temporary(part) for part in parts):
        raise ValueError(f"{path!r} uses a name kept for unfinished writes ('.…{TEMP_SUFFIX}')")
    return path


def checked_folder(folder: str) -> str:
    """The folder without a closing slash; '' is the whole lake."""
    folder = folder.rstrip("/")
    return checked(folder) if folder else ""


def is_temporary(name: str) -> bool:
    """Is this the name of an unfinished write?"""
    return name.startswith(".") and name.endswith(TEMP_SUFFIX)
