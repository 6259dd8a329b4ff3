"""Where a format's columns stand: all of what a simple format is, and how large files of others are read by columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ColumnMap:
    """Where the canonical columns are found.

    Attributes
    ----------
    columns: canonical column -> path in the record, keys parted by dots; of several the first that is told.
    constants: canonical column -> value for all rows (app, provider, model, kind).
    input_holds_cached: False where cached and written tokens stand beside the input.
    output_holds_reasoning: False where reasoning stands beside the output.
    cost_per_usd: 100 where costs are in cents.
    bucket_s: length of a bucket where a row is not one request. [s]
    plain: for a format that is more than a map: path -> what stands there (in small letters, "" for nothing) in
        the rows that the map reads as the format does; the format itself reads all others.
    hints: paths whose words may say that a row is no text.
    required: columns without which a row is left to the format.
    needs_usage: True leaves rows without tokens to the format.
    told: paths; where something stands at one of them, cached, written and reasoning tokens that are not told are 0.
    group: `input_group`: words, and paths in braces.
    unless: words; the format itself reads files that hold one of them.
    """

    columns: Mapping[str, str | tuple[str, ...]]
    constants: Mapping[str, str] = field(default_factory=dict)
    input_holds_cached: bool = True
    output_holds_reasoning: bool = True
    cost_per_usd: float = 1.0
    bucket_s: int = 0
    plain: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hints: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    needs_usage: bool = False
    told: tuple[str, ...] = ()
    group: str = ""
    unless: tuple[str, ...] = ()

    def paths(self, column: str) -> tuple[str, ...]:
        """Return where a column may be found."""
        found = self.columns.get(column, ())
        return (found,) if isinstance(found, str) else found

    @property
    def group_paths(self) -> tuple[str, ...]:
        """The paths in `group`."""
        return tuple(re.findall(r"\{(.+?)\}", self.group))

    @property
    def group_form(self) -> str:
        """The group with a pair of braces in the place of each path."""
        return re.sub(r"\{.+?\}", "{}", self.group)

    @property
    def is_bucketed(self) -> bool:
        """Whether a row may be several requests."""
        return "bucket_s" in self.columns or self.bucket_s > 0
