"""A file that somebody hands over, a log or a ZIP of the three cubes as CSV, as usage; nothing of it stays on disk."""

from __future__ import annotations

import io
import tempfile
import zipfile
import zlib
from pathlib import Path

from llmplan.errors import InputError
from llmplan.units import S_PER_HOUR
from llmplan.usage.importing import import_usage
from llmplan.usage.summary import Usage, read_usage

MOST_BYTES = 20_000_000
"""Of a file once unpacked."""
MOST_HOURS, LAST_HOUR = 5_000_000, 1_200_000
"""That all rows cover together, and since 1970: what a page lays out hour by hour."""
CUBES = ("hours.csv", "tokens.csv", "minutes.csv")
GZIP, ZIP, PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"


def usage_of_file(data: bytes) -> Usage:
    """Return the usage that a file holds.

    Raises
    ------
    InputError: for more than `MOST_BYTES` unpacked, a ZIP without the cubes, or what no format reads.
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
        if data.startswith(ZIP):
            return _of_cubes(data, folder)
        if data.startswith(PARQUET):
            raise InputError(
                "file", "Parquet", "is not read here", "use llmplan usage import, and bring its cubes"
            )
        (folder / "log").write_bytes(_unpacked(data))
        import_usage([folder / "log"], folder / "usage", temp=folder / "temp")
        return read_usage(folder / "usage")


def _of_cubes(data: bytes, folder: Path) -> Usage:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            inside = {Path(item.filename).name: item for item in packed.infolist()}
            missing = [name for name in CUBES if name not in inside]
            if missing:
                fix = "pack hours.csv, tokens.csv and minutes.csv"
                raise InputError("file", "ZIP", f"holds no {missing[0]}", fix)
            _check_size(sum(inside[name].file_size for name in CUBES))
            for name in CUBES:
                (folder / name).write_bytes(packed.read(inside[name]))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error):
        raise InputError("file", "ZIP", "cannot be unpacked", "pack it again, without a password") from None
    return read_usage(folder)


def _unpacked(data: bytes) -> bytes:
    """Return the text of a file that may be packed with gzip."""
    if not data.startswith(GZIP):
        return data
    try:
        text = zlib.decompressobj(wbits=31).decompress(data, MOST_BYTES + 1)
    except zlib.error:
        raise InputError("file", "gzip", "cannot be unpacked", "pack it again") from None
    _check_size(len(text))
    return text


def _check_size(size: int) -> None:
    if size > MOST_BYTES:
        rule = f"is more than {MOST_BYTES // 1_000_000} MB unpacked"
        raise InputError("file", f"{size:,} bytes", rule, "use llmplan usage import, and bring its cubes")
