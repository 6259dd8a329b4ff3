"""Files are whole or not there, and an old one survives a failure."""

import os
import stat
from pathlib import Path

import pytest

from llmplan.errors import InputError, UnknownNameError
from llmplan.export.files import file_name, write_export, write_whole
from llmplan.report import Report


def test_written_whole_and_readable_by_others(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        path = write_whole(tmp_path / "a.csv", b"new")
    finally:
        os.umask(mask)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_an_old_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    path.chmod(0o600)
    write_whole(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device", handle)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        write_whole(tmp_path / "missing" / "a.csv", b"")
    with pytest.raises(InputError, match="is a folder"):
        write_whole(tmp_path, b"")


def test_named_after_the_scenario(report: Report, tmp_path: Path) -> None:
    assert file_name(report, "pptx") == "llmplan-export-test.pptx"
    path = write_export(report, "csv", tmp_path, table="map")
    assert path == tmp_path / "llmplan-export-test-map.csv"


def test_a_hostile_name_stays_in_the_folder(report: Report) -> None:
    from dataclasses import replace

    made = replace(report, scenario=report.scenario.but(name="../../etc/passwd"))
    assert file_name(made, "html") == "llmplan-etc-passwd.html"


def test_an_unknown_format_offers_the_known(report: Report) -> None:
    with pytest.raises(UnknownNameError, match="pptx"):
        write_export(report, "ppt")
