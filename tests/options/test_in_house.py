"""Where queries may go: regions, one's own cloud account, one's own building."""

import pytest

from llmplan.catalog import load_catalog
from llmplan.cost.ownership import ownership_cost, ownership_terms
from llmplan.kinds import Kind
from llmplan.options import Options
from llmplan.options.build import build_options
from llmplan.options.offers import OWN_SERVERS
from llmplan.scenario import Scenario

CATALOG = load_catalog()
FEW = Scenario(
    api_ids=("gpt-4o", "claude-opus-4-6", "bedrock/llama-3.1-70b", "mistral-large-latest"),
    model_ids=("llama-3.1-8b",),
    gpu_ids=("l4", "a10g"),
    engine_ids=("vllm",),
    data_stays_in_house=True,
)


def feasible(options: Options) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for item in options.items:
        if item.feasible:
            found.setdefault(item.kind, set()).add(item.api_id or str(item.gpu_id))
    return found


def test_rented_gpus_are_the_house_unless_it_says_otherwise() -> None:
    assert feasible(build_options(FEW, CATALOG)) == {Kind.SELF_HOSTED: {"l4", "a10g"}}


def test_a_cloud_account_holds_the_models_of_that_cloud_too() -> None:
    found = feasible(build_options(FEW.but(in_house="cloud"), CATALOG))
    assert found[Kind.HOSTED] == {"bedrock/llama-3.1-70b"} and Kind.API not in found


def test_a_building_holds_bought_servers_alone() -> None:
    asked = FEW.but(in_house="building", regions=("eu",), gpu_providers=("runpod",))
    options = build_options(asked, CATALOG)
    assert feasible(options) == {Kind.SELF_HOSTED: {"l4"}}
    row = next(row for row in CATALOG.gpu_purchases if (row.gpu_id, row.gpus_per_server) == ("l4", 4))
    cost = ownership_cost(
        row.server_usd, row.installation_usd, 4, CATALOG.gpu("l4").tdp_w, ownership_terms(CATALOG), 720
    )
    item = next(item for item in options.items if item.feasible and item.n_gpus == 4)
    assert item.offers is not None and item.offers[1].provider == OWN_SERVERS
    assert item.offers[1].usd_per_gpu_hour == pytest.approx(float(cost.usd_per_gpu_hour))


def test_a_building_needs_more_people_than_rented_gpus() -> None:
    rented, owned = (
        build_options(FEW.but(in_house=house), CATALOG).hidden for house in ("rented", "building")
    )
    more = CATALOG.assumption("fte-owned").base / CATALOG.assumption("fte-rented").base
    assert float(owned.usd(1, 1) - owned.usd(0, 1)) == pytest.approx(
        more * float(rented.usd(1, 1) - rented.usd(0, 1))
    )


def test_regions_let_in_what_can_be_held_to_them() -> None:
    def apis(*regions: str) -> set[str]:
        asked = FEW.but(data_stays_in_house=False, regions=regions)
        return feasible(build_options(asked, CATALOG)).get(Kind.API, set())

    assert "mistral-large-latest" in apis("eu") and "claude-opus-4-6" not in apis("eu")
    assert "claude-opus-4-6" in apis("us") and apis("us") <= apis()
