"""Any file as records with their lines: JSON lines, JSON, CSV, Parquet, Prometheus text; plain or gzip."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
import sys
import zipfile
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from llmplan.errors import InputError
from llmplan.usage.values import US_PER_S, as_object, moment

Found = tuple[int, Mapping[str, Any] | InputError]
"""A line, as a spreadsheet counts, and the record that ends there, or what is wrong with it."""
CHUNK = 1 << 20
WRAPPERS = ("data", "result", "results", "records", "rows", "items", "value", "events", "logEvents", "logs")
MESSAGES = ("message", "@message", "jsonPayload")
PAGES = ("data", "result")
PARQUET = b"PAR1"
METRICS = "metrics"
"""Key under which a scrape's record holds its samples: (name, labels, value)."""
_SAMPLE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+(\d+(?:\.\d+)?))?(?:\s*#.*)?\s*$")
_LABEL = re.compile(r'([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"')
_STAMP = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)[T_ -]?(\d\d)[:-]?(\d\d)[:-]?(\d\d)?")


def records(path: Path) -> Generator[Found]:
    """Yield every record of a file. A record that cannot be read is an InputError in its place."""
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == PARQUET
        if is_parquet:
            yield from _parquet(path)
            return
        with opened(path) as text:
            yield from _text(text, path)
    except (OSError, EOFError) as error:
        yield unreadable(path, error)


def unreadable(path: Path, error: Exception) -> Found:
    """Return what is wrong with a file that breaks off."""
    reason = getattr(error, "strerror", None) or "is cut off"
    return 0, InputError("file", path.name, f"cannot be read ({reason})", "give a whole file")


@contextmanager
def opened(path: Path) -> Iterator[IO[str]]:
    """Open a file's text, packed or not, its line ends as they are."""
    with path.open("rb") as file:
        head = file.read(2)
        file.seek(0)
        binary: Any = gzip.GzipFile(fileobj=file) if head == b"\x1f\x8b" else file
        encoding = "utf-16" if head in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        # Prompts in a log may hold anything; what is kept of a row is plain.
        with io.TextIOWrapper(binary, encoding=encoding, errors="replace", newline="") as text:
            yield text


@contextmanager
def zip_of(file: Path | IO[bytes], name: str) -> Iterator[zipfile.ZipFile]:
    """Open a ZIP, and raise InputError of what is called `name` where it cannot be unpacked."""
    try:
        with zipfile.ZipFile(file) as packed:
            yield packed
    except (zipfile.BadZipFile, RuntimeError, zlib.error):
        raise InputError("file", name, "cannot be unpacked", "pack it again, without a password") from None


def _text(file: IO[str], path: Path) -> Iterator[Found]:
    lines = 0
    for first in file:
        lines += 1
        if first.strip():
            break
    else:
        return
    if first.lstrip()[0] in "{[":
        yield from _json(first, file, lines)
    elif first.startswith("#") or _SAMPLE.match(first.strip()):
        yield from _scrapes(first, file, path)
    else:
        yield from csv_records(first, file, lines)


def _json(first: str, file: IO[str], line: int) -> Iterator[Found]:
    try:
        is_lines = isinstance(json.loads(first), dict)
    except ValueError:
        is_lines = False
    if not is_lines:
        yield from _json_stream(first, file)
        return
    yield from json_lines(enumerate(_chain(first, file), line))


def json_lines(numbered: Iterable[tuple[int, str]]) -> Iterator[Found]:
    """Yield the record of each line."""
    for line, text in numbered:
        if stripped := text.strip():
            yield line, _decoded(stripped)


def _chain(first: str, file: Iterable[str]) -> Iterator[str]:
    yield first
    yield from file


def _decoded(text: str) -> Mapping[str, Any] | InputError:
    try:
        value = json.loads(text.rstrip(","))
    except (ValueError, RecursionError) as error:
        return InputError("record", text[:40], f"is not JSON ({error})", "export the file again")
    return _object(value)


def _object(value: Any) -> Mapping[str, Any] | InputError:
    if isinstance(value, dict):
        return value
    return InputError("record", str(value)[:40], "is not an object", "give one object a record")


