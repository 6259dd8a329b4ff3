"""The pages that are made from the project itself: `python -m tools.documents` writes them anew.

docs/nomenclature.md: every symbol, gathered from the tables that end the method's sections.
docs/scenario_fields.md: every field of a scenario, from what the field says of itself.
docs/article_check.md: the article's claims, as `llmplan claims` checks them.
docs/accuracy_of_quality.md: errors of quality and tokens on what the fit had not seen.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from llmplan.catalog import load_catalog
from llmplan.claims import check_claims
from llmplan.claims.document import article_check_markdown
from llmplan.quality.ability import load_fit
from llmplan.scenario import FIELDS, Scenario
from llmplan.scenario.about import NO_OPTION, Group, ScenarioField
from llmplan.scenario.text import field_text

ROOT = Path(__file__).resolve().parent.parent
METHOD = ROOT / "docs" / "method"
HEADS = ("symbol", "name in code", "unit", "meaning")
NOMENCLATURE_HEAD = """# Nomenclature

Every symbol of the method: name in code, unit, meaning. Gathered from the method's sections by `make docs`;
the section that defines a symbol is where it holds. Names carry their units: `_ms` milliseconds, `_s` seconds,
`_gb` decimal gigabytes, `_gib` binary ones, `usd_per_...`, `queries_per_day`; p10 and p90 are percentiles.
"""


FIELDS_HEAD = """# The fields of a scenario

What `data/scenarios/*.toml`, links, `--set FIELD=VALUE` and the shell's options (`--queries-per-day`) speak. Made by
`make docs` from `llmplan/scenario/*_fields.py`. "none" takes a value away where a field may be without one; 0 is a number.
In links and the shell lists are `a,b`, pairs `a:1,b:2`, ranges `a:1~2~3`.
"""


QUALITY_HEAD = """# How far off quality and tokens are

Made by `make docs` from data/quality_fit.json, which `llmplan calibrate-quality` writes. Every figure is held out: no
score or count was in the fit that predicted it ([method](method/11_quality.md)). Points are percent of tasks; a band of
80 % should hold 80 % of what it had not seen. `llmplan accuracy-quality FILE.csv` and `accuracy-tokens FILE.csv` judge the
shipped fit on figures of your own. Speeds have [a page of their own](accuracy.md).
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


def scenario_fields() -> str:
    """Return docs/scenario_fields.md."""
    parts = [FIELDS_HEAD]
    for group in Group:
        rows = [_field_row(field) for field in FIELDS.values() if field.group is group]
        parts += [
            f"## {group}",
            "",
            "| field | holds | without it | what it is |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    return "\n".join(parts)


def _field_row(field: ScenarioField) -> str:
    about, default = field.about, getattr(Scenario(), field.name)
    held = ", ".join(
        part for part in (field.shape, field.limits, ", ".join(field.choices), about.unit) if part
    )
    without = about.empty if about.assumed or default in (None, ()) else field_text(field.name, default)
    beside = f" Changes no option: {about.affects}." if about.affects in NO_OPTION else ""
    return f"| `{field.name}` | {held} | {without} | {about.label}. {about.help}{beside} |"


def accuracy_of_quality() -> str:
    """Return docs/accuracy_of_quality.md."""
    *points, tokens = load_fit(load_catalog())["held_out"].items()
    heads = {"points": ("figures", "mean error, points", "median", "in the 80 % band")}
    heads["factor"] = ("counts", "median factor", "80 % within a factor of", "in the 80 % band")
    parts = [QUALITY_HEAD]
    for title, head, rows in (
        ("Success", heads["points"], points),
        ("Output tokens", heads["factor"], [tokens]),
    ):
        lines = [f"| {name} | {' | '.join(_figures(errors))} |" for name, errors in rows]
        parts += [
            f"## {title}",
            "",
            f"| held out | {' | '.join(head)} |",
            "| --- |" + " --- |" * 4,
            *lines,
            "",
        ]
    return "\n".join(parts)


def _figures(errors: Mapping[str, float]) -> list[str]:
    count, *middle, covered = errors.values()
    return [f"{count:,}", *(f"{value:g}" for value in middle), f"{covered:g} %"]


def article_check() -> str:
    """Return docs/article_check.md."""
    return article_check_markdown(check_claims())


DOCUMENTS: dict[Path, Callable[[], str]] = {
    ROOT / "docs" / "nomenclature.md": nomenclature,
    ROOT / "docs" / "scenario_fields.md": scenario_fields,
    ROOT / "docs" / "article_check.md": article_check,
    ROOT / "docs" / "accuracy_of_quality.md": accuracy_of_quality,
}
"""Every made page, with what makes its text."""

if __name__ == "__main__":
    for path, made in DOCUMENTS.items():
        path.write_text(made(), encoding="utf-8")
