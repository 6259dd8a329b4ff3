"""Every month of a comparison, worked again from the CSV files and docs/method alone.

Nothing here calls the code under test but for the rate of a replica, which section 3 predicts, and the tokens of a
model, which section 11 does.
"""

import csv
import math
from typing import Any

import numpy as np
import pytest

from llmplan.catalog import data_dir, load_catalog
from llmplan.options import Option, evaluate
from llmplan.quality.variants import Lengths
from llmplan.router.roc import from_auc
from llmplan.scenario import Scenario, load_scenario

Row = dict[str, str]
SIDES = ("low", "base", "high")
HIDDEN = (
    "monitoring-usd-per-month",
    "load-balancer-network-usd-per-month",
    "model-storage-usd-per-month",
    "backup-recovery-usd-per-month",
)
OWN = {"l4": 0.5, "rtx-4090": 0.4}
SCENARIOS = [
    load_scenario("article-as-computed").but(queries_per_day=100_000),
    load_scenario("batch-classification"),
    load_scenario("rag").but(input_tokens=250_000, cached_input_share=0.3),
    load_scenario("code-assistant").but(gpu_price_kind="spot", days_per_month=31),
    load_scenario("support-chat").but(gpu_price_kind="serverless", regions=("us",)),
    load_scenario("support-chat").but(
        gpu_usd_per_hour=OWN, spare_replicas=3, utilisation_ceiling=0.5, peak_to_mean=7
    ),
]


def rows(file: str) -> list[Row]:
    with (data_dir() / file).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


ASSUMPTIONS = {row["assumption_id"]: row for row in rows("assumptions.csv")}
APIS = {row["api_id"]: row for row in rows("api_prices.csv")}
OFFERS = rows("gpu_prices.csv")
PROFILES = rows("profiles.csv")


def assumed(name: str, side: str) -> float:
    return float(ASSUMPTIONS[name][side])


def number(row: Row, column: str, otherwise: float) -> float:
    return float(row[column]) if row[column] else otherwise


def token_month(s: Scenario, row: Row, lengths: Lengths) -> float:
    """(0.3), (1.1) to (1.4)"""
    p_in, p_out = float(row["input_usd_per_mtok"]), float(row["output_usd_per_mtok"])
    p_cached = number(row, "cached_input_usd_per_mtok", p_in)
    if lengths.input > number(row, "long_context_from_tokens", math.inf):
        tier_in = float(row["long_context_input_usd_per_mtok"])
        p_cached = number(row, "long_context_cached_input_usd_per_mtok", p_cached * tier_in / p_in)
        p_in, p_out = tier_in, float(row["long_context_output_usd_per_mtok"])
    cached = lengths.input * s.cached_input_share
    usd = ((lengths.input - cached) * p_in + cached * p_cached + lengths.output * p_out) / 1e6
    usd *= 1 - s.batch_share * number(row, "batch_discount", 0)
    usd *= 1 + (number(row, "peak_price_factor", 1) - 1) * number(row, "peak_hours_per_day", 0) / 24
    return usd * s.queries_per_day * s.days_per_month


