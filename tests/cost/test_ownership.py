import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog.records import Gpu, GpuPurchase
from llmplan.cost.ownership import (
    OwnershipTerms,
    cheapest_servers,
    ownership_cost,
    running_usd_per_server_month,
)
from llmplan.errors import InputError

TERMS = OwnershipTerms(
    life_years=4,
    residual_share=0.20,
    capital_share_per_year=0.08,
    maintenance_share_per_year=0.05,
    usd_per_kwh=0.12,
    pue=1.4,
    server_overhead_w=450,
    colocation_usd_per_server_month=200,
)
JULIAN_MONTH_H = 8766 / 12  # the published figures count 365.25 days a year


@pytest.mark.parametrize(
    ("server_usd", "installation_usd", "tdp_w", "published"),
    [(160_000, 11_200, 400, 0.84), (285_000, 22_300, 700, 1.47), (370_000, 18_900, 700, 1.81)],
)
def test_published_gpu_hours_of_three_servers(server_usd, installation_usd, tdp_w, published):
    cost = ownership_cost(server_usd, installation_usd, 8, tdp_w, TERMS, JULIAN_MONTH_H)
    assert round(float(cost.usd_per_gpu_hour), 2) == published


def test_every_line_by_hand():
    # capital 171,200; 80 % of it over 48 months; 8 % on 60 % of it; 5 % maintenance; (8 x 400 + 450) W x 1.4
    cost = ownership_cost(160_000, 11_200, 8, 400, TERMS, 720)
    assert cost.capital_usd == 171_200
    assert cost.depreciation_usd == pytest.approx(2_853.3333, rel=1e-6)
    assert cost.capital_charge_usd == pytest.approx(684.8)
    assert cost.maintenance_usd == pytest.approx(713.3333, rel=1e-6)
    assert cost.power_kw == pytest.approx(5.11)
    assert cost.power_usd == pytest.approx(441.504)
    assert cost.colocation_usd == 200
    assert cost.usd_per_server_month == pytest.approx(4_892.9707, rel=1e-6)
    assert cost.usd_per_gpu_hour == pytest.approx(4_892.9707 / 5_760, rel=1e-6)


def test_running_cash_is_the_month_without_capital():
    cost = ownership_cost(160_000, 11_200, 8, 400, TERMS, 720)
    cash = running_usd_per_server_month(171_200, 5.11, TERMS, 720)
    assert cash == pytest.approx(
        float(cost.usd_per_server_month - cost.depreciation_usd - cost.capital_charge_usd)
    )


def test_prices_broadcast():
    cost = ownership_cost(np.array([100_000.0, 200_000.0]), 0, 8, 400, TERMS, 720)
    assert cost.usd_per_server_month.shape == (2,)
    fixed = cost.power_usd + cost.colocation_usd
    capital_part = cost.usd_per_server_month - fixed
    assert capital_part[1] == pytest.approx(2 * capital_part[0])


@given(
    price=st.floats(1e3, 1e6),
    life=st.floats(1, 8),
    residual=st.floats(0, 1),
    capital=st.floats(0, 0.3),
)
@settings(max_examples=40, deadline=None)
def test_longer_life_and_more_residual_never_cost_more_depreciation(price, life, residual, capital):
    def month(**changes):
        terms = OwnershipTerms(
            **{**TERMS.__dict__, "life_years": life, "residual_share": residual, **changes},
        )
        return ownership_cost(price, 0, 8, 700, terms, 720)

    base = month(capital_share_per_year=capital)
    assert month(life_years=life + 1, capital_share_per_year=capital).usd_per_server_month <= (
        base.usd_per_server_month + 1e-9
    )
    assert base.usd_per_server_month >= month(capital_share_per_year=0).usd_per_server_month - 1e-9
    assert base.depreciation_usd * life * 12 == pytest.approx(price * (1 - residual), abs=1e-6)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("life_years", 0),
        ("residual_share", 1.2),
        ("pue", 0.9),
        ("usd_per_kwh", -1),
        ("life_years", float("nan")),
        ("life_years", float("inf")),
        ("usd_per_kwh", float("inf")),
    ],
)
def test_terms_outside_their_range_are_refused(field, value):
    with pytest.raises(InputError, match=field):
        OwnershipTerms(**{**TERMS.__dict__, field: value})


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: ownership_cost(float("inf"), 0, 8, 700, TERMS, 720), "server_usd"),
        (lambda: ownership_cost(float("nan"), 0, 8, 700, TERMS, 720), "server_usd"),
        (lambda: ownership_cost(100_000, -1, 8, 700, TERMS, 720), "installation_usd"),
        (lambda: ownership_cost(100_000, 0, 8, 700, TERMS, float("inf")), "hours_per_month"),
    ],
)
def test_amounts_outside_their_range_are_refused(call, field):
    with pytest.raises(InputError, match=field):
        call()


def test_a_free_server_is_refused():
    with pytest.raises(InputError, match="server_usd"):
        ownership_cost(0, 0, 8, 400, TERMS, 720)


def _gpu(gpu_id: str = "a100-80gb-sxm", tdp_w: float = 400) -> Gpu:
    return Gpu(
        gpu_id=gpu_id,
        name=gpu_id,
        vendor="nvidia",
        architecture="ampere",
        memory_gb=80,
        memory_gib_usable=79.2,
        bandwidth_gb_s=2039,
        fp16_tflops=312,
        interconnect="nvlink",
        interconnect_gb_s=600,
        tdp_w=tdp_w,
        status="option",
        source_id="test",
        as_of="2026-08-01",
    )


def _server(gpus: int, usd: float, gpu_id: str = "a100-80gb-sxm") -> GpuPurchase:
    return GpuPurchase(
        gpu_id=gpu_id,
        gpus_per_server=gpus,
        server_usd=usd,
        installation_usd=0,
        source_id="test",
        as_of="2026-08-01",
    )


def test_cheapest_servers_fill_whole_servers_and_keep_a_replica_together():
    table = [_server(1, 34_000), _server(2, 59_000), _server(4, 95_000), _server(8, 160_000)]
    one = cheapest_servers(table, _gpu(), 2, 1, TERMS, 720)
    assert one is not None and (one.purchase.gpus_per_server, one.servers) == (2, 1)
    four = cheapest_servers(table, _gpu(), 2, 4, TERMS, 720)
    assert four is not None and (four.purchase.gpus_per_server, four.servers) == (8, 1)
    assert four.replicas_per_server == 4
    five = cheapest_servers(table, _gpu(), 8, 5, TERMS, 720)
    assert five is not None and five.servers == 5 and five.capital_usd == 800_000
    assert cheapest_servers(table, _gpu(), 16, 1, TERMS, 720) is None
    assert cheapest_servers(table, _gpu("t4"), 1, 1, TERMS, 720) is None
