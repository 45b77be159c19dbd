"""From bytes to a table or a JSON value; what can not be read is refused with the place, never patched."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Mapping
from typing import Any

from steadycast.sources.table import Table


class Unreadable(Exception):
    """The bytes are not what they should be.

    Args:
        what: what is wrong, with its place.
        cut: it looks as if the end is missing, so that asking again may help.
        remedy: the next step.
    """

    def __init__(self, what: str, *, cut: bool = False, remedy: str = "look at the answer itself") -> None:
        self.what, self.cut, self.remedy = what, cut, remedy
        super().__init__(what)


def json_value(body: bytes, charset: str | None = None) -> Any:  # noqa: ANN401 - JSON is anything
    """The JSON value; numbers stay the text that was sent, so that no digit is lost."""
    text = _decoded(body, charset or json.detect_encoding(body))
    if not text.strip():
        raise Unreadable(
            "is empty instead of JSON", cut=True, remedy="poll again; ask the provider if it stays so"
        )
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except json.JSONDecodeError as error:
        raise _broken_json(text, error) from error
    except RecursionError as error:
        raise Unreadable("is JSON nested too deeply to be data") from error


def csv_table(body: bytes, *, delimiter: str = ",", encoding: str = "utf-8-sig") -> Table:
    """The table of a CSV text with a header line; empty text gives an empty table.

    Any line end, quoted cells and a byte-order mark are read. A line with more or fewer cells than the header
    is refused, because nobody knows which cell is the wrong one.
    """
    text = _decoded(body, encoding).removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    ends: list[int] = []
    try:
        for row in reader:
            if row and any(cell.strip() for cell in row):
                rows.append(row)
                ends.append(reader.line_num)
    except csv.Error as error:
        cut = "unexpected end" in str(error)
        raise Unreadable(f"is broken CSV at line {reader.line_num}: {error}", cut=cut) from error
    if not rows:
        return Table()
    header = [name.strip() for name in rows[0]]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise Unreadable(
            f"has the column {twice[0]!r} twice", remedy="ask the provider which of them is right"
        )
    _check_widths(header, rows, ends, cut_end=not text.endswith(("\n", "\r")), delimiter=delimiter)
    return Table({name: [row[i] for row in rows[1:]] for i, name in enumerate(header)}, len(rows) - 1)


def file_table(body: bytes, kind: str, *, delimiter: str = ",", encoding: str = "utf-8-sig") -> Table:
    """The table of a file of format csv, json (a list of records or one record a line) or parquet."""
    if kind == "csv":
        return csv_table(body, delimiter=delimiter, encoding=encoding)
    if kind == "parquet":
        return _parquet_table(body)
    return Table.of_records([flat(record) for record in _records_of_file(body)])


def flat(record: object, prefix: str = "") -> dict[str, Any]:
    """A record with nested objects as dotted keys, ``{"temp": {"max": 3}}`` -> ``{"temp.max": 3}``."""
    if not isinstance(record, Mapping):
        raise Unreadable(f"holds {type(record).__name__} {str(record)[:40]!r} where a record belongs")
    cells: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            cells |= flat(value, f"{prefix}{name}.")
        else:
            cells[prefix + name] = value
    return cells


def unzipped(body: bytes, limit: int) -> bytes:
    """The content of a gzip file, of at most ``limit`` bytes."""
    try:
        with gzip.open(io.BytesIO(body)) as file:
            content = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"is broken gzip: {error}", cut=isinstance(error, EOFError)) from error
    if len(content) > limit:
        raise too_large(limit)
    return content


def too_large(limit: int) -> Unreadable:
    """The refusal of a body over the limit in bytes."""
    return Unreadable(
        f"is larger than max_response_mb = {limit / 1e6:g}",
        remedy="ask for fewer days or smaller pages, or raise max_response_mb in pipeline.yaml",
    )


def _records_of_file(body: bytes) -> list[Any]:
    try:
        value = json_value(body)
    except Unreadable:
        lines = [line for line in body.splitlines() if line.strip()]
        if len(lines) < 2 or not all(line.lstrip().startswith(b"{") for line in lines):
            raise
        return [json_value(line) for line in lines]
    if isinstance(value, Mapping):
        return [value]
    if not isinstance(value, list):
        raise Unreadable("is JSON, but not a list of records")
    return value


def _parquet_table(body: bytes) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(body))
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(f"is no Parquet: {error}") from error
    return Table({name: table.column(name).to_pylist() for name in table.column_names}, table.num_rows)


def _decoded(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except LookupError as error:
        raise Unreadable(f"can not be decoded: there is no encoding {encoding!r}") from error
    except UnicodeDecodeError as error:
        # the last bytes of a cut text are often half a character
        raise Unreadable(
            f"is not {encoding}: byte 0x{body[error.start]:02x} at place {error.start}",
            cut=error.end >= len(body),
            remedy="set `encoding` of the source to the provider's encoding, e.g. cp1252",
        ) from error


def _broken_json(text: str, error: json.JSONDecodeError) -> Unreadable:
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return Unreadable(
            f"is cut: {len(text)} characters, and the JSON is not closed",
            cut=True,
            remedy="poll again; if it stays so, ask for smaller pages or for the provider's help",
        )
    around = text[max(0, error.pos - 20) : error.pos + 20]
    return Unreadable(
        f"is broken JSON at line {error.lineno} column {error.colno}: {error.msg} near {around!r}"
    )


def _check_widths(
    header: list[str], rows: list[list[str]], ends: list[int], *, cut_end: bool, delimiter: str
) -> None:
    for i, row in enumerate(rows):
        if len(row) == len(header):
            continue
        cut = cut_end and i == len(rows) - 1 and len(row) < len(header)
        shown = delimiter.join(row)[:60]
        raise Unreadable(
            f"{'is cut' if cut else 'is broken CSV'}: line {ends[i]} has {len(row)} cells and the header "
            f"{len(header)}: {shown!r}",
            cut=cut,
            remedy="ask the provider to quote cells that hold the delimiter; nothing was guessed",
        )
