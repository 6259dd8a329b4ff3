"""Time of the routing frontier, of every hybrid of a scenario, and of an evaluation of real queries."""

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from llmplan.catalog import data_dir, load_catalog
from llmplan.options.comparison import options_of
from llmplan.options.fleet_api_pairs import pairs_of
from llmplan.router.costs import Router, Tier, Traffic, one_shot_usd, quality_served
from llmplan.router.optimum import pareto
from llmplan.router.policies import cut_grid, from_classes, population
from llmplan.router.queries import read_queries
from llmplan.router.roc import from_auc
from llmplan.router.router_eval import EvaluationSettings, evaluate
from llmplan.scenario import Scenario

VOLUMES = np.geomspace(1e3, 1e6, 100)


def stairs(each: float, usd: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return a fleet of replicas of `usd` a month that carry `each` queries a day."""
    return lambda load: usd * (np.maximum(1, np.ceil(load / each)) + 1)


TIERS = [
    Tier("8B", fleet_usd=stairs(20_000, 900.0)),
    Tier("70B", fleet_usd=stairs(15_000, 5000.0)),
    Tier("API", 0.01),
]


def frontier_of_classes() -> None:
    """Price 210 pairs of thresholds over three tiers at 100 volumes and find the frontier at each."""
    policies = from_classes(from_auc(0.75), population([0.8, 0.93, 1.0], 0.3), cut_grid(3, 210))
    cost = one_shot_usd(policies, TIERS, VOLUMES, Traffic(), Router(5e-6))
    pareto(cost.total, quality_served(policies, TIERS, Traffic()))


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
    """Run every benchmark."""
    data = read_queries(data_dir() / "router_eval.csv")["mmlu_pro_llama31_70b_vs_gpt4o"]
    scenario = Scenario(queries_per_day=200_000)
    options = options_of(scenario)
    timed("frontier, 210 cuts x 100 volumes x 3 tiers (classes)", frontier_of_classes)
    timed(
        f"hybrids among {len(options):,} options",
        lambda: pairs_of(options, load_catalog()).cheapest_by_api(200_000),
    )
    timed("route-eval, one router, 12,032 queries", lambda: evaluate(data, "lr", EvaluationSettings()), 3)


if __name__ == "__main__":
    main()
