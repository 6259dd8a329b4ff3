"""A quality of one's own belongs to a model and where it is served: fine-tunes are not at endpoints that all share."""

import pytest

from llmplan.catalog import load_catalog
from llmplan.options import evaluate
from llmplan.risk.models import models_of
from llmplan.routing import RouteRequest
from llmplan.routing.sides import find_sides
from llmplan.scenario import Scenario

CATALOG = load_catalog()
MINE = Scenario(
    model_ids=("llama-3.1-8b",),
    gpu_ids=("l4",),
    engine_ids=("vllm",),
    precision_ids=("bf16",),
    model_quality={"llama-3.1-8b": 1.1, "gpt-4.1": 1.2},
)
TUNED = MINE.but(own_weights=("llama-3.1-8b", "gpt-4.1"))


def qualities(scenario: Scenario) -> dict[str, float]:
    options = evaluate(scenario, CATALOG).alone
    return dict(zip(options.items.option_id, options.quality.tolist(), strict=True))


def test_a_fine_tunes_quality_is_where_it_is_served() -> None:
    fit, everywhere, tuned = (qualities(s) for s in (MINE.but(model_quality=()), MINE, TUNED))
    hosted = [i for i in fit if i.endswith("/llama-3.1-8b")]
    own = "llama-3.1-8b@bf16@1xl4@vllm"
    assert hosted and all(everywhere[i] == 1.1 for i in (own, *hosted))
    assert tuned[own] == 1.1 and tuned["ft:gpt-4.1"] == 1.2
    assert {i: tuned[i] for i in (*hosted, "gpt-4.1")} == {i: fit[i] for i in (*hosted, "gpt-4.1")}
    assert not [i for i in (*fit, *everywhere) if i.startswith("ft:")]


def test_a_provider_hosts_fine_tunes_at_its_price_for_them() -> None:
    found = evaluate(TUNED.but(token_basis="equal"), CATALOG).alone
    base, own = (float(found.usd_per_query[found.index(i)]) for i in ("gpt-4.1", "ft:gpt-4.1"))
    assert own == pytest.approx((1_000 * 3 + 300 * 12) / 1e6) and base == pytest.approx(own * 2 / 3)


def test_an_adapter_of_an_open_model_is_hosted_at_the_base_models_price() -> None:
    ids = ("fireworks/glm-5.3-flash", "fireworks/glm-5.3-flash-lora")
    tuned = MINE.but(own_weights=("glm-5.3-flash",), model_quality={"glm-5.3-flash": 1.3}, api_ids=ids)
    found = evaluate(tuned, CATALOG).alone
    base, own = (found.index(option_id) for option_id in ids)
    assert found.quality[own] == 1.3 != found.quality[base]
    names = ("input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok")
    listed, adapter = (CATALOG.api(option_id) for option_id in ids)
    assert [getattr(adapter, name) for name in names] == [getattr(listed, name) for name in names]


def test_hybrids_keep_both_and_their_doubts() -> None:
    """A model's fine-tune does not take the place of its endpoint, the cheaper one, among hybrids."""
    found = evaluate(TUNED.but(reference_api_id="gpt-4o", api_ids=("gpt-4.1", "ft:gpt-4.1")), CATALOG)
    ends = {item.api_id for item in found.options.items if item.split_by}
    assert ends == {"gpt-4.1", "ft:gpt-4.1"}
    doubt = models_of(found.options, CATALOG)
    by_end = {
        item.api_id: sd
        for item, sd in zip(found.options.items, doubt.strong_sd, strict=True)
        if item.split_by == "difficulty"
    }
    assert by_end["ft:gpt-4.1"] == 0 < by_end["gpt-4.1"]


def test_routes_know_where_an_end_is_served() -> None:
    ends = [
        find_sides(RouteRequest(TUNED, "llama-3.1-8b", api), CATALOG) for api in ("gpt-4.1", "ft:gpt-4.1")
    ]
    assert ends[1].strong_quality == 1.2 > ends[0].strong_quality
