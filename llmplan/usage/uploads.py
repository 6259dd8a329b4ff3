"""A file that somebody hands over (a log, a ZIP of logs or of the three cubes as CSV) as usage, and the ZIP to bring.

Nothing stays on disk.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llmplan.errors import InputError
from llmplan.units import S_PER_HOUR
from llmplan.usage.cubes import save
from llmplan.usage.importing import import_usage
from llmplan.usage.reading import zip_of
from llmplan.usage.streamed import MINUTES_PER_HOUR
from llmplan.usage.summary import Usage, read_usage

if TYPE_CHECKING:
    import pyarrow.parquet as pq

MOST_BYTES = 20_000_000
"""Of a file once unpacked."""
MOST_HOURS, LAST_HOUR = 5_000_000, 1_200_000
"""That all rows cover together, and since 1970: what a page lays out hour by hour."""
CUBES = ("hours.csv", "tokens.csv", "minutes.csv")
ROWS_AT_ONCE = 10_000
FIX = "use llmplan usage import, and bring its cubes"
GZIP, ZIP, PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"


def usage_of_file(data: bytes) -> Usage:
    """Return the usage that a file holds.

    Raises
    ------
    InputError: for more than `MOST_BYTES` unpacked, a ZIP of some of the cubes, or what no format reads.
    """
    usage = _read(data)
    hours = usage.cubes.hours
    lengths = hours["bucket_s"].fillna(0) / S_PER_HOUR
    whole = (lengths >= 0).all() and lengths.sum() <= MOST_HOURS
    if not (whole and hours["hour"].dropna().between(0, LAST_HOUR).all()):
        raise InputError("file", "hours", "are of no log's time", "import the logs again")
    return usage


def _read(data: bytes) -> Usage:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        logs = _files_of_zip(data) if data.startswith(ZIP) else {"log": data}
        cubes = [name for name in CUBES if name in logs]
        if cubes and len(cubes) < len(CUBES):
            rule = f"holds no {next(name for name in CUBES if name not in logs)}"
            raise InputError("file", "ZIP", rule, f"pack {', '.join(CUBES)}")
        for path, held in logs.items():
            if held.startswith(ZIP):
                raise InputError("file", "a ZIP in a ZIP", "is not read here", FIX)
            if held.startswith(PARQUET):
                _write_lines(held, folder / path)
            else:
                (folder / path).write_bytes(_unpacked(held))
        _check_size(sum(path.stat().st_size for path in folder.iterdir()))
        if cubes:
            return read_usage(folder)
        import_usage([folder / path for path in logs], folder / "usage", temp=folder / "temp")
        return read_usage(folder / "usage")


def _files_of_zip(data: bytes) -> dict[str, bytes]:
    """Return a ZIP's files by their names without folders, and their place where two have one name."""
    found: dict[str, bytes] = {}
    with zip_of(io.BytesIO(data), "ZIP") as packed:
        items = [item for item in packed.infolist() if not item.is_dir()]
        _check_size(sum(item.file_size for item in items))
        for place, item in enumerate(items):
            name = Path(item.filename).name
            if not name.startswith("."):
                found[f"{place}-{name}" if name in found else name] = packed.read(item)
    if not found:
        raise InputError(
            "file", "ZIP", "holds no file", "pack logs, or hours.csv, tokens.csv and minutes.csv"
        )
    return found


def _unpacked(data: bytes) -> bytes:
    """Return a file, the text of one that is packed with gzip."""
    if not data.startswith(GZIP):
        return data
    try:
        text = zlib.decompressobj(wbits=31).decompress(data, MOST_BYTES + 1)
    except zlib.error:
        raise InputError("file", "gzip", "cannot be unpacked", "pack it again") from None
    _check_size(len(text))
    return text


def _write_lines(data: bytes, path: Path) -> None:
    """Write a Parquet file's records as lines of JSON, of which none grows beyond what a page takes.

    Text is held as codes and a dictionary: a few bytes of a file may stand for very many of the same long text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        about = pq.read_metadata(io.BytesIO(data))
        _check_size(max(about.num_rows * about.num_columns, _size(about)))
        leaves = [about.schema.column(place) for place in range(about.num_columns)]
        words = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        written = 0
        with pq.ParquetFile(io.BytesIO(data), read_dictionary=words) as file, path.open("w") as lines:
            for batch in file.iter_batches(ROWS_AT_ONCE):
                for place in range(batch.num_rows):
                    record = {name: batch[name][place].as_py() for name in batch.schema.names}
                    written += lines.write(json.dumps(record, default=str) + "\n")
                    _check_size(written)
    except (pa.ArrowException, OSError):
        raise InputError("file", "Parquet", "cannot be read", "write it again") from None


def _size(about: pq.FileMetaData) -> int:
    return sum(about.row_group(place).total_byte_size for place in range(about.num_row_groups))


def _check_size(size: int) -> None:
    if size > MOST_BYTES:
        rule = f"is more than {MOST_BYTES // 1_000_000} MB unpacked"
        raise InputError("file", f"{size:,} bytes", rule, FIX)


def zip_of_cubes(usage: Usage) -> bytes:
    """Return what a page takes in place of logs: the three cubes as CSV.

    Of an app's minutes, of which there are most, the first, the last and each hour's busiest: all that its peak needs.
    """
    minutes = usage.cubes.minutes
    by_app = minutes.groupby("app", dropna=False)["minute"]
    by_hour = minutes.groupby(["app", minutes["minute"] // MINUTES_PER_HOUR], dropna=False)["requests"]
    kept = {*by_hour.idxmax(), *by_app.idxmin(), *by_app.idxmax()}
    few = replace(usage.cubes, minutes=minutes.loc[sorted(kept)])
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        save(few, Path(name), ".csv")
        for cube in CUBES:
            file.write(Path(name) / cube, cube)
    return packed.getvalue()
