"""Every effort that a model offers is an option: its own quality, tokens, latency and cost."""

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.kinds import Kind
from llmplan.options.comparison import Comparison, evaluate, options_of
from llmplan.options.comparison_rows import comparison_row
from llmplan.options.fleet_api_pairs import Pairs, make_pairs
from llmplan.options.standing import standing_at
from llmplan.quality.tables import names
from llmplan.quality.variants import default_effort
from llmplan.scenario import Scenario
from llmplan.units import TOKENS_PER_MTOK

SCENARIO = Scenario(
    queries_per_day=50_000,
    api_ids=("gpt-4o", "gpt-5", "gpt-5.6-luna", "claude-opus-5-5"),
    model_ids=("gpt-oss-20b", "llama-3.1-8b"),
    gpu_ids=("h100-sxm",),
    engine_ids=("vllm",),
    ttft_limit_ms=None,
)


@pytest.fixture(scope="module")
def found() -> Comparison:
    return evaluate(SCENARIO)


def test_each_effort_is_an_option_of_its_own(found: Comparison) -> None:
    catalog = load_catalog()
    alone = [item for item in found.options.items if item.kind != Kind.HYBRID]
    models = {item.model_id for item in alone}
    assert {(item.model_id, item.effort) for item in alone} == {
        (m, effort) for m in models for effort in names(catalog).efforts_of(m)
    }
    for item in alone:
        other = item.effort != default_effort(catalog, item.model_id)
        assert item.option_id.endswith(f"@{item.effort}") == other


def test_more_effort_spends_more_and_costs_more(found: Comparison) -> None:
    ids = ["gpt-5.6-luna@none", "gpt-5.6-luna", "gpt-5.6-luna@xhigh"]
    rows = [comparison_row(found, found.options.index(option_id)) for option_id in ids]
    for name in ("output_tokens", "reasoning_tokens", "usd_per_query"):
        values = [row[name] for row in rows]
        assert values == sorted(values) and values[0] < values[-1], name
    assert rows[0]["success"] < rows[-1]["success"]


def test_a_fleet_serves_fewer_queries_at_more_effort(found: Comparison) -> None:
    fleets = [
        item for item in found.options.items if item.model_id == "gpt-oss-20b" and item.kind == "self_hosted"
    ]
    rate = {
        effort: max(
            item.requests_per_s[1] for item in fleets if item.effort == effort and item.requests_per_s
        )
        for effort in ("low", "medium", "high")
    }
    assert rate["low"] > rate["medium"] > rate["high"] > 0


def test_a_target_for_the_whole_answer_holds_for_every_kind(found: Comparison) -> None:
    """A fleet takes TTFT and all its tokens, an API at least its tokens at a fast provider's speed."""
    speed, limit_ms = load_catalog().assumption("api-output-tokens-per-s").high, 6_000
    held = evaluate(SCENARIO.but(answer_limit_ms=limit_ms))
    places = {option_id: held.options.index(option_id) for option_id in held.alone.items.option_id}
    dropped = 0
    for before in found.alone.items:
        if before.option_id not in places:  # of fleets whose model thinks for too long one is kept, to say so
            dropped += before.feasible
            continue
        after = held.options.items[places[before.option_id]]
        if after.has_fleet:
            visible = after.lengths.output - after.lengths.reasoning  # the first of them after ttft_ms
            whole_ms = after.ttft_ms + (visible - 1) * after.tpot_ms
            assert not after.feasible or whole_ms <= limit_ms * (1 + 1e-9)
        else:
            late = before.lengths.output / speed * 1e3 > limit_ms
            assert any(reason.startswith("answer in") for reason in after.reasons) == late
        dropped += before.feasible and not after.feasible
    assert dropped > 0 and held.order


def test_a_million_tokens_are_the_option_s_own(found: Comparison) -> None:
    for place in found.order:
        item, row = found.options.items[place], comparison_row(found, place)
        tokens = item.lengths.input + item.lengths.output
        if item.kind == Kind.HYBRID:
            weak = found.options.items[found.options.index(item.weak_id)].lengths
            tokens = item.share_weak * (weak.input + weak.output) + (1 - item.share_weak) * tokens
        assert row["usd_per_mtok"] == pytest.approx(row["usd_per_query"] / tokens * TOKENS_PER_MTOK)


@pytest.mark.parametrize("floor", [0.0, 0.8, 1.0, 1.2])
def test_efforts_left_out_of_hybrids_make_none_that_is_cheaper_and_as_good(
    found: Comparison, floor: float
) -> None:
    alone, catalog = found.alone, load_catalog()
    few, every = make_pairs(alone, catalog), make_pairs(alone, catalog, prune=False)
    assert few is not None and every is not None and set(few.apis) < set(every.apis)
    assert least(few, floor) == pytest.approx(least(every, floor))


def least(pairs: Pairs, floor: float) -> float:
    total, _ = pairs.total_usd(SCENARIO.queries_per_day)
    return float(np.where(pairs.assured >= floor, total, np.inf).min())


def test_a_price_that_is_sold_at_one_effort_is_compared_at_it_alone() -> None:
    """Half of these sell what their model does not offer by request: it is another endpoint."""
    catalog = load_catalog()
    bound = {price.api_id: price.effort for price in catalog.apis.values() if price.effort}
    few = {"model_ids": ("llama-3.1-8b",), "gpu_ids": ("l4",), "engine_ids": ("vllm",)}
    items = options_of(Scenario(api_ids=tuple(bound), **few), catalog).items
    assert {item.api_id: item.effort for item in items if item.api_id} == bound
    assert len(bound) == sum(item.api_id is not None for item in items)
    for item in items:
        if item.api_id:
            found = standing_at(Scenario(), catalog, catalog.api(item.api_id), item.effort)
            assert item.quality == pytest.approx(found.quality)
