"""A problem in a table, and the error that carries all of them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from llmplan.errors import LlmplanError
from llmplan.wording import shortened


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong in one cell (or row, or file), the rule it breaks and how to mend it.

    `line` counts as a spreadsheet does: the header is line 1, a cell with a line break is one line.
    """

    file: str
    line: int
    column: str
    value: str
    rule: str
    fix: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        cell = f" {self.column} = {shortened(self.value, 60)!r}" if self.column else ""
        mark = "warning: " if self.severity == "warning" else ""
        return f"{place}{cell}: {mark}{self.rule}; {self.fix}"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as a dict, for JSON."""
        return asdict(self)


class CatalogError(LlmplanError, ValueError):
    """The tables of a folder cannot be used; `problems` lists every error found, in file order."""

    def __init__(self, folder: str, problems: Iterable[Problem]) -> None:
        self.folder, self.problems = folder, tuple(problems)
        count = len(self.problems)
        lines = "\n".join(str(problem) for problem in self.problems)
        super().__init__(f"{count} problem{'s' * (count != 1)} in {folder}:\n{lines}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.folder, self.problems)
