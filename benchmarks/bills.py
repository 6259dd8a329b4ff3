"""1,000 bills of random scenarios, computed a second time from the CSV files and the method's pages alone.

The second computation is that of tests/options/test_by_hand.py: it shares nothing with llmplan but a replica's rate.
"""

import random
from collections import Counter

import numpy as np

from llmplan.catalog import load_catalog
from llmplan.kinds import Kind
from llmplan.options import evaluate
from llmplan.options.bill import bill_of
from llmplan.scenario import Scenario
from tests.options.test_by_hand import expected_month

BILLS, OF_A_KIND = 1_000, 10
RESERVED = "reserved units"
KINDS_OF_PRICE = ["on_demand"] * 3 + ["spot", "serverless", "reserved_1y", "reserved_3y", "bought"]
CENT = 0.005


def drawn_scenario(dice: random.Random) -> Scenario:
    """Return a scenario with every field that a bill depends on drawn."""
    scenario = Scenario(
        queries_per_day=round(10 ** dice.uniform(2, 5.5)),
        input_tokens=round(10 ** dice.uniform(2, 5.5)),
        output_tokens=round(10 ** dice.uniform(1, 3)),
        cached_input_share=dice.choice([0.0, 0.3, 0.9]),
        cached_prefix=dice.choice(["shared", "own"]),
        cache_write_share=dice.choice([None, 0.1, 1.0]),
        images_per_query=dice.choice([0.0, 0.0, 1.5]),
        cache_lifetime=dice.choice(["minutes", "hour"]),
        batch_share=dice.choice([0.0, 0.4, 1.0]),
        service_tier=dice.choice(["standard", "standard", "priority", "flex"]),
        weekend_factor=dice.choice([1.0, 0.3]),
        utc_offset_hours=dice.choice([0.0, 1.0, -7.0]),
        peak_to_mean=dice.uniform(1, 6),
        profile_id=dice.choice([None, "office-hours"]),
        days_per_month=dice.choice([28, 30, 31]),
        utilisation_ceiling=dice.uniform(0.4, 0.9),
        spare_replicas=dice.randrange(4),
        gpu_price_kind=dice.choice(KINDS_OF_PRICE),
        billing_modes=dice.choice([(), ("office_hours",), ("autoscaled",), ("scale_to_zero",)]),
        regions=dice.choice([(), (), ("us",), ("eu",)]),
        engineering_usd_per_month=dice.choice([None, None, 0.0, 3_000.0]),
        api_commitments=dice.choice([(), (), ("hourly", "1_month", "1_year")]),
        gpu_usd_per_hour=dice.choice([{}, {"l4": 0.5, "h100-sxm": 2.2}]),
    )
    if dice.random() < 0.3 and scenario.billing_modes != ("scale_to_zero",):
        owned = {"l4": dice.randrange(1, 5), "h100-sxm": dice.choice([4, 8, 16])}
        scenario = scenario.but(
            owned_gpus=owned,
            owned_cost=dice.choice(["power", "full"]),
            owned_age_years={"l4": dice.uniform(0, 5)},
        )
    return scenario


def main() -> None:
    """Print how many bills agree to the cent, by kind, and whose named parts add up."""
    dice, catalog = random.Random(0), load_catalog()
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    while sum(seen.values()) < BILLS:
        scenario = drawn_scenario(dice)
        found = evaluate(scenario, catalog)
        known = [int(p) for p in np.flatnonzero(np.isfinite(found.monthly_usd[1]))]
        kinds = found.options.items.kind.astype(object)
        kinds[found.options.is_reserved] = RESERVED
        by_kind = [[p for p in known if kinds[p] == kind] for kind in (*Kind, RESERVED)]
        places = [p for group in by_kind for p in dice.sample(group, min(len(group), OF_A_KIND))]
        for place in places[: BILLS - sum(seen.values())]:
            item, shown = found.options.items[place], found.monthly_usd[:, place]
            expected = expected_month(scenario, item)
            parts = sum(part.usd for part in bill_of(found, place, catalog))
            pairs = zip((*shown, parts), (*expected, expected[1]), strict=True)
            far = max(0.0 if a == b else abs(a - b) for a, b in pairs)  # a dear side may be beyond all offers
            seen[str(kinds[place])] += 1
            if not far <= max(CENT, 1e-9 * expected[2]):
                wrong.append(f"{item.option_id}: {shown.tolist()}, parts {parts}, expected {expected}")
    print(
        f"bills recomputed: {sum(seen.values()):,} ({dict(seen)}), of which {len(wrong)} differ by more than a cent"
    )
    for line in wrong[:10]:
        print("  " + line)


if __name__ == "__main__":
    main()
