"""Time of the time plan, of a fleet through the week, and of the operations folder."""

import datetime as dt
import time
from collections.abc import Callable
from statistics import median

from llmplan.catalog import load_catalog
from llmplan.growth import compound_volumes, switch_plan, time_plan
from llmplan.growth.autoscaling import (
    ScalingPolicy,
    autoscaled_week,
    billing_modes,
    minute_loads,
    week_profile,
)
from llmplan.growth.candidates import candidate_options
from llmplan.growth.options import incumbent_option, price_paths
from llmplan.operations import operations_files, storage_list, update_calendar
from llmplan.operations.choosing import api_tier, plan_of
from llmplan.options import evaluate
from llmplan.scenario import Scenario


def timed(name: str, call: Callable[[], object], repeats: int = 15) -> None:
    """Print the median and the worst time of a call, the first left out."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    print(f"{name:58s} median {median(times):7.1f} ms, worst {max(times):7.1f} ms")


def main() -> None:
    """Print one line a task."""
    catalog, scenario = load_catalog(), Scenario()
    volume, paths = compound_volumes(scenario.queries_per_day, 0.05, 60), price_paths(catalog)
    first = incumbent_option(scenario, catalog, paths)
    others = candidate_options(scenario, catalog, paths, volume)
    timed(
        f"options of 60 months from a scenario ({len(others)} of them)",
        lambda: candidate_options(scenario, catalog, paths, volume),
    )
    timed(
        f"60 months, {len(others) + 1} options: payments, TCO, NPV",
        lambda: time_plan([first, *others], volume, 0.08),
    )
    timed(
        "60 months, 61 moments to switch, one candidate", lambda: switch_plan(first, others[-1], volume, 0.08)
    )

    policy = ScalingPolicy(0.8, 32)
    loads = minute_loads(1e6, week_profile(None, 0.5, 3))
    timed(
        "a week by minute, autoscaled: replicas, queue, lateness", lambda: autoscaled_week(loads, policy, 2.0)
    )
    timed("a week by minute in four billing modes", lambda: billing_modes(loads, policy, 4.0, 2.0, 30))

    comparison = evaluate(scenario, catalog)
    chosen = plan_of(comparison, comparison.cheapest("self_hosted") or 0, catalog)
    updates = update_calendar(chosen, dt.date(2026, 1, 1), 12, 1.5, 857.0)
    tier = api_tier(comparison, catalog)
    timed(
        "all files of the operations plan",
        lambda: operations_files(chosen, tier, updates, storage_list(chosen, 3)),
    )


if __name__ == "__main__":
    main()
