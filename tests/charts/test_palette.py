"""One palette: the dashboard's style sheet has the colours that Python draws with, light and dark."""

import re
from pathlib import Path

from llmplan.charts.palette import DARK, LIGHT, light, style_sheet

STYLE = Path(__file__).resolve().parents[2] / "llmplan/app/voila/templates/llmplan/static/style.css"


def test_the_style_sheet_has_the_palette_in_each_of_its_themes() -> None:
    themes = re.findall(r":root[^{]*\{([^{}]*--lp-series-1[^{}]*)\}", STYLE.read_text(encoding="utf-8"))
    found = [dict(re.findall(r"--lp-([\w-]+): (#\w+);", theme)) for theme in themes]
    assert len(found) == 3
    for theme, colours in zip(found, (LIGHT, DARK, DARK), strict=True):
        assert colours.items() <= theme.items()


def test_a_token_has_its_colour() -> None:
    assert (light("@1"), light("@ink")) == (LIGHT["series-1"], LIGHT["ink"])
    assert f"--lp-series-8:{DARK['series-8']};" in style_sheet()
