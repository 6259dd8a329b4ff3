"""The panel: what stands open, units of the reader's own, prices, marks of the floor, steps of a drag."""

from contextlib import suppress
from typing import Any

import pytest
from markupsafe import Markup

from llmplan.app.dashboard import Dashboard
from llmplan.app.fields_of_scenario import FIRST, OWN_UNITS
from llmplan.app.model import AppModel
from llmplan.app.widgets.base import View
from llmplan.app.widgets.glossary import explained
from llmplan.errors import InputError
from llmplan.recommend.ladder import quality_ladder, whole_steps
from llmplan.scenario import load_scenario
from llmplan.usage.volume import UNITS, with_volume
from llmplan.wording import number

SEVERAL = {"model_ids": ("llama-3.1-8b", "qwen3-32b"), "api_ids": ("gpt-4o", "gpt-4o-mini")}


@pytest.fixture(scope="module")
def dashboard() -> Dashboard:
    made = Dashboard(["sources", "decision"])
    made.model.change(SEVERAL)
    return made


def send(dashboard: Dashboard, drag: int | None = None, **values: Any) -> None:
    dashboard.panel.answer({"set": values, "drag": drag}, [])


def test_five_questions_stand_open_and_the_rest_under_more(dashboard: Dashboard) -> None:
    spec = dashboard.panel.spec
    first = [field["key"] for field in spec if field["group"] == FIRST]
    assert first[:4] == ["preset", "reference_api_id", "queries_per_day", "volume_unit"]
    assert first[4:6] == ["input_tokens", "output_tokens"]
    assert first[6:] == ["quality_floor", "floor_chance", "data_stays_in_house"]
    rest = {field["group"] for field in spec} - {FIRST, ""}
    assert rest <= set(dashboard.panel.closed_groups) and dashboard.panel.more == "More"


def test_the_volume_is_shown_in_the_readers_unit(dashboard: Dashboard) -> None:
    asked = dashboard.model.scenario
    send(dashboard, volume_unit="tokens")
    times, unit, _ = dashboard.panel.units["queries_per_day"]
    tokens = asked.queries_per_day * asked.days_per_month * (asked.input_tokens + asked.output_tokens)
    assert asked.queries_per_day * times == pytest.approx(tokens / 1e6) and unit == "M tokens/month"
    assert dashboard.panel.values["queries_per_day"] == asked.queries_per_day
    assert dashboard.model.query["volume_unit"] == "tokens"
    send(dashboard, volume_unit="day")
    assert dashboard.model.scenario == asked


@pytest.mark.parametrize("unit", ["per_s", "users", "seats", "tasks", "bill"])
def test_every_unit_of_the_page_is_the_shells(dashboard: Dashboard, unit: str) -> None:
    """What the page shows, given to the shell's flag, is the page's volume again."""
    send(dashboard, volume_unit=unit)
    send(dashboard, calls_per_task=4)  # where its box is open
    scenario = dashboard.model.scenario
    times, _, rule = dashboard.panel.units["queries_per_day"]
    flag = OWN_UNITS.get(unit, unit)
    names = {UNITS[flag].needs, "calls_per_task" if UNITS[flag].counts_tasks else ""} - {""}
    needs = {name: getattr(scenario, name) for name in names}
    # The task's first call, of which the shell makes the mean of all.
    first = scenario.but(input_tokens=scenario.input_tokens - 1.5 * scenario.output_tokens)
    start = first if "calls_per_task" in needs else scenario
    again = with_volume(start, {flag: scenario.queries_per_day * times, **needs}, dashboard.model.catalog)
    assert again.scenario.queries_per_day == pytest.approx(scenario.queries_per_day)
    assert again.scenario.input_tokens == pytest.approx(scenario.input_tokens)
    assert UNITS[flag].rule in rule
    if "calls_per_task" in needs:
        assert f"has {number(first.input_tokens)} of input" in rule
        assert f"{again.scenario.cached_input_share:.0%} of all input" in rule
    open_ = {field["key"] for field in dashboard.panel.spec if field["group"] == FIRST}
    assert needs.keys() == open_ & {"think_time_s", "prompts_per_day", "calls_per_task"}
    send(dashboard, calls_per_task=1)
    send(dashboard, volume_unit="day")


