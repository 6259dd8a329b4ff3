"""What people are told of a long ladder of quality floors."""

from llmplan.recommend.ladder import MOST_LINES, QualityStep, ladder_lines
from llmplan.wording import Currency


def test_a_long_ladder_tells_its_first_steps_and_its_best() -> None:
    steps = tuple(QualityStep(i / 100, f"o{i}", f"Option {i}", "api", 100.0 * i) for i in range(1, 21))
    short = ladder_lines(steps[:MOST_LINES], Currency())
    assert len(short) == MOST_LINES and not any("more" in line for line in short)
    told = ladder_lines(steps, Currency())
    assert len(told) == MOST_LINES and told[:-1] == short[:-1]
    assert told[-1] == "12 steps more, then up to 20%: Option 20, $2,000 a month"
