"""GPUs of one's own, limits, bought servers: as options."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.catalog.records import GpuPurchase
from llmplan.errors import InputError
from llmplan.options import evaluate
from llmplan.options.comparison import Comparison
from llmplan.options.comparison_rows import comparison_row
from llmplan.scenario import Scenario
from llmplan.scenario.fleet_fields import BILLING_MODES

CATALOG = load_catalog()
UNRENTED = replace(CATALOG, gpu_prices=tuple(row for row in CATALOG.gpu_prices if row.gpu_id != "rtx-5090"))
"""The catalog where nobody rents that card out."""
ASKED = Scenario(
    api_ids=("gpt-4o",),
    model_ids=("llama-3.1-8b",),
    gpu_ids=("h100-sxm", "l4", "rtx-5090"),
    engine_ids=("vllm",),
    precision_ids=("bf16",),
    queries_per_day=400_000,
    spare_replicas=0,
)
VOLUMES = np.geomspace(100, 1e8, 40)


def best(found: Comparison, gpu_id: str) -> dict[str, object]:
    return next(comparison_row(found, p) for p in found.order if found.options.items[p].gpu_id == gpu_id)


def cheapest_usd(scenario: Scenario) -> np.ndarray:
    found = evaluate(scenario, CATALOG).alone
    return found.monthly_usd(VOLUMES)[:, found.feasible & found.has_fleet].min(axis=1)


def test_power_only_first_then_rent() -> None:
    row = best(evaluate(ASKED.but(owned_gpus={"h100-sxm": 1}), CATALOG), "h100-sxm")
    assert row["own_gpus"] == 1
    watts = (CATALOG.gpu("h100-sxm").tdp_w + 450) * 1.4
    rented = int(str(row["gpus_total"])) - 1
    price = best(evaluate(ASKED, CATALOG), "h100-sxm")["usd_per_gpu_hour"]
    usd = float(str(row["usd_per_gpu_hour"])) * (1 + rented)
    assert usd == pytest.approx(watts / 1000 * 0.12 + rented * float(str(price)), rel=0.2)
    if not rented:
        assert row["price_kind"] == "owned" and row["provider"] == "own GPUs"


def test_cards_that_nobody_rents_out_are_options_when_owned() -> None:
    few = ASKED.but(queries_per_day=1_000)
    assert not [i for i in evaluate(few, UNRENTED).options.items if i.gpu_id == "rtx-5090" and i.feasible]
    row = best(evaluate(few.but(owned_gpus={"rtx-5090": 2}), UNRENTED), "rtx-5090")
    assert row["price_kind"] == "owned" and row["gpus_total"] == row["own_gpus"]
    with pytest.raises(InputError, match="owned-book-usd"):
        evaluate(few.but(owned_gpus={"rtx-5090": 2}, owned_cost="full"), UNRENTED)
    booked = few.but(owned_gpus={"rtx-5090": 2}, owned_cost="full", owned_book_usd={"rtx-5090": 2_000})
    full = best(evaluate(booked, UNRENTED), "rtx-5090")
    assert float(str(full["monthly_usd_base"])) > float(str(row["monthly_usd_base"]))


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from(["power", "full"]),
    st.sampled_from(BILLING_MODES),
    st.dictionaries(st.sampled_from(["h100-sxm", "l4"]), st.integers(1, 8), min_size=1),
    st.integers(0, 2),
)
def test_an_inventory_never_raises_cost(cost: str, mode: str, own: dict[str, int], spare: int) -> None:
    asked = ASKED.but(billing_modes=(mode,), owned_cost=cost, spare_replicas=spare)
    without, having = (cheapest_usd(asked.but(owned_gpus=gpus)) for gpus in ({}, own))
    assert (having <= without * (1 + 1e-12)).all()


def test_at_no_price_a_limit_holds_and_fewer_gpus_win() -> None:
    free = ASKED.but(gpu_usd_per_hour={"h100-sxm": 0}, engineering_usd_per_month=0, gpu_ids=("h100-sxm",))
    found = evaluate(free, CATALOG)
    gpus = [found.gpus_total[p] for p in found.order if found.monthly_usd[1, p] == 0]
    assert gpus[0] == min(gpus) <= 8
    capped = evaluate(free.but(max_gpus=2, queries_per_day=1e6), CATALOG)
    served = [p for p in capped.order if capped.options.has_fleet[p]]
    assert all(capped.gpus_total[p] <= 2 for p in served)


def test_beyond_the_limit_a_row_says_why() -> None:
    found = evaluate(ASKED.but(max_gpus=1, queries_per_day=1e8, gpu_ids=("l4",)), CATALOG)
    rows = [comparison_row(found, p) for p in range(len(found.options)) if found.options.is_self_hosted[p]]
    assert rows and not any(row["feasible"] for row in rows) and all(row["reasons"] for row in rows)


def test_a_purchase_row_alone_makes_a_bought_option() -> None:
    row = GpuPurchase.model_construct(
        gpu_id="rtx-5090",
        gpus_per_server=2,
        server_usd=9_000.0,
        installation_usd=0.0,
        source_id="own",
        as_of=None,
    )
    catalog = replace(UNRENTED, gpu_purchases=(*CATALOG.gpu_purchases, row))
    found = best(evaluate(ASKED.but(queries_per_day=1_000), catalog), "rtx-5090")
    assert found["price_kind"] == "bought" and found["gpus_total"] == 2


def test_bought_servers_are_a_kind_of_price_with_terms_of_ones_own() -> None:
    asked = ASKED.but(gpu_price_kind="bought", queries_per_day=1_000, gpu_ids=("l4",))
    cheap, dear = (
        float(str(best(evaluate(asked.but(usd_per_kwh=usd), CATALOG), "l4")["monthly_usd_base"]))
        for usd in (0.1, 0.3)
    )
    gpus, kw = 1, (CATALOG.gpu("l4").tdp_w + 450) * 1.4 / 1000
    assert dear - cheap == pytest.approx(gpus * kw * 720 * 0.2)
