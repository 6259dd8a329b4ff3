"""Where data files are: the shipped folder, and folders of the user's own that it completes."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from llmplan.catalog.reading import RawTable, read_table
from llmplan.catalog.tables import Table

_PACKAGE = Path(__file__).resolve().parent.parent


def data_dir() -> Path:
    """Return the folder of the shipped tables: the wheel's copy, or the checkout's data/."""
    return _shipped("data")


def notebooks_dir() -> Path:
    """Return the folder of the shipped notebooks: the wheel's copy, or the checkout's notebooks/."""
    return _shipped("notebooks")


def _shipped(name: str) -> Path:
    packaged = _PACKAGE / "_shipped" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


@lru_cache(maxsize=8)
def tables_digest(folder: Path) -> str:
    """Return a digest of a folder's tables, by name and content, as they are when it is first asked for."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in (".csv", ".json")):
        found.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


@dataclass(frozen=True, eq=False)
class DataFolder:
    """A folder of data files; what it lacks is taken from the shipped data."""

    path: Path

    def holds(self, file: str) -> bool:
        """Say whether the folder has the file itself; the shipped folder has them all."""
        return (self.path / file).exists() or self.path.resolve() == data_dir().resolve()

    def find(self, file: str) -> Path:
        """Return where a file is read from: the folder, or the shipped data where the folder lacks it."""
        return (self.path if self.holds(file) else data_dir()) / file

    def read(self, table: Table) -> RawTable:
        """Return a table as text."""
        return read_table(table, self.find(table.file))
