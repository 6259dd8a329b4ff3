"""Every month of a comparison, worked again from the CSV files and docs/method alone.

Nothing here calls the code under test but for the rate of a replica, which section 3 predicts, and the tokens of a
model, which section 11 does.
"""

import csv
import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from llmplan.catalog import data_dir, load_catalog
from llmplan.cost.week import week_profile
from llmplan.options import Option, evaluate
from llmplan.quality.variants import Lengths
from llmplan.router.roc import from_auc
from llmplan.scenario import Scenario, load_scenario

Row = dict[str, str]
Sold = tuple[int, int, float]
SIDES = ("low", "base", "high")
HIDDEN = (
    "monitoring-usd-per-month",
    "load-balancer-network-usd-per-month",
    "model-storage-usd-per-month",
    "backup-recovery-usd-per-month",
)
OWN = {"l4": 0.5, "rtx-4090": 0.4}
STOCK: dict[str, Any] = {"owned_gpus": {"l4": 3, "h100-sxm": 8}, "owned_age_years": {"l4": 2.0}}
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
        api_commitments=("hourly", "1_month", "1_year"),
    ),
    load_scenario("code-assistant").but(
        service_tier="flex", cached_prefix="own", regions=("eu",), utc_offset_hours=5.5, batch_share=0.5
    ),
    load_scenario("support-chat").but(
        gpu_usd_per_hour=OWN, spare_replicas=3, utilisation_ceiling=0.5, peak_to_mean=7
    ),
    load_scenario("support-chat").but(
        billing_modes=("office_hours", "autoscaled"), spare_replicas=1, **STOCK
    ),
    load_scenario("support-chat").but(
        billing_modes=("autoscaled",), queries_per_day=400_000, batch_share=0.1
    ),
    load_scenario("support-chat").but(gpu_price_kind="reserved_1y", owned_cost="full", **STOCK),
    load_scenario("support-chat").but(gpu_price_kind="bought", billing_modes=("scale_to_zero",)),
]


def rows(file: str) -> list[Row]:
    with (data_dir() / file).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


ASSUMPTIONS = {row["assumption_id"]: row for row in rows("assumptions.csv")}
APIS = {row["api_id"]: row for row in rows("api_prices.csv")}
UNITS = {(row["api_id"], row["unit"], row["commitment"]): row for row in rows("reserved_capacity.csv")}
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


@cache
def at_standard(s: Scenario) -> Scenario:
    return s.but(service_tier="standard")


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
    plain = standard_and_batch(at_standard(s), row)[0]
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


