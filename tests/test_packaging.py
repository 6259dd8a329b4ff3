"""The built wheel carries everything and works outside the checkout."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = {"data": "*", "notebooks": "*.ipynb"}


def run(*command: str | Path, folder: Path) -> str:
    """Return what a command prints; a failure shows what it said."""
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env=clean, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # The build backend itself, from the lock: no isolated build, so no network.
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, folder=ROOT)
    return next(folder.glob("llmplan-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bin folder of an environment that holds the wheel, and this one's other packages."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv/bin/python"
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"),
        wheel,
        folder=folder,
    )
    packages = next((folder / "venv/lib").glob("python*/site-packages"))
    # Path files inside a folder that a path file adds are not read: the checkout stays out of sight.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv/bin"


def tracked_files() -> set[str]:
    """Return the names the wheel must hold, from the files of the checkout."""
    found = {
        f"llmplan/_shipped/{path.relative_to(ROOT)}"
        for folder, pattern in SHIPPED.items()
        for path in (ROOT / folder).rglob(pattern)
        if path.is_file() and not any(part.startswith((".", "__")) for part in path.relative_to(ROOT).parts)
    }
    return found | {
        str(path.relative_to(ROOT))
        for path in (ROOT / "llmplan").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_wheel_holds_code_data_notebooks_and_assets(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert sorted(tracked_files() - names) == []
    assert any(name.startswith("llmplan/_shipped/data/") for name in names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_wheel_holds_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    # Besides the package: its metadata, and the Voila template where Jupyter looks for templates.
    places = (
        "llmplan/",
        r"llmplan-[^/]+\.dist-info/",
        r"llmplan-[^/]+\.data/data/share/jupyter/voila/templates/llmplan/",
    )
    strays = [name for name in names if not re.match("|".join(places), name)]
    assert strays == []
    assert not any("__pycache__" in name or ".ipynb_checkpoints" in name for name in names)


def test_installed_package_reads_the_data_it_ships(installed: Path, tmp_path: Path) -> None:
    code = (
        "from llmplan.catalog import data_dir; import llmplan; print(llmplan.__file__, data_dir(), sep='\\n')"
    )
    package, data = run(installed / "python", "-c", code, folder=tmp_path).split()
    assert Path(package).is_relative_to(installed.parent)
    assert Path(data).is_relative_to(installed.parent)


def test_installed_commands_work_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    run(installed / "python", installed / "llmplan", "check-data", folder=tmp_path)
    flags = ["--queries-per-day", "10000", "--input-tokens", "1000", "--output-tokens", "500", "--json"]
    answer = json.loads(run(installed / "llmplan", "compare", *flags, folder=tmp_path))
    assert answer["recommended"] in {option["id"] for option in answer["options"]}
