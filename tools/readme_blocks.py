"""The README's code: find the blocks, run them, and write what they print back into the page.

`python -m tools.readme_blocks` runs every block and renews the output that the README shows; the tests
run the same blocks and compare. Three kinds of fenced block are code:

- `python`: run in a fresh interpreter; a `text` block right after it is what it prints;
- `console`: lines that start with `$ ` are commands, the lines below each are what it prints;
- `bash`: commands without output. After the comment `<!-- starts a server -->` they are not run but
  looked up: every line must be a make target or an llmplan command that exists.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
SERVER_MARK = "<!-- starts a server -->"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
TIMEOUT_S = 300


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, its line in the page, and whether it starts a server."""

    language: str
    text: str
    line: int
    server: bool
    span: tuple[int, int]


@dataclass(frozen=True)
class Step:
    """One thing to run and, where the page shows it, what it prints (with the place in the page)."""

    command: list[str]
    shown: str | None
    span: tuple[int, int]
    line: int


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page in order."""
    found = []
    for match in FENCE.finditer(page):
        before = page[: match.start()].rstrip().splitlines()
        server = bool(before) and before[-1].strip() == SERVER_MARK
        line = page.count("\n", 0, match.start()) + 1
        found.append(Block(match[1], match[2], line, server, match.span(2)))
    return found


def steps(page: str) -> Iterator[Step]:
    """Yield what the page says can be run, with the output it shows."""
    found = blocks(page)
    for block, after in zip(found, [*found, None][1:], strict=True):
        if block.language == "python":
            adjacent = after is not None and page[block.span[1] : after.span[0]].split() == ["```", "```text"]
            shown, span = (after.text, after.span) if after and adjacent else (None, block.span)
            yield Step([sys.executable, "-c", block.text], shown, span, block.line)
        elif block.language == "console":
            yield from console_steps(block)
        elif block.language == "bash" and not block.server:
            yield Step(["bash", "-euo", "pipefail", "-c", block.text], None, block.span, block.line)


def console_steps(block: Block) -> Iterator[Step]:
    """Yield the commands of a console block, each with the lines below it."""
    for match in re.finditer(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, flags=re.MULTILINE):
        start = block.span[0]
        span = (start + match.start(2), start + match.end(2))
        line = block.line + 1 + block.text.count("\n", 0, match.start())
        yield Step(["bash", "-euo", "pipefail", "-c", match[1]], match[2], span, line)


def server_commands(page: str) -> list[tuple[int, str]]:
    """Return (line, command) of every command in blocks that start a server."""
    return [
        (block.line + 1 + number, line.split(" #")[0].strip())
        for block in blocks(page)
        if block.server
        for number, line in enumerate(block.text.splitlines())
        if line.strip()
    ]


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one command in `folder` as a reader would after set-up; wide enough for its tables."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "FORCE_"))
    }
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
    )


def tidy(text: str) -> str:
    """Return text without trailing blanks, as an editor keeps it."""
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


def renewed(page: str, folder: Path) -> str:
    """Return the page with the output that its blocks print now."""
    for step in reversed(list(steps(page))):
        done = run(step.command, folder)
        if done.returncode:
            raise SystemExit(f"README.md:{step.line}: {done.stderr or done.stdout}")
        if step.shown is not None:
            page = page[: step.span[0]] + tidy(done.stdout) + "\n" + page[step.span[1] :]
    return page


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(), ROOT))