def offers(s: Scenario, gpu_id: str, n_gpus: int) -> list[tuple[float, int, float]]:
    """(4.4), (5.2): USD of a replica-hour, GPUs of the lot, USD of a GPU-hour."""
    own = dict(s.gpu_usd_per_hour).get(gpu_id)
    if own is not None:
        return [(own * n_gpus, n_gpus, own)]
    found = []
    for row in OFFERS:
        asked = row["gpu_id"] == gpu_id and row["price_kind"] == s.gpu_price_kind
        inside = not s.regions or any(row["region"].startswith(r) or row["area"] == r for r in s.regions)
        lot = int(row["gpus_per_instance"])
        lot = n_gpus if lot < n_gpus <= int(row["max_gpus_together"] or lot) else lot
        if asked and inside and row["status"] == "active" and lot >= n_gpus:
            price = float(row["usd_per_gpu_hour"])
            found.append((lot * price / (lot // n_gpus), lot, price))
    return sorted(found)


def fixed(s: Scenario, gpus: int, side: str) -> float:
    """(5.3), (5.4)"""
    if s.engineering_usd_per_month is not None:
        return s.engineering_usd_per_month
    days, per_year, rate = (
        assumed(name, side) for name in ("days-per-update", "updates-per-year", "day-rate-usd")
    )
    covered = assumed("gpus-per-people-step", SIDES[2 - SIDES.index(side)])
    people = math.ceil(gpus / covered) * assumed("devops-usd-per-month", side)
    return sum(assumed(name, side) for name in HIDDEN) + days * per_year * rate / 12 + people


def fleet_month(s: Scenario, gpu_id: str, n_gpus: int, rates: tuple[float, ...]) -> list[float]:
    """(4.1) to (4.5), (5.1): low, base and high."""
    busiest = [24 * float(row["share"]) for row in PROFILES if row["profile_id"] == s.profile_id]
    peak = max([s.peak_to_mean, *busiest])
    ranked = offers(s, gpu_id, n_gpus)
    chosen = (ranked[0], ranked[(len(ranked) - 1) // 2], ranked[-1])
    months = []
    for side, rate, (_, lot, price) in zip(SIDES, rates, chosen, strict=True):
        carried = rate * s.utilisation_ceiling * 86_400 / peak
        replicas = max(1, math.ceil(s.queries_per_day / carried - 1e-12)) + s.spare_replicas
        gpus = math.ceil(replicas / (lot // n_gpus)) * lot
        months.append(gpus * price * 24 * s.days_per_month + fixed(s, gpus, side))
    return [min(months), months[1], max(months)]


def hybrid_month(s: Scenario, item: Option) -> list[float]:
    """(7.2), (7.5): a fleet for the work that goes down, tokens for the work that goes up, and the router."""
    assert item.gpu_id and item.n_gpus and item.requests_per_s and item.api_id and item.lengths
    base = {row.assumption_id: row.base for row in load_catalog().router_assumptions.values()}
    hard, longer = base["hard-share"], base["hard-token-multiplier"]
    recall, fpr = from_auc(base["router-auc"]).rates_at(1 - np.array([item.share_weak]), hard)
    up = float((hard * longer * recall + (1 - hard) * fpr)[0]) / (hard * longer + 1 - hard)
    month = s.queries_per_day * s.days_per_month
    tokens = (
        token_month(s, APIS[item.api_id], item.lengths) * up + base["router-usd-per-million"] / 1e6 * month
    )
    loaded = s.but(queries_per_day=s.queries_per_day * (1 - up))
    sides = fleet_month(loaded, item.gpu_id, item.n_gpus, item.requests_per_s)
    return [side + tokens for side in sides]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: f"{s.name}, {s.gpu_price_kind}")
def test_every_month_is_what_the_files_and_the_method_say(scenario: Scenario) -> None:
    found = evaluate(scenario)
    kinds: dict[str, int] = {}
    for place, item in enumerate(found.options.items):
        if not math.isfinite(found.monthly_usd[1, place]):
            continue
        kinds[item.kind] = kinds.get(item.kind, 0) + 1
        expected: Any
        if item.kind == "hybrid":
            expected = hybrid_month(scenario, item)
        elif item.api_id is not None:
            assert item.lengths is not None
            expected = [token_month(scenario, APIS[item.api_id], item.lengths)] * 3
        else:
            assert item.gpu_id and item.n_gpus and item.requests_per_s
            expected = fleet_month(scenario, item.gpu_id, item.n_gpus, item.requests_per_s)
        assert found.monthly_usd[:, place].tolist() == pytest.approx(expected, rel=1e-9), item.option_id
    assert kinds["api"] >= 2 and kinds["self_hosted"] >= 15
