"""The set-up scripts: what they say where something is missing, and that nothing is passed over."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLAIN_TOOLS = [
    "sh",
    "bash",
    "env",
    "make",
    "sed",
    "grep",
    "cat",
    "cut",
    "cksum",
    "dirname",
    "id",
    "rm",
    "sudo",
]

# A recent Python by its answer to the version check, but without the venv module.
PYTHON_WITHOUT_VENV = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; esac\nexit 0\n'

# Notes what it was asked for; an installation leaves a browser behind.
APT_GET = """#!/bin/sh
echo "$*" >> apt.log
[ "$1" = update ] && exit 0
echo "#!/bin/sh" > bin/chromium
chmod +x bin/chromium
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of what set-up reads, with a folder `bin` that is all of PATH."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("tools", "requirements", ".ci"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    for tool in PLAIN_TOOLS:
        if found := shutil.which(tool):
            (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def executable(path: Path, text: str = "#!/bin/sh\nexit 0\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def call(checkout: Path, *command: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": str(checkout / "bin"), "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(command, cwd=checkout, env=clean, capture_output=True, text=True, timeout=60)


def test_help_lists_every_target() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    targets = [
        "dashboard",
        "lab",
        "test",
        "lint",
        "bench",
        "bench-ui",
        "screenshots",
        "lock",
        "clean",
        "help",
    ]
    assert [target for target in targets if f"make {target} " not in done.stdout] == []


def test_no_python_is_said(checkout: Path) -> None:
    done = call(checkout, "make", "install")
    assert done.returncode != 0
    assert "no Python 3.11 or newer found" in done.stderr


def test_a_python_without_venv_is_said(checkout: Path) -> None:
    executable(checkout / "bin/python3", PYTHON_WITHOUT_VENV)
    done = call(checkout, "make", "install")
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr


OLD_UV = """#!/bin/sh
echo "$*" >> uv.log
[ "$*" = "venv --help" ] && echo "  --python"
"""


def test_a_uv_that_is_too_old_is_passed_over(checkout: Path) -> None:
    executable(checkout / "bin/uv", OLD_UV)
    done = call(checkout, "make", "install")
    assert "no Python 3.11 or newer found" in done.stderr
    assert set((checkout / "uv.log").read_text().splitlines()) == {"venv --help"}


@pytest.fixture
def ready(checkout: Path) -> Path:
    """Return a checkout whose environment is in place, but whose machine has neither browser nor office."""
    executable(checkout / "tools/bootstrap.sh")
    executable(checkout / ".venv/bin/python", "#!/bin/sh\nexit 1\n")
    return checkout


def with_all_but_a_browser(ready: Path) -> Path:
    for name in ("soffice", "java"):
        executable(ready / "bin" / name)
    return ready


def test_ci_fails_without_browser_office_and_java(ready: Path) -> None:
    done = call(ready, ".ci/run")
    assert done.returncode != 0
    assert "a Chromium" in done.stderr
    assert "LibreOffice" in done.stderr
    assert "Java 17" in done.stderr


def test_ci_fails_without_a_browser_alone(ready: Path) -> None:
    done = call(with_all_but_a_browser(ready), ".ci/run")
    assert done.returncode != 0
    assert "a Chromium" in done.stderr
    assert "LibreOffice" not in done.stderr
    assert "Java" not in done.stderr


def test_a_missing_browser_is_installed_where_that_is_possible(ready: Path) -> None:
    """apt-get is asked for it, once, without a question; the machine then has one."""
    with_all_but_a_browser(ready)
    executable(ready / "bin/sudo", '#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n')
    executable(ready / "bin/apt-get", APT_GET)
    (ready / "bin/chmod").symlink_to(str(shutil.which("chmod")))
    done = call(ready, "tools/system-needs.sh")
    assert done.returncode == 0, done.stderr
    update, install = (ready / "apt.log").read_text().splitlines()
    assert update.startswith("update")
    assert install.startswith("install -y") and install.endswith("chromium")
