"""What `show` returns: the page's values as tables, and a way to follow its inputs."""

import numpy as np
import pytest

import llmplan
from llmplan.app.dashboard import Board
from llmplan.errors import UnknownNameError


@pytest.fixture(scope="module")
def shown() -> Board:
    return llmplan.show("cost_curves", scenario=llmplan.load_scenario("support-chat"))


@pytest.fixture
def board(shown: Board) -> Board:
    shown.model.load_preset("support-chat")
    return shown


def test_the_table_has_what_the_page_compares(board: Board) -> None:
    table, found = board.table(), board.model.report.comparison
    first = table.iloc[0]
    assert first.option_id == found.recommended.option_id
    assert first.monthly_usd_base == found.monthly_usd[1, found.order[0]]
    costs = table.monthly_usd_base[table.feasible]
    assert costs.is_monotonic_increasing and table.feasible.to_numpy()[: len(costs)].all()


def test_the_curves_go_through_the_costs_of_the_table(board: Board) -> None:
    curves, table = board.curves(), board.table().set_index("option_id")
    here = curves[curves.queries_per_day == board.scenario.queries_per_day].set_index("option_id")
    assert len(here) == curves.option_id.nunique() > 2
    for side in ("monthly_usd_low", "monthly_usd_base", "monthly_usd_high"):
        np.testing.assert_allclose(here[side], table.loc[here.index, side])


def test_it_calls_after_a_change_until_stopped(board: Board) -> None:
    seen: list[tuple[float, float]] = []
    stop = board.on_change(
        lambda now: seen.append((now.scenario.queries_per_day, now.table().iloc[0].monthly_usd_base))
    )
    board.model.change({"queries_per_day": 100_000.0})
    board.model.change({"queries_per_day": 100_000.0})
    assert seen == [(100_000.0, board.table().iloc[0].monthly_usd_base)]
    stop()
    board.model.change({"queries_per_day": 200_000.0})
    assert len(seen) == 1
    assert board.scenario.queries_per_day == 200_000.0


def test_what_lives_is_shown_anew(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    board.live(lambda now: f"at {now.scenario.queries_per_day:,.0f}")
    assert "at 50,000" in capsys.readouterr().out
    board.model.change({"queries_per_day": 70_000.0})
    assert "at 70,000" in capsys.readouterr().out


def test_a_rule_broken_below_a_widget_is_one_line(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    board.live(lambda now: llmplan.route(now.scenario, weak="no-such-model"))
    said = capsys.readouterr().out
    assert "no-such-model" in said and "Traceback" not in said


def test_it_displays_as_its_widget(board: Board) -> None:
    shown = board._repr_mimebundle_()
    assert shown["application/vnd.jupyter.widget-view+json"]["model_id"] == board.root.model_id


def test_an_unknown_page_names_the_near_ones() -> None:
    with pytest.raises(UnknownNameError, match="cost_curves"):
        llmplan.show("cost_curve")
