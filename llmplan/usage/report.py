"""What an import left out, could not tell and had to decide, in figures and plain sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmplan.usage.parts import Part
from llmplan.usage.rows import EXCLUDED, OK, formats
from llmplan.usage.summary import Usage, excluded, read_usage

if TYPE_CHECKING:
    import pandas as pd


def import_report(out: Path, parts: Sequence[Part]) -> dict[str, Any]:
    """Return the import report of a usage folder.

    `parts` are those of this import; what was left out is counted over all of the folder.
    """
    usage = read_usage(out)
    counts = excluded(usage.cubes.hours)
    return {
        "out": str(out),
        "files": [{"file": part.file, "format": part.format, "rows": part.rows} for part in parts],
        "excluded": {why: {"count": count, "meaning": EXCLUDED[why]} for why, count in counts.items()},
        "notes": list(_notes(usage)),
        "refused": sum(part.problem_count for part in parts),
        "problems": [problem.as_dict() for part in parts for problem in part.problems],
    }


def _notes(usage: Usage) -> Iterator[str]:
    known = formats()
    names = sorted(usage.cubes.hours["format"].dropna().unique())
    for name in names:
        if name in known and known[name].unknown:
            yield f"{name} does not tell {known[name].unknown}."
    for row in usage.manifest.get("input_conventions", []):
        yield from _convention(row)
    yield from _overlaps(usage.cubes.hours, names)


def _convention(row: dict[str, Any]) -> Iterator[str]:
    """Say where a source's input did not hold the cached tokens, or where its rows disagree."""
    beside, written, inside = row["all_beside"], row["written_beside"], row["inside"]
    if beside or written:
        yield (
            f"Input of {row['input_group']}: of the rows with cached tokens {inside:,} could hold them inside, "
            f"{beside:,} have them beside and {written:,} have the written ones beside; all now hold them inside."
        )


def _overlaps(hours: pd.DataFrame, names: Sequence[str]) -> Iterator[str]:
    """Warn where two sources cover the same time: the same traffic may stand in both."""
    counted = hours[(hours["status"] == OK) & hours["hour"].notna() & hours["output_tokens"].notna()]
    spans = {name: part["hour"] for name, part in counted.groupby("format")}
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            if one in spans and other in spans and spans[one].isin(spans[other]).any():
                yield f"{one} and {other} cover the same hours: import one of them if they saw the same traffic."
