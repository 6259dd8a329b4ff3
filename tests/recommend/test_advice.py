"""The recommendation's sentences: each figure is one of the comparison's, the risk's or the tipping points'."""

import re
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from llmplan.catalog import load_catalog
from llmplan.options import Comparison, evaluate
from llmplan.options.comparison_rows import comparison_row
from llmplan.recommend import Recommendation, recommend
from llmplan.recommend.records import in_words
from llmplan.report import make_report
from llmplan.risk import assess
from llmplan.scenario import Scenario

FEW = {
    "api_ids": ("gpt-4o", "gpt-4o-mini", "deepinfra/llama-3.1-8b-turbo"),
    "model_ids": ("llama-3.1-8b", "llama-3.3-70b", "qwen3-8b"),
    "gpu_ids": ("l4", "a100-80gb-sxm", "h100-sxm"),
    "engine_ids": ("vllm", "tgi"),
}
CASES = {
    "token price": Scenario().but(**FEW, quality_floor=0.8),
    "fleet": Scenario().but(**{**FEW, "api_ids": ("gpt-4o",)}, queries_per_day=80_000),
    "in house": Scenario().but(**FEW, data_stays_in_house=True, quality_floor=0.85, floor_chance=0.5),
    "dear": Scenario().but(**FEW, queries_per_day=6_000_000, quality_floor=0.9),
}
FIGURE = re.compile(r"(?<![\w.<>-])\$?(\d[\d,]*\.?\d*)(%|\s%)?")


