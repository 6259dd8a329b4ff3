"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from llmplan.errors import InputError

NEW_FILE_MODE = 0o666


def write_whole(path: Path | str, content: bytes) -> Path:
    """Write a file beside its place and move it there: an existing file is replaced only by a whole new one.

    Raises InputError where the folder is missing or may not be written.
    """
    target = Path(path)
    if target.is_dir():
        raise InputError("--out", str(path), "is a folder", "name a file in it")
    if not target.parent.is_dir():
        raise InputError("--out", str(path), "its folder does not exist", f"create {target.parent} first")
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise InputError(
            "--out", str(path), f"cannot be written ({error.strerror})", "name another place"
        ) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _give_usual_mode(Path(name), target)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target


def _give_usual_mode(written: Path, target: Path) -> None:
    """A temporary file is readable by its owner alone; a report is meant to be passed on."""
    if target.exists():
        written.chmod(target.stat().st_mode & 0o777)
        return
    mask = os.umask(0)
    os.umask(mask)
    written.chmod(NEW_FILE_MODE & ~mask)
