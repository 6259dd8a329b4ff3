"""Every month of a comparison, worked again from the CSV files and docs/method alone.

Nothing here calls the code under test but for the rate of a replica, which section 3 predicts, and the tokens of a
model, which section 11 does.
"""

import csv
import math
from itertools import product

import numpy as np
import pytest

from llmplan.catalog import data_dir, load_catalog
from llmplan.cost.week import week_profile
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
    load_scenario("batch-classification").but(images_per_query=0.5),
    load_scenario("rag").but(input_tokens=250_000, cached_input_share=0.3),
    load_scenario("code-assistant").but(gpu_price_kind="spot", days_per_month=31),
    load_scenario("support-chat").but(gpu_price_kind="serverless", regions=("us",)),
    load_scenario("support-chat").but(
        service_tier="priority",
        cache_write_share=0.2,
        cache_lifetime="hour",
        batch_share=0.3,
        weekend_factor=0.4,
    ),
    load_scenario("code-assistant").but(
        service_tier="flex", cached_prefix="own", regions=("eu",), utc_offset_hours=5.5, batch_share=0.5
    ),
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
SERVERS = rows("gpu_purchase.csv")
WATTS = {row["gpu_id"]: float(row["tdp_w"]) for row in rows("gpus.csv")}
PROFILES = rows("profiles.csv")


def assumed(name: str, side: str) -> float:
    return float(ASSUMPTIONS[name][side])


def number(row: Row, column: str, otherwise: float) -> float:
    return float(row[column]) if row[column] else otherwise


def standard_and_batch(s: Scenario, row: Row) -> tuple[dict[str, float], dict[str, float]]:
    """(1.3), (1.7)-(1.9): prices by kind of token of a query sent now, and of one that waits."""
    p_in = float(row["input_usd_per_mtok"])
    plain = {"in": p_in, "out": float(row["output_usd_per_mtok"])}
    plain["cached"] = number(row, "cached_input_usd_per_mtok", p_in)
    plain["write"] = number(row, "cache_write_usd_per_mtok", p_in)
    if s.cache_lifetime == "hour":
        plain["write"] = number(row, "cache_write_long_usd_per_mtok", plain["write"])
    now = dict(plain)
    if s.service_tier != "standard" and row[f"{s.service_tier}_input_usd_per_mtok"]:
        now["in"] = float(row[f"{s.service_tier}_input_usd_per_mtok"])
        now["out"] = float(row[f"{s.service_tier}_output_usd_per_mtok"])
        scaled = plain["cached"] * now["in"] / p_in
        now["cached"] = number(row, f"{s.service_tier}_cached_input_usd_per_mtok", scaled)
        now["write"] = plain["write"] * now["in"] / p_in
    if not row["batch_discount"]:
        return now, now if s.service_tier == "flex" else plain
    later = {kind: usd * (1 - float(row["batch_discount"])) for kind, usd in plain.items()}
    later["cached"] = number(row, "batch_cached_input_usd_per_mtok", later["cached"])
    return now, later


def in_tier(row: Row, name: str, prices: dict[str, float], plain: dict[str, float]) -> dict[str, float]:
    """(1.2): the prices of a query within a context tier, whatever its class."""
    over_in = float(row[f"{name}_input_usd_per_mtok"]) / plain["in"]
    over_out = float(row[f"{name}_output_usd_per_mtok"]) / plain["out"]
    cached = number(row, f"{name}_cached_input_usd_per_mtok", plain["cached"] * over_in)
    over = {"in": over_in, "write": over_in, "out": over_out, "cached": cached / plain["cached"]}
    return {kind: usd * over[kind] for kind, usd in prices.items()}