@pytest.fixture(scope="module", params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> tuple[Comparison, Recommendation]:
    scenario = CASES[request.param]
    return evaluate(scenario), recommend(scenario)


MIXED = Scenario().but(
    api_ids=("gpt-4o", "gpt-4.1"),
    model_ids=("llama-3.1-8b",),
    gpu_ids=("l4", "h100-sxm"),
    engine_ids=("vllm",),
    queries_per_day=200_000,
    token_basis="equal",
    model_quality={"llama-3.1-8b": 0.8, "gpt-4.1": 1.05},
    quality_floor=0.9,
)
"""Here a fleet that misses the floor alone and an API that is dear alone make the cheapest answer together."""


def figures(text: str, names: list[str]) -> list[float]:
    """Return the numbers of a text, names of options taken out; percent as they stand."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "")
    return [float(number.rstrip(".").replace(",", "")) for number, _ in FIGURE.findall(text)]


def names_of(found: Comparison) -> list[str]:
    labels = [item.label for item in found.options.items]
    short = [label.rpartition(", ")[0] for label in labels if ", " in label]
    return [*labels, *short, *(item.option_id for item in found.options.items), "8 of 10"]


def names_told(found: Comparison, advice: Recommendation) -> list[str]:
    rows = advice.runners_up.values()
    steps = [step.label for step in advice.quality_ladder]
    return [*names_of(found), *steps, *(row.short_label for row in rows), *(row.label for row in rows)]


def known_numbers(found: Comparison, advice: Recommendation) -> list[float]:
    """Return every number that a sentence may tell, from the table, the risk and the scenario."""
    place, scenario = found.order[0], found.scenario
    item, row = found.options.items[place], comparison_row(found, found.order[0])
    base = float(found.monthly_usd[1, place])
    numbers = [base, float(found.usd_per_query[place]), scenario.queries_per_day, len(found.order)]
    numbers += [float(str(row[name])) for name in ("replicas", "gpus_total")] + [scenario.spare_replicas]
    numbers += [
        100 * float(found.utilisation[place]),
        100 * (item.quality or 0),
        100 * scenario.quality_floor,
        100 * scenario.floor_chance,
        100 * (item.share_weak or 0),
    ]
    numbers += [100 * value for value in vars(item.success).values()] if item.success else []
    numbers += [] if item.meets_floor is None else [100 * item.meets_floor]
    for other in found.order[1:]:
        cost = float(found.monthly_usd[1, other])
        numbers += [cost, cost - base, 100 * (1 - base / cost)]
    numbers += [step.monthly_usd for step in advice.quality_ladder]
    numbers += [100 * p for p in advice.p_kind.values()] + [100 * (1 - p) for p in advice.p_kind.values()]
    numbers += [100 * p for p in (advice.p_right or 0.0, 1 - (advice.p_right or 0.0))]
    numbers += [advice.expected_regret_usd or 0.0]
    numbers += [*(item.requests_per_s or ()), *(offer.usd_per_gpu_hour for offer in item.offers or ())]
    gpus = float(found.gpus_total[place])
    numbers += [float(found.options.hidden.usd(gpus, side)) for side in range(3)]
    return numbers


def agrees(told: float, numbers: list[float]) -> bool:
    """Say whether a figure is a number rounded as sentences round: half a unit of its last place."""
    text = f"{told:.10f}".rstrip("0").rstrip(".")
    last = 10.0 ** -len(text.partition(".")[2])
    return any(abs(told - number) <= last * 0.5000001 for number in numbers)


def test_it_is_what_the_comparison_recommends(case: tuple[Comparison, Recommendation]) -> None:
    found, advice = case
    assert found.recommended is not None and advice.option_id == found.recommended.option_id
    assert advice.monthly_usd is not None
    assert advice.monthly_usd[1] == pytest.approx(float(found.monthly_usd[1, found.order[0]]))
    others = [i for i in found.order if found.options.items[i].kind != advice.kind]
    if others:
        assert advice.rival is not None and advice.margin_usd is not None and advice.margin_pct is not None
        rival = float(found.monthly_usd[1, others[0]])
        assert advice.margin_usd == pytest.approx(rival - advice.monthly_usd[1])
        assert advice.margin_pct == pytest.approx(100 * advice.margin_usd / rival)
    else:
        assert advice.rival is None and "No option of another kind" in advice.reason


def test_each_figure_of_headline_and_reason_is_the_tables(case: tuple[Comparison, Recommendation]) -> None:
    found, advice = case
    numbers, names = known_numbers(found, advice), names_told(found, advice)
    told = figures(advice.headline, names) + figures(advice.reason.replace("gpt-4o's", ""), names)
    assert len(told) >= 5
    assert [figure for figure in told if not agrees(figure, numbers)] == []


def test_each_figure_of_the_caveats_is_the_tables(case: tuple[Comparison, Recommendation]) -> None:
    found, advice = case
    numbers, names = known_numbers(found, advice), names_told(found, advice)
    dates = re.compile(r"\d{4}-\d\d-\d\d")
    told = [f for text in advice.caveats for f in figures(dates.sub("", text).replace("gpt-4o's", ""), names)]
    assert len(advice.caveats) == 3
    assert [figure for figure in told if not agrees(figure, numbers)] == []


def test_each_flip_is_a_tipping_point(case: tuple[Comparison, Recommendation]) -> None:
    _, advice = case
    sentences = {row.sentence: row for row in advice.tipping if row.nearest is not None}
    assert set(advice.flips) <= set(sentences)
    assert len(advice.flips) == min(3, len(set(advice.flips)))
    told = [sentences[text] for text in advice.flips]
    assert [not row.is_plausible for row in told] == sorted(not row.is_plausible for row in told)
    likely = [row.distance for row in sentences.values() if row.is_plausible]
    if likely:
        assert told[0].is_plausible and told[0].distance == min(likely)
    inside = [row for row in advice.tipping if any(p and p.within_expected for p in (row.below, row.above))]
    assert all(row.label in advice.outlook for row in inside)
    assert advice.outlook.startswith("No ") is not bool(inside)


def test_each_step_of_the_ladder_is_what_a_scenario_with_that_floor_recommends(
    case: tuple[Comparison, Recommendation],
) -> None:
    _, advice = case
    steps = advice.quality_ladder
    assert len(steps) >= 2
    assert [step.quality for step in steps] == sorted({step.quality for step in steps})
    assert [step.monthly_usd for step in steps] == sorted(step.monthly_usd for step in steps)
    floors = [0.5 * (a.quality + b.quality) for a, b in pairwise(steps)]
    for step, floor in zip(steps[1:], floors, strict=True):
        if floor <= 1.5:
            there = evaluate(advice.scenario.but(quality_floor=floor))
            assert there.recommended is not None and there.recommended.option_id == step.option_id
            assert float(there.monthly_usd[1, there.order[0]]) == pytest.approx(step.monthly_usd)
    assert advice.option_id in {step.option_id for step in steps}


def test_the_reason_says_whether_the_floor_drives_the_choice() -> None:
    scenario = CASES["token price"]
    free, floored = (
        recommend(scenario.but(quality_floor=0), tipping=False),
        recommend(scenario, tipping=False),
    )
    assert free.option_id != floored.option_id and "The floor drives the choice" in floored.reason
    assert free.label is not None and free.label in floored.reason
    low = recommend(scenario.but(quality_floor=0.3), tipping=False)
    assert low.option_id == free.option_id and "does not drive the choice" in low.reason
    assert "The floor" not in free.reason


def test_the_headline_is_short_enough_for_a_slide(case: tuple[Comparison, Recommendation]) -> None:
    assert len(case[1].headline.split()) <= 25


def test_probabilities_and_words(case: tuple[Comparison, Recommendation]) -> None:
    _, advice = case
    assert sum(advice.p_kind.values()) == pytest.approx(1)
    assert advice.p_right is not None and 0 <= advice.p_right <= advice.p_kind[str(advice.kind)] + 1e-12
    assert advice.p_right <= (1.0 if advice.p_meets is None else advice.p_meets + 0.02)
    assert advice.confidence == in_words(advice.p_right or 0.0) and advice.confidence in advice.headline


def test_tokens_are_those_of_the_answer_and_say_what_they_rest_on(
    case: tuple[Comparison, Recommendation],
) -> None:
    found, advice = case
    item, said = found.options.items[found.order[0]], advice.why_these_tokens
    if found.scenario.token_basis == "equal" or item.lengths is None or item.output_tokens is None:
        assert said == ""
        return
    for tokens in (item.lengths.input, item.lengths.output, item.output_tokens.low, item.output_tokens.high):
        assert f"{tokens:,.0f}" in said
    assert ("none of it reasoning" in said) == (item.lengths.reasoning < 1)
    assert "published" in said and advice.to_dict()["why_these_tokens"] == said


def test_pages_and_shell_are_as_sure() -> None:
    report, shell = make_report(CASES["token price"]).advice, recommend(CASES["token price"])
    assert (report.p_right, report.expected_regret_usd) == (shell.p_right, shell.expected_regret_usd)


def test_runners_up_are_the_best_of_each_kind(case: tuple[Comparison, Recommendation]) -> None:
    found, advice = case
    for kind, row in advice.runners_up.items():
        rest = [i for i in found.order[1:] if found.options.items[i].kind == kind]
        assert row.option_id == found.options.items[rest[0]].option_id
        assert row.difference_usd == pytest.approx(
            float(found.monthly_usd[1, rest[0]] - found.monthly_usd[1, found.order[0]])
        )


def test_the_text_is_the_same_each_time(case: tuple[Comparison, Recommendation]) -> None:
    again = recommend(case[1].scenario)
    assert again.to_dict() == case[1].to_dict()


def test_light_mode_differs_in_tipping_points_only_by_their_absence() -> None:
    scenario = CASES["fleet"]
    light, full = recommend(scenario, tipping=False), recommend(scenario)
    assert light.option_id == full.option_id and light.reason == full.reason
    assert light.tipping == () and light.flips == ()
    assert light.p_right == pytest.approx(full.p_right, abs=0.03)


def test_options_at_hand_are_used() -> None:
    scenario = CASES["fleet"]
    found = evaluate(scenario)
    part = found.options.take([found.order[3], found.order[5]])
    advice = recommend(scenario, tipping=False, options=part)
    assert advice.option_id == found.options.items[found.order[3]].option_id


def test_nothing_feasible_says_what_is_in_the_way() -> None:
    advice = recommend(CASES["token price"].but(quality_floor=1.45))
    assert advice.option_id is None and advice.margin_usd is None and advice.p_right is None
    assert "the quality floor alone rules out" in advice.reason
    assert [row.limit for row in advice.relaxed] == ["the quality floor"]
    assert advice.to_dict()["monthly_usd"] == {"low": None, "base": None, "high": None}


def test_what_would_be_without_each_limit_is_the_answer_without_it() -> None:
    scenario = CASES["token price"].but(quality_floor=0.5, ttft_limit_ms=1, data_stays_in_house=True)
    advice = recommend(scenario)
    assert advice.option_id is None and not scenario.regions
    free = {"the latency targets": {"ttft_limit_ms": None, "tpot_limit_ms": None}}
    free["keeping data in house"] = {"data_stays_in_house": False}
    alone = {limit: recommend(scenario.but(**values), tipping=False) for limit, values in free.items()}
    assert {row.limit: row.option_id for row in advice.relaxed} == {
        limit: found.option_id for limit, found in alone.items() if found.option_id is not None
    }
    for row in advice.relaxed:
        usd = alone[row.limit].monthly_usd
        assert usd is not None and row.monthly_usd == pytest.approx(usd[1])
    assert [row.monthly_usd for row in advice.relaxed] == sorted(row.monthly_usd for row in advice.relaxed)


def test_an_engine_in_maintenance_and_no_floor_are_caveats() -> None:
    only = {"engine_ids": ("tgi",), "model_ids": ("llama-3.1-8b",)}
    scenario = Scenario().but(**{**FEW, **only}, data_stays_in_house=True)
    catalog = load_catalog()
    advice = recommend(scenario, tipping=False)
    assert catalog.engines["tgi"].status != "active"
    assert any("No quality floor" in text for text in advice.caveats)


@pytest.mark.parametrize(("days", "is_told"), [(30, True), (900, True), (3 * 365 + 1, False)])
def test_an_end_within_a_plans_months_is_a_date_and_a_caveat(days: int, is_told: bool) -> None:
    catalog = load_catalog()
    end = catalog.today + timedelta(days=days)
    catalog = catalog.with_record(catalog.api("gpt-4o-mini").model_copy(update={"ends_on": end}))
    few = FEW | {"api_ids": ("gpt-4o-mini",), "model_ids": ("llama-3.1-8b",), "gpu_ids": ("l4",)}
    advice = recommend(Scenario().but(**few, queries_per_day=1_000), catalog, tipping=False)
    assert advice.option_id is not None and advice.option_id.startswith("gpt-4o-mini")
    assert advice.to_dict()["ends_on"] == (end.isoformat() if is_told else None)
    assert any(f"ends gpt-4o-mini on {end}" in text for text in advice.caveats) is is_told


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.95, "almost certain"), (0.85, "likely"), (0.6, "more likely than not"), (0.1, "unlikely to hold")],
)
def test_words(value: float, text: str) -> None:
    assert in_words(value) == text


def ranked_rows(found: Comparison) -> list[dict[str, Any]]:
    return [comparison_row(found, place) for place in found.order]


def test_a_hybrid_is_recommended_where_it_is_the_cheapest_row() -> None:
    advice, rows = recommend(MIXED), ranked_rows(evaluate(MIXED))
    assert rows[0]["kind"] == advice.kind == "hybrid"
    assert advice.option_id == rows[0]["option_id"] and advice.monthly_usd is not None
    assert advice.monthly_usd[1] == pytest.approx(rows[0]["monthly_usd_base"])
    alone = next(row for row in rows if row["kind"] != "hybrid")
    assert advice.rival is not None and advice.rival.option_id == alone["option_id"]
    assert advice.margin_usd == pytest.approx(alone["monthly_usd_base"] - rows[0]["monthly_usd_base"])
    assert sum(advice.p_kind.values()) == pytest.approx(1) and advice.p_right is not None
    assert advice.p_right <= advice.p_kind["hybrid"]
    assert len(advice.headline.split()) <= 25 and len(advice.caveats) == 3


def test_each_figure_of_a_hybrids_reason_is_the_tables() -> None:
    advice, rows, found = recommend(MIXED), ranked_rows(evaluate(MIXED)), evaluate(MIXED)
    row, alone = rows[0], advice.rival
    assert alone is not None and advice.p_right is not None
    cost = row["monthly_usd_base"]
    numbers = [cost, row["usd_per_query"], 100 * row["share_weak"], MIXED.queries_per_day, row["replicas"]]
    numbers += [row["gpus_total"], 100 * row["quality"], 100 * MIXED.quality_floor, 100 * advice.p_right]
    numbers += [alone.monthly_usd, alone.monthly_usd - cost, 100 * (1 - cost / alone.monthly_usd)]
    numbers += [*known_numbers(found, advice), 100 * (1 - row["share_weak"])]
    names = [*names_told(found, advice), "Llama-3.1-8B fp8", "Llama-3.1-8B bf16"]
    told = figures(advice.headline, names) + figures(advice.reason.replace("gpt-4o's", ""), names)
    assert len(told) >= 8
    assert [figure for figure in told if not agrees(figure, numbers)] == []


def test_each_tipping_point_of_a_hybrid_is_what_compare_says_there() -> None:
    advice, asked = recommend(MIXED), 0
    assert advice.flips and set(advice.flips) <= {row.sentence for row in advice.tipping}
    for row in advice.tipping:
        for point in (row.below, row.above):
            if point is None or point.changes is None:
                continue
            there = ranked_rows(evaluate(MIXED.but(**point.changes)))
            assert there[0]["kind"] == point.kind != "hybrid"
            field = next(iter(point.changes))
            if isinstance(point.changes[field], dict):
                continue
            old = int(point.last_value) if field == "spare_replicas" else point.last_value
            assert ranked_rows(evaluate(MIXED.but(**{field: old})))[0]["kind"] == "hybrid"
            asked += 1
    assert asked >= 4


def test_a_hybrids_draws_without_ranges_are_its_cost() -> None:
    factors = ("gpu_price", "api_price", "hosted_price", "throughput", "hidden_cost")
    certain = MIXED.but(ranges={f"{name}_factor": (1, 1) for name in factors})
    risk = assess(certain, draws=5, curve=False)
    best = risk.option(str(risk.recommended_id))
    assert best is not None and best.kind == "hybrid"
    assert best.quantiles_usd == pytest.approx([recommend(certain).monthly_usd[1]] * len(risk.levels))


def test_users_are_said() -> None:
    said = recommend(CASES["token price"].but(monthly_active_users=5_000), tipping=False).reason
    assert "5,000 users a month decide on licences alone" in said
