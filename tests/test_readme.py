"""What the README shows is what the program does: every block runs and prints what the page says."""

import subprocess
from pathlib import Path

import pytest

from tools.readme_blocks import README, ROOT, SERVER_MARK, Step, blocks, run, server_commands, steps, tidy

PAGE = README.read_text()
STEPS = list(steps(PAGE))
# Blocks of other languages are shown, not run.
SHOWN_ONLY = {"text", "toml", "csv", "json", "mermaid"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that looks like the checkout, so that what a command writes stays out of it."""
    for path in ROOT.iterdir():
        if path.name not in (".git", "README.md"):
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


def test_the_page_has_code() -> None:
    languages = [block.language for block in blocks(PAGE)]
    assert "python" in languages
    assert "console" in languages or "bash" in languages


def test_no_block_is_passed_over() -> None:
    unknown = [f"README.md:{block.line}: ```{block.language}" for block in blocks(PAGE)]
    known = {"python", "console", "bash"} | SHOWN_ONLY
    assert [line for line in unknown if line.rsplit("```", 1)[1] not in known] == []
    # A console block without a command would run nothing.
    consoles = [block for block in blocks(PAGE) if block.language == "console"]
    assert [block.line for block in consoles if not block.text.startswith("$ ")] == []
    assert PAGE.count(SERVER_MARK) == sum(block.server for block in blocks(PAGE))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"line {step.line}")
def test_block_runs_and_prints_what_the_page_shows(step: Step, folder: Path) -> None:
    done = run(step.command, folder)
    assert done.returncode == 0, f"README.md:{step.line}\n{done.stderr}"
    if step.shown is not None:
        renew = "python -m tools.readme_blocks writes the page anew"
        assert tidy(done.stdout) == tidy(step.shown), f"README.md:{step.line}: {renew}"


@pytest.mark.parametrize(("line", "command"), server_commands(PAGE))
def test_server_command_exists(line: int, command: str) -> None:
    word, *rest = command.split()
    if word in ("git", "cd"):
        return
    assert word in ("make", "llmplan"), f"README.md:{line}: {command}"
    check = ["make", "-n", *rest] if word == "make" else ["llmplan", rest[0], "--help"]
    assert run(check, ROOT).returncode == 0, f"README.md:{line}: {command}"


def test_blocks_are_found_and_run(tmp_path: Path) -> None:
    """The runner itself: output shown after python, and after each command of a console block."""
    python = "```python\nprint(6 * 7)\n```\n\n```text\n42\n```\n\n"
    console = "```console\n$ echo a\na\n$ true\n$ echo b\nb\n```\n"
    found = list(steps(python + console))
    assert [step.shown for step in found] == ["42\n", "a\n", "", "b\n"]
    assert [run(step.command, tmp_path).stdout for step in found] == ["42\n", "a\n", "", "b\n"]


def test_a_failing_block_fails(tmp_path: Path) -> None:
    (step,) = steps("```bash\nfalse\necho after\n```\n")
    done: subprocess.CompletedProcess[str] = run(step.command, tmp_path)
    assert done.returncode != 0
    assert done.stdout == ""