def busy_share(s: Scenario, row: Row) -> float:
    """(0.3): the share of a week's queries in the dearer hours, counted hour by hour in steps of six minutes."""
    windows = [[float(end) for end in window.split("-")] for window in row["peak_hours_utc"].split()]
    day = [float(r["share"]) for r in PROFILES if r["profile_id"] == s.profile_id] or [1 / 24] * 24
    days = [1.0] * 5 + [s.weekend_factor] * 2
    found = 0.0
    for step in range(7 * 240):
        utc = (step + 0.5) / 10
        local = (utc + s.utc_offset_hours) % 168
        dear = utc // 24 < number(row, "peak_days_per_week", 7) and any(a <= utc % 24 < b for a, b in windows)
        found += dear * days[int(local // 24)] / sum(days) * day[int(local % 24)] / 10
    return found


def token_month(s: Scenario, row: Row, lengths: Lengths) -> float:
    """(0.3), (1.1) to (1.10)"""
    now, later = standard_and_batch(s, row)
    plain = standard_and_batch(s.but(service_tier="standard"), row)[0]
    for name in ("longer_context", "long_context"):
        if lengths.input > number(row, f"{name}_from_tokens", math.inf):
            now, later = in_tier(row, name, now, plain), in_tier(row, name, later, plain)
            break
    derived = float(s.cached_prefix == "own" and s.cached_input_share > 0)
    written = min(derived if s.cache_write_share is None else s.cache_write_share, 1 - s.cached_input_share)
    shares = {"cached": s.cached_input_share, "write": written, "in": 1 - s.cached_input_share - written}
    factor = number(row, "peak_price_factor", 1)
    busy = 1 + (factor - 1) * busy_share(s, row) if row["peak_hours_utc"] else 1.0
    usd = 0.0
    for prices, queries in ((now, (1 - s.batch_share) * busy), (later, s.batch_share * min(1, factor))):
        read = sum(shares[kind] * prices[kind] for kind in shares) * lengths.input
        usd += queries * (read + lengths.output * prices["out"]) / 1e6
    if any(area in s.regions for area in row["in_region_areas"].split()):
        usd *= 1 + number(row, "in_region_surcharge", 0)
    return usd * s.queries_per_day * s.days_per_month


def sold(s: Scenario, gpu_id: str, n_gpus: int) -> dict[str, list[tuple[int, int, float]]]:
    """(4.4), (5.2): by provider, replicas and GPUs of each lot and its USD a GPU-hour."""
    found: dict[str, list[tuple[int, int, float]]] = {}
    if is_bought(gpu_id):
        servers = [
            row for row in SERVERS if row["gpu_id"] == gpu_id and int(row["gpus_per_server"]) >= n_gpus
        ]
        return {"": [server_lot(s, row, n_gpus) for row in servers]} if servers else {}
    for row in OFFERS:
        asked = row["gpu_id"] == gpu_id and row["price_kind"] == s.gpu_price_kind
        inside = not s.regions or any(row["region"].startswith(r) or row["area"] == r for r in s.regions)
        lot = int(row["gpus_per_instance"])
        lot = n_gpus if lot < n_gpus <= int(row["max_gpus_together"] or lot) else lot
        if asked and inside and row["status"] == "active" and lot >= n_gpus:
            found.setdefault(row["provider"], []).append((lot // n_gpus, lot, float(row["usd_per_gpu_hour"])))
    return found


def is_bought(gpu_id: str) -> bool:
    """(5b.13): nobody rents it out."""
    return not any(row["gpu_id"] == gpu_id and row["status"] == "active" for row in OFFERS)


def server_lot(s: Scenario, row: Row, n_gpus: int) -> tuple[int, int, float]:
    """(5b.1) to (5b.6): replicas and GPUs of a server, and its USD a GPU-hour."""
    gpus, capital = int(row["gpus_per_server"]), float(row["server_usd"]) + float(row["installation_usd"])
    left, hours = assumed("residual-share", "base"), 24 * s.days_per_month
    year = capital * (1 - left) / assumed("life-years", "base")
    year += capital * (1 + left) / 2 * assumed("capital-cost-per-year", "base")
    year += capital * assumed("maintenance-per-year", "base")
    kw = (gpus * WATTS[row["gpu_id"]] + assumed("server-power-w", "base")) / 1000 * assumed("pue", "base")
    month = year / 12 + kw * hours * assumed("electricity-usd-per-kwh", "base")
    month += assumed("server-hosting-usd-per-month", "base")
    return gpus // n_gpus, gpus, month / (gpus * hours)


def cheapest_mix(lots: list[tuple[int, int, float]], replicas: int) -> tuple[float, int]:
    """(4.5): USD an hour and GPUs of the cheapest whole lots that hold the replicas, every mix tried."""
    most = [math.ceil(replicas / holds) for holds, _, _ in lots]
    found = []
    for counts in product(*(range(n + 1) for n in most[1:])):
        left = replicas - sum(n * holds for n, (holds, _, _) in zip(counts, lots[1:], strict=True))
        all_counts = (max(0, math.ceil(left / lots[0][0])), *counts)
        gpus = sum(n * size for n, (_, size, _) in zip(all_counts, lots, strict=True))
        usd = sum(n * size * price for n, (_, size, price) in zip(all_counts, lots, strict=True))
        found.append((round(usd, 9), gpus))
    return min(found)


def rents(s: Scenario, gpu_id: str, n_gpus: int, replicas: list[int]) -> list[tuple[float, int]]:
    """(5.2): USD an hour and GPUs: the cheapest, the lower median and the dearest provider of these replicas."""
    providers = list(sold(s, gpu_id, n_gpus).values())
    own = dict(s.gpu_usd_per_hour).get(gpu_id)
    found = []
    for side, count in enumerate(replicas):
        ranked = sorted(cheapest_mix(lots, count) for lots in providers)
        place = (0, (len(ranked) - 1) // 2, len(ranked) - 1)[side if own is None else 1]
        usd, gpus = ranked[place] if ranked else (0.0, count * n_gpus)
        found.append((usd if own is None else gpus * own, gpus))
    return found


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


def hours_of(s: Scenario, peak: float) -> tuple[list[float], list[float]]:
    """(4.6), (4.7): shares of the day's queries by hour, and the load of each over the peak's."""
    day = [float(row["share"]) for row in PROFILES if row["profile_id"] == s.profile_id]
    day = day or (week_profile(None, 1.0, min(s.peak_to_mean, 20.0))[:24] / 24).tolist()
    urgent, low, high = [share * (1 - s.batch_share) for share in day], 0.0, 1.0
    for _ in range(200):  # the level that the waiting queries fill the valleys to
        level = (low + high) / 2
        low, high = (level, high) if sum(max(share, level) for share in urgent) < 1 else (low, level)
    shares = [max(share, low) for share in urgent] if s.batch_share else urgent
    return shares, [min(24 * share / max(1.0, peak * (1 - s.batch_share)), 1.0) for share in shares]


def by_use(
    s: Scenario, gpu_id: str, n_gpus: int, working: list[int], peak: float, start_s: float
) -> list[tuple[float, int]]:
    """(4.8), (4.9): USD an hour, and most GPUs, of fleets that stop what no query needs."""
    shares, load = hours_of(s, peak)
    early, found = assumed("replica-start-s", "base") / 3600, []
    for side, count in enumerate(working):
        needed = [max(1, math.ceil(count * part - 1e-9)) for part in load]
        usd = {n: rents(s, gpu_id, n_gpus, [n] * 3)[side] for n in {*needed, 1, count}}
        total = 0.0
        for hour, n in enumerate(needed):
            more = max(n, needed[(hour + 1) % 24])
            total += (1 - early) * usd[n][0] + early * usd[more][0]
            rate = s.queries_per_day * shares[hour] / 3600
            total -= usd[1][0] / (rate * start_s + math.exp(min(rate * 300, 700))) if n == 1 else 0.0
        found.append((total / 24, usd[count][1]))
    return found


def fleet_month(
    s: Scenario, gpu_id: str, n_gpus: int, rates: tuple[float, ...], start_s: float | None
) -> list[float]:
    """(4.1) to (4.5), (5.1): low, base and high."""
    days = max(1.0, s.weekend_factor) * 7 / (5 + 2 * s.weekend_factor)
    busiest = [24 * days * float(row["share"]) for row in PROFILES if row["profile_id"] == s.profile_id]
    peak = max([s.peak_to_mean, *busiest])
    carried = [
        rate * s.utilisation_ceiling * 86_400 / (max(1.0, peak * (1 - s.batch_share))) for rate in rates
    ]
    counts = [max(1, math.ceil(s.queries_per_day / each - 1e-12)) + s.spare_replicas for each in carried]
    fleets = rents(s, gpu_id, n_gpus, counts)
    if s.gpu_price_kind == "serverless" and not is_bought(gpu_id):
        assert start_s is not None
        fleets = by_use(s, gpu_id, n_gpus, [n - s.spare_replicas for n in counts], peak, start_s)
    months = [
        usd * 24 * s.days_per_month + fixed(s, gpus, side)
        for side, (usd, gpus) in zip(SIDES, fleets, strict=True)
    ]
    return [min(months), months[1], max(months)]


def hybrid_month(s: Scenario, item: Option) -> list[float]:
    """(7.2), (7.5): a fleet for the work that goes down, tokens for the work that goes up, and the router."""
    assert item.gpu_id and item.n_gpus and item.requests_per_s and item.api_id and item.lengths
    if item.split_by == "load":
        return spill_month(s, item)
    base = {row.assumption_id: row.base for row in load_catalog().router_assumptions.values()}
    hard, longer = base["hard-share"], base["hard-token-multiplier"]
    recall, fpr = from_auc(base["router-auc"]).rates_at(1 - np.array([item.share_weak]), hard)
    up = float((hard * longer * recall + (1 - hard) * fpr)[0]) / (hard * longer + 1 - hard)
    month = s.queries_per_day * s.days_per_month
    tokens = (
        token_month(s, APIS[item.api_id], item.lengths) * up + base["router-usd-per-million"] / 1e6 * month
    )
    loaded = s.but(queries_per_day=s.queries_per_day * (1 - up))
    sides = fleet_month(loaded, item.gpu_id, item.n_gpus, item.requests_per_s, item.start_s)
    return [side + tokens for side in sides]


def spill_month(s: Scenario, item: Option) -> list[float]:
    """(7.18): whole replicas for the base load, what is above them by the token."""
    assert (
        item.gpu_id
        and item.n_gpus
        and item.requests_per_s
        and item.api_id
        and item.lengths
        and item.share_weak
    )
    days = max(1.0, s.weekend_factor) * 7 / (5 + 2 * s.weekend_factor)
    shares, load = hours_of(
        s,
        max(
            [
                s.peak_to_mean,
                *(24 * days * float(r["share"]) for r in PROFILES if r["profile_id"] == s.profile_id),
            ]
        ),
    )
    low, high = 0.0, 1.0
    for _ in range(100):  # the part of the peak's load that is kept, from the share that is answered
        kept = (low + high) / 2
        spilled = sum(
            share * max(0.0, 1 - kept * max(load) / part)
            for share, part in zip(shares, load, strict=True)
            if part
        )
        low, high = (kept, high) if spilled > 1 - item.share_weak else (low, kept)
    tokens = token_month(s, APIS[item.api_id], item.lengths) * (1 - item.share_weak)
    sides = fleet_month(
        s.but(queries_per_day=s.queries_per_day * high),
        item.gpu_id,
        item.n_gpus,
        item.requests_per_s,
        item.start_s,
    )
    return [side + tokens for side in sides]


def expected_month(scenario: Scenario, item: Option) -> list[float]:
    """(5.5): low, base and high of an option of any kind; benchmarks/bills.py asks a thousand."""
    if item.kind == "hybrid":
        return hybrid_month(scenario, item)
    if item.api_id is not None:
        assert item.lengths is not None
        return [token_month(scenario, APIS[item.api_id], item.lengths)] * 3
    assert item.gpu_id and item.n_gpus and item.requests_per_s
    return fleet_month(scenario, item.gpu_id, item.n_gpus, item.requests_per_s, item.start_s)


@pytest.mark.parametrize("turn", range(len(SCENARIOS)))
def test_a_month_is_what_the_files_and_the_method_say(turn: int) -> None:
    """Of the thousands of fleets every fourth is asked, other ones in each scenario; all token prices are."""
    scenario = SCENARIOS[turn]
    found = evaluate(scenario)
    kinds: dict[str, int] = dict.fromkeys(("api", "self_hosted"), 0)
    for place, item in enumerate(found.options.items):
        if not math.isfinite(found.monthly_usd[1, place]) or (item.has_fleet and (place + turn) % 4):
            continue
        kinds[item.kind] = kinds.get(item.kind, 0) + 1
        expected = expected_month(scenario, item)
        assert found.monthly_usd[:, place].tolist() == pytest.approx(expected, rel=1e-9), item.option_id
    assert kinds["api"] >= 2 and kinds["self_hosted"] >= (0 if scenario.regions == ("eu",) else 15)
