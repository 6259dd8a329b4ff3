"""A row is appended and every other byte stays; a file is replaced whole and at once."""

from pathlib import Path

import pytest

from llmplan.catalog.editing import append_row, write_atomically

TABLE = b'\xef\xbb\xbfa,b,c\r\n1,"x, ""y""\r\nz",3\r\n\r\n4,,6'


def test_a_row_is_appended_in_the_file_s_own_line_ends() -> None:
    assert append_row(TABLE, {"a": "7", "c": "8"}) == TABLE + b"\r\n7,,8\r\n"
    assert append_row(b"a,b\n", {"b": "1"}) == b"a,b\n,1\n"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"old")

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, f"no space for {target.name} beside {self.name}")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="no space"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["table.csv"]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
