"""environment.yml and the locks say what pyproject.toml says."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


def bounds(requirements: list[str]) -> dict[str, str]:
    """Return {canonical name: bounds} of a list of requirements."""
    parsed = [Requirement(text) for text in requirements]
    return {canonicalize_name(item.name): str(item.specifier) for item in parsed}


def environment() -> tuple[list[str], list[str]]:
    """Return the conda and the pip requirements of environment.yml."""
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = [entry for entry in entries if isinstance(entry, str)]
    pip = [line for entry in entries if isinstance(entry, dict) for line in entry["pip"]]
    return conda, pip


def locked(lock: Path) -> dict[str, list[Requirement]]:
    """Return the pins of a lock; a package may be pinned once for each range of Python versions."""
    pins: dict[str, list[Requirement]] = {}
    for line in re.findall(r"^[a-z0-9][^\\\n]*", lock.read_text(), flags=re.MULTILINE):
        pin = Requirement(line.strip())
        pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


def test_environment_yml_has_the_dependencies_of_pyproject() -> None:
    conda, pip = environment()
    listed = bounds([*conda, *(line for line in pip if not line.startswith("-"))])
    assert listed.pop("python") == PYPROJECT["project"]["requires-python"]
    assert listed.pop("pip") == ""
    assert listed == bounds(PYPROJECT["project"]["dependencies"])


def test_environment_yml_installs_the_checkout() -> None:
    assert "--editable ." in environment()[1]


def test_both_locks_are_there() -> None:
    assert [lock.name for lock in LOCKS] == ["dev.lock", "main.lock"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_names_no_host(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"(index-url|find-links|trusted-host|\.org\b|\.com\b|\.io\b| @ )", text)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_is_exact_and_hashed(lock: Path) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", lock.read_text())[1:]
    assert len(blocks) > 50
    for block in blocks:
        assert re.match(r"\S+==\S+", block), block
        assert "--hash=sha256:" in block, block


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_satisfies_pyproject(lock: Path) -> None:
    groups = PYPROJECT["dependency-groups"]
    wanted = PYPROJECT["project"]["dependencies"] + groups["build"]
    wanted += groups["dev"] if lock.name == "dev.lock" else []
    pins = locked(lock)
    for requirement in map(Requirement, wanted):
        versions = [next(iter(pin.specifier)).version for pin in pins[canonicalize_name(requirement.name)]]
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def versions(lock: Path) -> dict[str, set[str]]:
    """Return {name: every version pinned for it} of a lock."""
    pins = locked(lock).items()
    return {name: {next(iter(pin.specifier)).version for pin in found} for name, found in pins}


def test_dev_lock_holds_the_main_lock() -> None:
    main, dev = versions(ROOT / "requirements/main.lock"), versions(ROOT / "requirements/dev.lock")
    assert {name: dev.get(name) for name in main} == main