def test_a_drag_is_one_step_back_however_slow_the_answers(dashboard: Dashboard) -> None:
    before = dashboard.model.scenario
    for volume in (60_000, 70_000):
        send(dashboard, drag=5, queries_per_day=volume)
    send(dashboard, drag=5, queries_per_day=80_000, undo=True)  # pressed while an answer was under way
    assert dashboard.model.scenario == before
    send(dashboard, redo=True)
    assert dashboard.model.scenario.queries_per_day == 80_000
    send(dashboard, undo=True)


def test_a_drag_moves_the_answer_and_its_rest_the_whole_page() -> None:
    dragged, typed = (
        Dashboard(["decision", "cost_curves"], AppModel(load_scenario("rag").but(**SEVERAL))) for _ in "ab"
    )
    for name in ("decision", "cost_curves"):
        for one in (dragged, typed):
            one.go(name)
        for volume in (60_000, 61_000):
            send(dragged, drag=1, queries_per_day=volume)
            send(typed, queries_per_day=volume)
        shown, whole = (vars(one._made[name]) for one in (dragged, typed))
        assert shown["answer"].html == whole["answer"].html and shown["curve"].figure == whole["curve"].figure
        late = ("bill", "frontier") if name == "decision" else ("sizes",)
        assert all(shown[part].figure != whole[part].figure for part in late), "not while the slider moves"
        dragged.panel.answer({"set": {"queries_per_day": 61_500}, "drag": 2, "moving": False}, [])
        send(typed, queries_per_day=61_500)
        assert all(shown[part].figure == whole[part].figure for part in late), "a key moves it by itself"
        send(dragged, drag=3, queries_per_day=61_600)
        send(typed, queries_per_day=61_600)
        assert dragged.model._reports.keys() <= {*typed.model._reports} and len(dragged.model._reports) <= 3
        for one in (dragged, typed):
            one.panel.answer({"rest": True}, [])
        assert all(shown[part].figure == whole[part].figure for part in late)
        dragged.model.undo()


@pytest.mark.parametrize(
    "changes",
    [
        {"queries_per_day": 51_000},
        {"quality_floor": 0.9},
        {"input_tokens": 2_100},
        {"output_tokens": 450},
    ],
)
def test_what_is_worked_out_ahead_is_what_the_change_then_shows(changes: dict[str, float]) -> None:
    ahead, asked = (Dashboard(["decision"], AppModel(load_scenario("rag").but(**SEVERAL))) for _ in "ab")
    before = (ahead.model.scenario, ahead.model.can_undo, ahead.url.query, ahead.panel.values)
    shown = vars(ahead._made["decision"])
    states = {name: view.get_state() for name, view in shown.items() if isinstance(view, View)}
    reply, arrays = ahead.panel.answer({"ahead": changes, "show": True, "rest": True}, []) or ({}, [])
    assert before == (ahead.model.scenario, ahead.model.can_undo, ahead.url.query, ahead.panel.values)
    assert states == {name: shown[name].get_state() for name in states}, "nothing has changed yet"

    found = with_arrays(reply["parts"], reply["buffer_paths"], arrays)
    send(asked, **changes)
    there = vars(asked._made["decision"])
    kept = {view.model_id: name for name, view in shown.items() if isinstance(view, View)}
    assert {kept[key] for key in found} >= {
        "answer",
        "figures",
        "curve",
        "frontier",
        "map",
        "bill",
        "options",
    }
    for key, state in found.items():
        for trait, value in state.items():
            assert value == getattr(there[kept[key]], trait), f"{kept[key]}: {trait}"
    assert found[shown["answer"].model_id]["html"] != shown["answer"].html


