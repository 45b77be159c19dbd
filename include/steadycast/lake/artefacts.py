"""Artefacts: bytes, JSON, tables and folders, each whole or not at all and the same bytes every time."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from steadycast.errors import ArtefactUnreadable
from steadycast.lake.backend import Backend, checked, checked_folder
from steadycast.lake.observations import Observations

MANIFEST = "manifest.json"


class Lake:
    """All that the pipeline stores, under paths that the run determines.

    Args:
        backend: the store; ``open_lake`` makes one from an address.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.url = backend.url

    def observations(self, source: str) -> Observations:
        """The versioned observations of one source."""
        return Observations(self.backend, source)

    def write_bytes(self, path: str, data: bytes) -> str:
        """Store whole or not at all, replacing what was there; returns the path."""
        self.backend.write(path, data)
        return path

    def write_bytes_if_absent(self, path: str, data: bytes) -> bool:
        """Store unless something is there, identical or not; of several writers one gets True."""
        return self.backend.write_if_absent(path, data)

    def read_bytes(self, path: str) -> bytes:
        """The whole artefact; ArtefactMissing if there is none."""
        return self.backend.read(path)

    def exists(self, path: str) -> bool:
        """Is there an artefact of this path?"""
        return self.backend.exists(path)

    def list(self, prefix: str) -> list[str]:
        """Paths of all artefacts below the folder ``prefix`` ('' for all), sorted; else none."""
        return self.backend.list(prefix)

    def delete(self, path: str) -> None:
        """Remove an artefact, if it is there. For retention only: stages never delete."""
        self.backend.delete(path)

    def link(self, path: str) -> str:
        """Where a person finds the artefact: an absolute file path or an s3 address."""
        return self.backend.link(path)

    def write_json(self, path: str, obj: object) -> str:
        """Store as JSON with sorted keys; dates become ISO 8601 texts.

        Raises:
            ValueError: a value is NaN or infinite, or of a type that JSON does not know; write None
                where nothing is known.
        """
        try:
            text = json.dumps(
                obj, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=2, default=_plain
            )
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} can not be stored as JSON: {error}") from error
        return self.write_bytes(path, f"{text}\n".encode())

    def read_json(self, path: str) -> Any:  # noqa: ANN401 - the caller knows the shape
        """The stored object; dates come back as texts."""
        data = self.read_bytes(path)
        try:
            return json.loads(data)
        except ValueError as error:
            raise ArtefactUnreadable(path, f"not JSON ({error})") from error

    def write_frame(self, path: str, df: pd.DataFrame) -> str:
        """Store as Parquet: the same frame gives the same bytes, and every dtype comes back as it was.

        An unnamed index of whole numbers is dropped, as it counts rows only.

        Raises:
            ValueError: a column's dtype would not survive, or the index carries information.
        """
        table = _to_arrow(path, df)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        return self.write_bytes(path, sink.getvalue().to_pybytes())

    def read_frame(self, path: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The stored table, or some of its columns, with a fresh index."""
        data = self.read_bytes(path)
        try:
            table = pq.read_table(pa.BufferReader(data), columns=None if columns is None else list(columns))
        except pa.ArrowInvalid as error:
            raise ArtefactUnreadable(path, f"not Parquet ({error})") from error
        frame: pd.DataFrame = table.to_pandas()
        return frame

    def write_folder(self, prefix: str, local: Path) -> str:
        """Store all files below a local folder, then a manifest with their checksums; returns ``prefix``.

        The folder is whole when its ``manifest.json`` is there. When the folder is written again, the
        manifest is taken away first, and files of an earlier attempt that are not in the new one go last.
        """
        prefix = checked(checked_folder(prefix))
        if not local.is_dir():
            raise ValueError(f"there is no folder {local} to store as {prefix}")
        files = sorted(p for p in local.rglob("*") if p.is_file())
        names = {p.relative_to(local).as_posix(): p for p in files}
        if MANIFEST in names:
            raise ValueError(f"{local} has a {MANIFEST} of its own; the lake's manifest would replace it")
        self.delete(f"{prefix}/{MANIFEST}")
        checksums = {}
        for name, file in names.items():
            data = file.read_bytes()
            checksums[name] = hashlib.sha256(data).hexdigest()
            self.write_bytes(f"{prefix}/{name}", data)
        self.write_json(f"{prefix}/{MANIFEST}", {"sha256": checksums})
        for path in self.list(prefix):
            if path.removeprefix(f"{prefix}/") not in {*names, MANIFEST}:
                self.delete(path)
        return prefix


def _plain(value: object) -> object:
    """What JSON does not know by itself: dates, and numpy's numbers."""
    if isinstance(value, dt.date) and not pd.isna(value):
        return value.isoformat()
    if isinstance(value, np.generic):
        plain = value.item()
        if isinstance(plain, str | int | float | bool):
            return plain
    raise TypeError(f"{type(value).__name__} {value!r} has no place in JSON")


def _to_arrow(path: str, df: pd.DataFrame) -> pa.Table:
    index = df.index
    if index.nlevels > 1 or index.name is not None or not pd.api.types.is_integer_dtype(index.dtype):
        raise ValueError(f"{path}: the index holds data that would be lost; call reset_index() first")
    frame = df.copy(deep=False)
    frame.attrs = {}  # would land in the file and make its bytes depend on how the frame came about
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False).combine_chunks()
    except pa.ArrowException as error:
        raise ValueError(f"{path} can not be stored as Parquet: {error}") from error
    back = _schema_as_stored(table.schema).empty_table().to_pandas().dtypes
    lost = [f"{c} ({df[c].dtype} would become {back[c]})" for c in df if str(df[c].dtype) != str(back[c])]
    if lost:
        raise ValueError(f"{path}: dtypes would not survive: {', '.join(lost)}; convert the columns first")
    return table


def _schema_as_stored(schema: pa.Schema) -> pa.Schema:
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    return pq.read_schema(pa.BufferReader(sink.getvalue()))