def sold(
    gpu_id: str, n_gpus: int, price_kind: str, regions: tuple[str, ...], days: float
) -> dict[str, list[Sold]]:
    """(4.4), (5.2): by provider, replicas and GPUs of each lot and its USD a GPU-hour."""
    found: dict[str, list[Sold]] = {}
    if is_bought(price_kind, gpu_id):
        servers = [
            row for row in SERVERS if row["gpu_id"] == gpu_id and int(row["gpus_per_server"]) >= n_gpus
        ]
        return {"": [server_lot(row, n_gpus, days) for row in servers]} if servers else {}
    for row in OFFERS:
        asked = row["gpu_id"] == gpu_id and row["price_kind"] == price_kind
        inside = not regions or any(row["region"].startswith(r) or row["area"] == r for r in regions)
        lot = int(row["gpus_per_instance"])
        lot = n_gpus if lot < n_gpus <= int(row["max_gpus_together"] or lot) else lot
        if asked and inside and row["status"] == "active" and lot >= n_gpus:
            found.setdefault(row["provider"], []).append((lot // n_gpus, lot, float(row["usd_per_gpu_hour"])))
    return found


def is_bought(price_kind: str, gpu_id: str) -> bool:
    """(5b.12): GPUs are bought, or nobody rents this one out."""
    rented_out = any(row["gpu_id"] == gpu_id and row["status"] == "active" for row in OFFERS)
    return price_kind == "bought" or not rented_out


def server_lot(row: Row, n_gpus: int, days: float) -> Sold:
    """(5b.1) to (5b.6): replicas and GPUs of a server, and its USD a GPU-hour."""
    gpus, capital = int(row["gpus_per_server"]), float(row["server_usd"]) + float(row["installation_usd"])
    month = standing_month(capital, 0.0) + assumed("server-hosting-usd-per-month", "base")
    return gpus // n_gpus, gpus, month / (gpus * 24 * days) + power_hour(row["gpu_id"], gpus)


def standing_month(capital: float, age: float) -> float:
    """(5b.10): what stands a month of something bought at `capital`, but for its space."""
    left, life = assumed("residual-share", "base"), assumed("life-years", "base")
    book = capital * (1 - (1 - left) * min(age / life, 1))
    year = capital * (1 - left) / life * (age < life) + capital * assumed("maintenance-per-year", "base")
    return (year + (book + left * capital) / 2 * assumed("capital-cost-per-year", "base")) / 12


def power_hour(gpu_id: str, gpus: int) -> float:
    """(5b.4), (5b.9): power of a GPU and its share of a server of `gpus`, USD an hour."""
    kw = (gpus * WATTS[gpu_id] + assumed("server-power-w", "base")) / 1000 * assumed("pue", "base")
    return kw * assumed("electricity-usd-per-kwh", "base") / gpus


def owned(s: Scenario, gpu_id: str, n_gpus: int) -> tuple[int, float, float]:
    """(5b.8) to (5b.10): replicas that owned GPUs hold; USD of one an hour that it runs, and in every hour."""
    count, of_server = int(dict(s.owned_gpus).get(gpu_id, 0)), s.owned_gpus_per_server
    held = count // of_server * (of_server // n_gpus) + count % of_server // n_gpus
    if not held:
        return 0, 0.0, 0.0
    together = min(count, of_server)
    if s.owned_cost == "power":
        return held, n_gpus * power_hour(gpu_id, together), 0.0
    row = min(
        (row for row in SERVERS if row["gpu_id"] == gpu_id),
        key=lambda row: abs(int(row["gpus_per_server"]) - together),
    )
    new = (float(row["server_usd"]) + float(row["installation_usd"])) / int(row["gpus_per_server"])
    month = standing_month(new, dict(s.owned_age_years).get(gpu_id, 0.0))
    month += assumed("server-hosting-usd-per-month", "base") / together
    return held, n_gpus * power_hour(gpu_id, together), n_gpus * month / (24 * s.days_per_month)


@cache
def cheapest_mixes(lots: tuple[Sold, ...], most: int) -> list[tuple[float, int]]:
    """(4.5): USD an hour and GPUs of the cheapest whole lots that hold 0 to `most` replicas."""
    found = [(0.0, 0)]
    for n in range(1, most + 1):
        before = [(found[max(n - holds, 0)], size, price) for holds, size, price in lots]
        found.append(min((round(usd + size * price, 9), gpus + size) for (usd, gpus), size, price in before))
    return found


@cache
def rented(
    gpu_id: str,
    n_gpus: int,
    price_kind: str,
    regions: tuple[str, ...],
    days: float,
    own: float | None,
    replicas: int,
) -> list[tuple[float, float]]:
    """(5.2): the cheapest, the lower median and the dearest provider of these replicas, USD an hour and GPUs."""
    most = 1 << replicas.bit_length()
    sellers = sold(gpu_id, n_gpus, price_kind, regions, days).values()
    ranked = sorted(cheapest_mixes(tuple(lots), most)[replicas] for lots in sellers)
    sides = (0, (len(ranked) - 1) // 2, len(ranked) - 1)
    if own is not None:
        gpus = ranked[sides[1]][1] if ranked else replicas * n_gpus
        return [(gpus * own, gpus)] * 3
    nowhere = (math.inf, math.inf) if replicas else (0.0, 0.0)
    return [ranked[side] if ranked else nowhere for side in sides]


def rents(s: Scenario, gpu_id: str, n_gpus: int, replicas: int) -> list[tuple[float, float]]:
    own = dict(s.gpu_usd_per_hour).get(gpu_id)
    return rented(gpu_id, n_gpus, s.gpu_price_kind, s.regions, s.days_per_month, own, replicas)


def fixed(s: Scenario, gpus: float, side: str) -> float:
    """(5.3), (5.4)"""
    if s.engineering_usd_per_month is not None:
        return s.engineering_usd_per_month
    days, per_year, rate = (
        assumed(name, side) for name in ("days-per-update", "updates-per-year", "day-rate-usd")
    )
    if math.isinf(gpus):  # more than anybody sells
        return math.inf
    covered = assumed("gpus-per-people-step", SIDES[2 - SIDES.index(side)])
    people = math.ceil(gpus / covered) * assumed("devops-usd-per-month", side)
    if s.gpu_price_kind == "bought":
        people *= assumed("fte-owned", "base") / assumed("fte-rented", "base")
    return sum(assumed(name, side) for name in HIDDEN) + days * per_year * rate / 12 + people


@cache
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


def needed_by_hour(s: Scenario, mode: str, working: int, peak: float) -> list[int]:
    """(4.8): replicas that are paid in each hour of the day."""
    shares, load = hours_of(s, peak)
    if mode == "always_on":
        return [working + s.spare_replicas] * 24
    if mode == "office_hours":
        fewest = next(
            length
            for length in range(1, 25)
            if max(sum(shares[(start + h) % 24] for h in range(length)) for start in range(24)) > 0.95 - 1e-12
        )
        return [(working + s.spare_replicas) * (hour < fewest) for hour in range(24)]
    spare = s.spare_replicas if mode == "autoscaled" else 0
    return [max(1, math.ceil(working * part - 1e-9)) + spare for part in load]


def paid_hours(
    s: Scenario, gpu_id: str, n_gpus: int, working: list[int], peak: float, item: Option
) -> list[tuple[float, float]]:
    """(4.8), (4.9), (5b.11): USD an hour of the month, and GPUs, of fleets; owned replicas go before rented ones."""
    mode = "always_on" if is_bought(s.gpu_price_kind, gpu_id) else str(item.billing_mode)
    early = assumed("replica-start-s", "base") / 3600
    held, running, standing = owned(s, gpu_id, n_gpus)
    found = []
    for side, count in enumerate(working):
        most = count + (s.spare_replicas if mode != "scale_to_zero" else 0)
        hours = needed_by_hour(s, mode, count, peak)
        ways = []
        for k in range(min(held, most) + 1):
            used = {n: min(n, k) for n in {*hours, most}}
            cost = {n: rents(s, gpu_id, n_gpus, n - own)[side][0] + own * running for n, own in used.items()}
            day = sum(
                (1 - early) * cost[n] + early * cost[max(n, hours[(hour + 1) % 24])]
                for hour, n in enumerate(hours)
            )
            gpus = rents(s, gpu_id, n_gpus, most - k)[side][1] + k * n_gpus
            ways.append((day / 24 + k * standing, gpus))
        usd, gpus = min(way for way in ways if way[1] <= rents(s, gpu_id, n_gpus, most)[side][1])
        if mode == "scale_to_zero":
            rates = [s.queries_per_day * share / 3600 for share in hours_of(s, peak)[0]]
            off = [1 / (rate * (item.start_s or 0) + math.exp(min(rate * 300, 700))) for rate in rates]
            idle = sum(part for part, n in zip(off, hours, strict=True) if n == 1) / 24
            usd -= idle * rents(s, gpu_id, n_gpus, 1)[side][0]
        found.append((usd, gpus))
    return found


def peak_of(s: Scenario) -> float:
    """(4.1): the busiest time over the mean, the stated one or the profile's own."""
    days = max(1.0, s.weekend_factor) * 7 / (5 + 2 * s.weekend_factor)
    busiest = [24 * days * float(row["share"]) for row in PROFILES if row["profile_id"] == s.profile_id]
    return max([s.peak_to_mean, *busiest])


def carried_by(s: Scenario, rates: tuple[float, ...]) -> list[float]:
    """(4.2): daily queries of a replica, on every side."""
    peak = max(1.0, peak_of(s) * (1 - s.batch_share))
    return [rate * s.utilisation_ceiling * 86_400 / peak for rate in rates]


def fleet_month(s: Scenario, gpu_id: str, n_gpus: int, rates: tuple[float, ...], item: Option) -> list[float]:
    """(4.1) to (4.5), (5.1): low, base and high."""
    peak = peak_of(s)
    carried = carried_by(s, rates)
    counts = [max(1, math.ceil(s.queries_per_day / each - 1e-12)) + s.spare_replicas for each in carried]
    fleets = paid_hours(s, gpu_id, n_gpus, [n - s.spare_replicas for n in counts], peak, item)
    months = [
        usd * 24 * s.days_per_month + fixed(s, gpus, side)
        for side, (usd, gpus) in zip(SIDES, fleets, strict=True)
    ]
    return [min(months), months[1], max(months)]


def hybrid_month(s: Scenario, item: Option) -> list[float]:
    """(7.2), (7.5): a fleet for the work that goes down, tokens for the work that goes up, and the router."""
    assert item.gpu_id and item.n_gpus and item.requests_per_s and item.api_id and item.lengths
    if item.split_by == "load":
        return by_hour_month(s, item) if item.billing_mode == "autoscaled" else spill_month(s, item)
    base = {row.assumption_id: row.base for row in load_catalog().router_assumptions.values()}
    hard, longer = base["hard-share"], base["hard-token-multiplier"]
    recall, fpr = from_auc(base["router-auc"]).rates_at(1 - np.array([item.share_weak]), hard)
    up = float((hard * longer * recall + (1 - hard) * fpr)[0]) / (hard * longer + 1 - hard)
    month = s.queries_per_day * s.days_per_month
    tokens = (
        token_month(s, APIS[item.api_id], item.lengths) * up + base["router-usd-per-million"] / 1e6 * month
    )
    loaded = s.but(queries_per_day=s.queries_per_day * (1 - up))
    sides = fleet_month(loaded, item.gpu_id, item.n_gpus, item.requests_per_s, item)
    return [side + tokens for side in sides]


def spilled(s: Scenario, kept: float) -> float:
    """(7.18): the share of queries above a part of the peak's load."""
    shares, load = hours_of(s, peak_of(s))
    parts = [(share, part) for share, part in zip(shares, load, strict=True) if part]
    return sum(share * max(0.0, 1 - kept * max(load) / part) for share, part in parts)


def reserved_month(s: Scenario, item: Option) -> float:
    """(7.19): whole units for a part of the peak, the rest by the token."""
    assert item.api_id and item.lengths
    unit, commitment, *part = item.option_id.rpartition("@")[2].split("-")
    row, kept = UNITS[item.api_id, unit, commitment], float(part[0].rstrip("%")) / 100 if part else 1.0
    paid = 1 - s.cached_input_share * (1 - float(row["cached_weight"]))
    counted = item.lengths.input * paid + item.lengths.output * float(row["output_weight"])
    busiest = s.queries_per_day * kept * max(1.0, peak_of(s) * (1 - s.batch_share)) / 1_440
    step = int(row["unit_step"])
    needed = busiest * counted / float(row["input_tokens_per_minute"]) / step
    units = max(int(row["min_units"]), math.ceil(needed - 1e-9) * step)
    months = {"hour": 24 * s.days_per_month, "month": 1, "year": 1 / 12}[row["paid_per"]]
    over = spilled(s, kept) * token_month(s, APIS[item.api_id], item.lengths)
    return units * float(row["usd_per_unit"]) * months + over


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
    low, high = 0.0, 1.0
    for _ in range(100):  # the part of the peak's load that is kept, from the share that is answered
        kept = (low + high) / 2
        low, high = (kept, high) if spilled(s, kept) > 1 - item.share_weak else (low, kept)
    tokens = token_month(s, APIS[item.api_id], item.lengths) * (1 - item.share_weak)
    sides = fleet_month(
        s.but(queries_per_day=s.queries_per_day * high),
        item.gpu_id,
        item.n_gpus,
        item.requests_per_s,
        item,
    )
    return [side + tokens for side in sides]


def hour_usd(s: Scenario, item: Option, count: int, side: int) -> tuple[float, float]:
    """(4.5), (5b.11): USD of an hour and GPUs of replicas, owned ones before rented ones where that is cheaper."""
    assert item.gpu_id and item.n_gpus
    held, running, _ = owned(s, item.gpu_id, item.n_gpus)
    sold_ = [rents(s, item.gpu_id, item.n_gpus, count - k)[side] for k in range(min(held, count) + 1)]
    ways = [(usd + k * running, gpus + k * item.n_gpus) for k, (usd, gpus) in enumerate(sold_)]
    return min(way for way in ways if way[1] <= sold_[0][1])


def by_hour_month(s: Scenario, item: Option) -> list[float]:
    """(7.20): what fills enough of a replica in each hour on own GPUs, the rest by the token."""
    assert item.requests_per_s and item.api_id and item.lengths and item.share_weak
    shares, load = hours_of(s, peak_of(s))
    each, early = carried_by(s, item.requests_per_s), assumed("replica-start-s", "base") / 3600

    def chosen(at_peak: float, threshold: float) -> list[int]:
        filled = [at_peak * part / max(load) for part in load]
        return [max(0, math.ceil(part * (1 - 1e-12) - threshold)) for part in filled]

    def left(threshold: float) -> float:
        at_peak = s.queries_per_day / each[1]
        pairs = zip(shares, chosen(at_peak, threshold), load, strict=True)
        return sum(w * max(0.0, 1 - n / (at_peak * part / max(load))) for w, n, part in pairs if part)

    threshold = min((0.25, 0.5, 0.75, 1.0), key=lambda at: abs(1 - left(at) - item.share_weak))
    over = max(chosen(s.queries_per_day / each[1], threshold)) / (s.queries_per_day / each[1])
    months = []
    for side, name in enumerate(SIDES):
        working = max(1, math.ceil(s.queries_per_day * min(over, 1) / each[side] - 1e-12))
        hours = [min(n, working) for n in chosen(working / over, threshold)]
        paid = [n + s.spare_replicas if n else 0 for n in hours]
        usd = sum(
            (1 - early) * hour_usd(s, item, n, side)[0] + early * hour_usd(s, item, max(n, after), side)[0]
            for n, after in zip(paid, paid[1:] + paid[:1], strict=True)
        )
        gpus = hour_usd(s, item, working + s.spare_replicas, side)[1]
        months.append(usd * s.days_per_month + fixed(s, gpus, name))
    tokens = token_month(s, APIS[item.api_id], item.lengths) * left(threshold)
    return [min(months) + tokens, months[1] + tokens, max(months) + tokens]


def expected_month(scenario: Scenario, item: Option) -> list[float]:
    """(5.5): low, base and high of an option of any kind; benchmarks/bills.py asks a thousand."""
    if item.kind == "hybrid":
        return hybrid_month(scenario, item)
    if item.reserved is not None:
        return [reserved_month(scenario, item)] * 3
    if item.api_id is not None:
        assert item.lengths is not None
        return [token_month(scenario, APIS[item.api_id], item.lengths)] * 3
    assert item.gpu_id and item.n_gpus and item.requests_per_s
    return fleet_month(scenario, item.gpu_id, item.n_gpus, item.requests_per_s, item)


@pytest.mark.parametrize("turn", range(len(SCENARIOS)))
def test_a_month_is_what_the_files_and_the_method_say(turn: int) -> None:
    """Of the thousands of fleets some five hundred are asked, other ones in each scenario; all token prices are."""
    scenario = SCENARIOS[turn]
    found = evaluate(scenario)
    kinds: dict[str, int] = dict.fromkeys(("api", "self_hosted"), 0)
    known, fleets = np.isfinite(found.monthly_usd[1]), found.options.has_fleet
    asked = np.arange(len(known)) % (1 + int((known & fleets).sum()) // 500) == turn % 2
    asked[-1] = True  # the hybrid by load, where there is one
    for place in np.flatnonzero(known & (asked | ~fleets)).tolist():
        item = found.options.items[place]
        kinds[item.kind] = kinds.get(item.kind, 0) + 1
        expected = expected_month(scenario, item)
        assert found.monthly_usd[:, place].tolist() == pytest.approx(expected, rel=1e-9), item.option_id
    assert kinds["api"] >= 2 and kinds["self_hosted"] >= 15
    assert found.options.is_reserved.any() == bool(scenario.api_commitments)