def with_arrays(parts: Any, paths: list[list[Any]], arrays: list[Any]) -> Any:
    for path, array in zip(paths, arrays, strict=True):
        place = parts
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = array
    return parts


def test_a_change_worked_out_ahead_is_not_worked_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Dashboard(["decision"], AppModel(load_scenario("rag").but(**SEVERAL)))
    assert one.panel.answer({"ahead": {"queries_per_day": 51_000}, "rest": True}, []) is None
    monkeypatch.setattr("llmplan.app.model.make_report", lambda *_: pytest.fail("made again"))
    one.panel.answer({"set": {"queries_per_day": 51_000}, "drag": 1, "moving": False}, [])
    assert one.model.scenario.queries_per_day == 51_000


@pytest.mark.parametrize("changes", [{"queries_per_day": "many"}, {"nothing": 1}, {"prefix_share": 2.0}])
def test_what_cannot_be_asked_for_is_not_worked_out_ahead(
    dashboard: Dashboard, changes: dict[str, Any]
) -> None:
    scenario = dashboard.model.scenario
    with suppress(InputError):
        dashboard.panel.answer({"ahead": changes, "rest": True}, [])
    assert dashboard.model.scenario == scenario and not dashboard.panel.error


def test_at_rest_the_floor_is_marked_and_prices_can_be_changed(dashboard: Dashboard) -> None:
    dashboard.panel.answer({"rest": True}, [])
    report = dashboard.model.report
    steps = whole_steps(quality_ladder(report.comparison, report.catalog))
    marks = dashboard.panel.marks["quality_floor"]
    assert [value for value, _ in marks] == [step.quality for step in steps]
    assert all(step.label in text for step, (_, text) in zip(steps, marks, strict=True))
    boxes = {field["key"]: field for field in dashboard.panel.spec}
    listed = report.catalog.api("gpt-4o").input_usd_per_mtok
    assert float(boxes["api_input_usd_per_mtok.gpt-4o"]["empty"]) == listed
    gpus = [key for key in boxes if key.startswith("gpu_usd_per_hour.")]
    assert gpus and all(float(boxes[key]["empty"]) > 0 for key in gpus)

    before = dashboard.model.scenario
    send(dashboard, **{"api_input_usd_per_mtok.gpt-4o": 1.5, gpus[0]: 9.0})
    assert dict(dashboard.model.scenario.api_input_usd_per_mtok) == {"gpt-4o": 1.5}
    assert dict(dashboard.model.scenario.gpu_usd_per_hour) == {gpus[0].partition(".")[2]: 9.0}
    dashboard.panel.rest()
    assert dashboard.panel.values[gpus[0]] == 9.0
    send(dashboard, **{"api_input_usd_per_mtok.gpt-4o": None, gpus[0]: None})
    assert dashboard.model.scenario == before and dashboard.panel.values[gpus[0]] is None


def test_gpus_of_ones_own_are_a_box_each(dashboard: Dashboard) -> None:
    before, key = dashboard.model.scenario, "owned_gpus.h100-sxm"
    assert dashboard.panel.values[key] is None
    send(dashboard, **{key: 4.0, "owned_cost": "full"})
    after = dashboard.model.scenario
    assert dict(after.owned_gpus) == {"h100-sxm": 4} and after.owned_cost == "full"
    assert dashboard.panel.values[key] == 4
    dashboard.panel.rest()
    assert not any(
        field["key"].startswith("owned") for field in dashboard.panel.spec if "prices" in field["group"]
    )
    send(dashboard, **{key: None, "owned_cost": before.owned_cost})
    assert dashboard.model.scenario == before


def test_words_of_the_field_are_explained_where_they_stand() -> None:
    said = str(explained("Quality floor & tokens, more tokens"))
    assert said.count("<abbr") == 2 and "&amp; " in said and said.count("more tokens") == 1
    assert '<abbr title="A piece of a word' in said and "floor</abbr>" in said
    ready = Markup('<b title="tokens">tokens</b>')
    assert explained(ready) is ready
