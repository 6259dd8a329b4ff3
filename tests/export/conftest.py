"""LibreOffice to open what was written."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

# LibreOffice keeps the values a foreign workbook carries unless told to calculate them again.
ALWAYS_CALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse">
<value>0</value></prop></item></oor:items>
"""


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Path]]:
    """Return a function that lets LibreOffice read files, calculate them and write them in another format.

    Its start is two fifths of what one workbook takes: name all files in one call.
    """
    program = shutil.which("soffice") or shutil.which("libreoffice")
    assert program, "LibreOffice is needed; tools/system-needs.sh installs it"
    profile = tmp_path_factory.mktemp("office")
    (profile / "user").mkdir()
    (profile / "user/registrymodifications.xcu").write_text(ALWAYS_CALCULATE)

    def convert(kind: str, *paths: Path) -> list[Path]:
        folder = tmp_path_factory.mktemp("converted")
        command = [program, "--headless", f"-env:UserInstallation=file://{profile}", "--convert-to", kind]
        command += ["--outdir", str(folder), *map(str, paths)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        made = [folder / f"{path.stem}.{kind}" for path in paths]
        assert all(path.exists() for path in made), done.stdout + done.stderr
        return made

    return convert
