"""The pages that are made from the project itself: `python -m tools.documents` writes them anew.

docs/nomenclature.md: every symbol, gathered from the tables that end the method's sections.
docs/article_check.md: the article's claims, as `llmplan claims` checks them.
"""

from collections.abc import Iterator
from pathlib import Path

from llmplan.claims import check_claims
from llmplan.claims.document import article_check_markdown

ROOT = Path(__file__).resolve().parent.parent
METHOD = ROOT / "docs" / "method"
HEADS = ("symbol", "name in code", "unit", "meaning")
NOMENCLATURE_HEAD = """# Nomenclature

Every symbol of the method: name in code, unit, meaning. Gathered from the method's sections by `make docs`;
the section that defines a symbol is where it holds. Names carry their units: `_ms` milliseconds, `_s` seconds,
`_gb` decimal gigabytes, `_gib` binary ones, `usd_per_...`, `queries_per_day`; p10 and p90 are percentiles.
"""


def symbol_rows(page: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a section's symbol table as (symbol, name in code, unit, meaning)."""
    heads: list[str] = []
    for line in page.splitlines():
        if not line.startswith("|"):
            heads = []
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not heads:
            heads = [cell.lower() for cell in cells]
        elif {"unit", "meaning"} <= set(heads) and not set(line) <= set("|-: "):
            row = dict(zip(heads, cells, strict=False))
            symbol = row.get("symbol", row.get("name", ""))
            yield (symbol, row.get("name in code", ""), row["unit"], row.get("meaning", ""))


def nomenclature() -> str:
    """Return docs/nomenclature.md."""
    parts = [NOMENCLATURE_HEAD]
    for path in sorted(METHOD.glob("*.md")):
        page = path.read_text(encoding="utf-8")
        rows = list(symbol_rows(page))
        if rows:
            title = page.splitlines()[0].lstrip("# ")
            table = ["| " + " | ".join(row) + " |" for row in (HEADS, ("---",) * 4, *rows)]
            parts += [f"## [{title}](method/{path.name})", "", *table, ""]
    return "\n".join(parts)


def documents() -> dict[Path, str]:
    """Return every made page with its text."""
    return {
        ROOT / "docs" / "nomenclature.md": nomenclature(),
        ROOT / "docs" / "article_check.md": article_check_markdown(check_claims()),
    }


if __name__ == "__main__":
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
