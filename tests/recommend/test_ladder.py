"""What people are told of a long ladder of quality floors."""

from llmplan.recommend.ladder import MOST_LINES, QualityStep, floor_percent, ladder_lines, whole_steps
from llmplan.wording import Currency


def test_a_long_ladder_tells_its_first_steps_and_its_best() -> None:
    steps = tuple(QualityStep(i / 100, f"o{i}", f"Option {i}", "api", 100.0 * i) for i in range(1, 21))
    short = ladder_lines(steps[:MOST_LINES], Currency())
    assert len(short) == MOST_LINES and not any("more" in line for line in short)
    told = ladder_lines(steps, Currency())
    assert len(told) == MOST_LINES and told[:-1] == short[:-1]
    assert told[-1] == "12 steps more, then up to 20%: Option 20, $2,000 a month"


def test_no_floor_in_whole_percent_stands_twice() -> None:
    qualities = (0.604, 0.609, 0.61, 1.157, 1.158, 1.161)
    steps = tuple(
        QualityStep(quality, f"o{place}", f"Option {place}", "api", float(place))
        for place, quality in enumerate(qualities)
    )
    kept = whole_steps(steps)
    assert [floor_percent(step.quality) for step in kept] == ["60%", "61%", "115%", "116%"]
    for percent in range(50, 117):  # what a floor asks for is what the whole ladder gives it
        asked = percent / 100
        first = next(step for step in steps if step.quality >= asked)
        assert next(step for step in kept if int(floor_percent(step.quality)[:-1]) >= percent) == first