def _json_stream(text: str, file: IO[str]) -> Iterator[Found]:
    """Yield the elements of a JSON array of any size, or objects one after another, reading as it goes.

    Commas too many (Helicone writes one after the last record) do no harm.
    """
    decoder, place, line, chunk = json.JSONDecoder(), 0, 1, CHUNK
    while True:
        start = len(text) - len(text[place:].lstrip(" \t\r\n,[]"))
        line, place = line + text.count("\n", place, start), start
        error: Exception | None = None
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as caught:
            value, end, error = None, place, caught
        more = file.read(chunk) if error or end >= len(text) - 1 else ""
        if more:
            text, place, chunk = text[place:] + more, 0, chunk * 2
        elif error:
            if text[place:].strip():
                rule = f"is not JSON ({error})"
                yield line, InputError("record", text[place : place + 40], rule, "export the file again")
            return
        else:
            chunk = CHUNK
            yield line, _object(value)
            line += text.count("\n", place, end)
            place = end


def unwrapped(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the records one level within a page of an interface or a log collector's envelope; [] where none is."""
    for key in WRAPPERS:
        if isinstance(record.get(key), list):
            return [as_object(item) for item in record[key]]
    for key in (*MESSAGES, *PAGES):
        if inner := as_object(record.get(key)):
            return [inner]
    return []


def delimiter_of(headings: str) -> str:
    """Return what parts the cells of a line."""
    return max(",;\t", key=headings.count)


def csv_records(first: str, lines: Iterable[str], line: int) -> Iterator[Found]:
    """Yield the records under the headings of the first line, which is the `line`-th."""
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(_chain(first, lines), delimiter=delimiter_of(first))
    before = line - 1
    try:
        header = [name.strip() for name in next(reader)]
        for cells in reader:
            while len(cells) > len(header) and not cells[-1].strip():
                cells.pop()
            # Files put one after another repeat their headings.
            if not any(cell.strip() for cell in cells) or [cell.strip() for cell in cells] == header:
                continue
            if len(cells) > len(header):
                rule = f"has {len(cells)} cells under {len(header)} headings"
                yield (
                    before + reader.line_num,
                    InputError("row", cells[0][:40], rule, "quote cells with commas"),
                )
                continue
            # A short row leaves the cells at its end empty.
            yield before + reader.line_num, dict(zip(header, cells, strict=False))
    except csv.Error as error:
        rule = f"is not valid CSV ({error})"
        yield before + reader.line_num, InputError("row", "", rule, "close every quote")


def _parquet(path: Path) -> Iterator[Found]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        line = 1
        for batch in pq.ParquetFile(path).iter_batches(10_000):
            for record in batch.to_pylist():
                line += 1
                yield line, record
    except pa.ArrowException as error:
        yield 0, InputError("file", path.name, f"is not Parquet ({str(error)[:60]})", "write it again")


def _scrapes(first: str, file: IO[str], path: Path) -> Iterator[Found]:
    """Yield one record a scrape; samples with times of their own may make several of one file.

    Files of one folder whose names differ in their times alone come from one source.
    """
    by_time: dict[int, list[tuple[str, dict[str, str], float]]] = {}
    at_file = None
    line = 0
    for line, text in enumerate(_chain(first, file), start=1):
        if text.startswith("#") or not text.strip():
            continue
        found = _SAMPLE.match(text.strip())
        try:
            name, labels, value, stamp = found.groups() if found else (None, None, "", None)
            figure = float(value)
        except ValueError:
            name = None
        if name is None:
            yield (
                line,
                InputError("sample", text.strip()[:40], "is not NAME{LABELS} VALUE", "scrape it again"),
            )
            continue
        if stamp is None and at_file is None:
            at_file = _time_of(path)
        when = moment({"timestamp": stamp}, "timestamp") if stamp else at_file
        assert when is not None
        if math.isfinite(figure):
            by_time.setdefault(when, []).append((name, dict(_LABEL.findall(labels or "")), figure))
    for when, samples in sorted(by_time.items()):
        source = str(path.parent / re.sub(r"[\d.]+$", "", _STAMP.sub("", path.stem)))
        yield line, {"ts_us": when, "source": source, METRICS: samples}


def _time_of(path: Path) -> int:
    """Return when a scrape was taken: the time in the file's name, else the file's own."""
    found = _STAMP.search(path.name)
    if found is None:
        return round(path.stat().st_mtime * US_PER_S)
    year, month, day, hour, minute, second = (part or "00" for part in found.groups())
    return moment({"file": f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"}, "file")
