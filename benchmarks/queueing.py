"""Queueing formulas against the simulation, and the speed of both: `python -m benchmarks.queueing`."""

from __future__ import annotations

import time

import numpy as np

from llmplan.queueing import open_loop, service_curve
from llmplan.queueing.simulation.requests import poisson_requests
from llmplan.queueing.simulation.runs import Router, simulate_requests
from llmplan.queueing.simulation.steps import AffineSteps, ReplicaLimits

LARGE = AffineSteps(0.012, 6.5e-5, 0, 2e-4, 3.3e-8)
"""About a 70B model in FP8 on two H100."""
SMALL = AffineSteps(0.007, 2.2e-5, 0, 2e-5, 5e-8)
"""About an 8B model in BF16 on one H100."""
LIMITS = ReplicaLimits(480_000, 256, 8192)
SHORT_STEPS = ReplicaLimits(400_000, 256, 2048)
FAMILIES = (
    (LARGE, LIMITS, 1000, 300, 0.0, 0.0),
    (LARGE, LIMITS, 1000, 300, 0.5, 0.8),
    (LARGE, LIMITS, 5000, 500, 0.3, 0.5),
    (LARGE, LIMITS, 3000, 100, 0.3, 0.5),
    (SMALL, LIMITS, 1000, 300, 0.5, 1.0),
    (SMALL, LIMITS, 5000, 500, 0.5, 0.5),
    (SMALL, LIMITS, 8000, 60, 0.2, 0.2),
    (SMALL, SHORT_STEPS, 5000, 500, 0.5, 0.5),
)
FLEETS: tuple[tuple[int, Router], ...] = ((1, "least_loaded"), (4, "least_loaded"), (4, "random"))
UTILISATIONS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
REQUESTS = 15_000


def deviations() -> tuple[dict[float, list[tuple[float, ...]]], float, float]:
    """Return formula over simulation minus 1 (mean, p90, p99, TPOT) by utilisation, and seconds of both."""
    found: dict[float, list[tuple[float, ...]]] = {u: [] for u in UTILISATIONS}
    formula_s = simulation_s = 0.0
    for replicas, router in FLEETS:
        for steps, limits, isl, osl, input_cv, output_cv in FAMILIES:
            start = time.perf_counter()
            curve = service_curve(steps, limits, isl, osl, output_cv)
            rates = np.array(UTILISATIONS) * curve.saturation_requests_per_s * replicas
            formula = open_loop(curve, rates, replicas, router, input_cv, (90, 99))
            formula_s += time.perf_counter() - start
            for i, (share, rate) in enumerate(zip(UTILISATIONS, rates, strict=True)):
                rng = np.random.default_rng(5)
                requests = poisson_requests(rng, REQUESTS, rate, isl, osl, input_cv, output_cv)
                start = time.perf_counter()
                run = simulate_requests(steps, limits, requests, replicas, router, 0.2)
                simulation_s += time.perf_counter() - start
                true = (run.ttft_ms.mean(), *np.percentile(run.ttft_ms, (90, 99)), run.tpot_ms.mean())
                told = (formula.ttft_ms_mean[i], *formula.ttft_ms[:, i], formula.tpot_ms[i])
                found[share].append(tuple(b / a - 1 for a, b in zip(true, told, strict=True)))
    return found, formula_s, simulation_s


def main() -> None:
    """Print the table of docs/method/03b_queueing.md and the times."""
    found, formula_s, simulation_s = deviations()
    print(f"{'utilisation':>12} {'mean TTFT':>18} {'p90 TTFT':>18} {'p99 TTFT':>18} {'mean TPOT':>18}")
    for share, rows in found.items():
        spans = [f"{min(column):+.0%} to {max(column):+.0%}" for column in zip(*rows, strict=True)]
        print(f"{share:>12.2f} " + " ".join(f"{span:>18}" for span in spans))
    runs = len(FLEETS) * len(FAMILIES)
    print(f"formula: {formula_s / runs * 1e3:.1f} ms a curve of {len(UTILISATIONS)} rates")
    print(
        f"simulation: {simulation_s / runs / len(UTILISATIONS) * 1e3:.0f} ms a run of {REQUESTS:,} requests"
    )


if __name__ == "__main__":
    main()
