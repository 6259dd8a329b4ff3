"""The recipes run as they stand, and are as short as they promise."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "recipes.md").read_text()
RECIPES = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
MOST_LINES = 6


@pytest.mark.parametrize("code", RECIPES, ids=[str(number) for number in range(len(RECIPES))])
def test_a_recipe_runs(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len([line for line in code.splitlines() if line.strip()]) <= MOST_LINES
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert capsys.readouterr().out.strip() or (tmp_path / "curve.html").stat().st_size > 100_000


def test_there_are_five() -> None:
    assert len(RECIPES) == 5
