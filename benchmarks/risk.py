"""Time of the draws, of the tipping points and of the recommendation, on one core."""

import time
from collections.abc import Callable
from functools import partial
from statistics import median

from llmplan.options import evaluate, volume_axis
from llmplan.recommend import recommend
from llmplan.recommend.tipping import tipping_points
from llmplan.risk import assess, make_problem, sample, volume_curve
from llmplan.risk.sensitivity import sobol, tornado
from llmplan.scenario import load_scenario

DRAWS = 10_000


def timed(name: str, call: Callable[[], object], repeats: int = 5) -> None:
    """Print the median and the worst processor time of a call, the first left out."""
    call()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(1e3 * (time.process_time() - start))
    print(f"{name:66s} median {median(times):7.1f} ms, worst {max(times):7.1f} ms")


def main() -> None:
    """Print one line a task."""
    for name in ("support-chat", "code-assistant"):
        scenario = load_scenario(name)
        options = len(evaluate(scenario).order)
        problem = make_problem(scenario)
        u = sample(problem, DRAWS)
        what = f"{options:,} options ({len(problem.options)} can win)"
        timed(
            f"{name}: {DRAWS:,} draws x 200 volumes x {what}",
            partial(volume_curve, problem, u, volume_axis()),
        )
    scenario = load_scenario("support-chat").but(api_ids=("gpt-4o",), queries_per_day=60_000)
    evaluate(scenario)
    timed("answers at one volume: regret, quantiles, information", lambda: assess(scenario, curve=False))
    timed("tornado", lambda: tornado(scenario))
    timed("Sobol indices, 256 base samples", lambda: sobol(scenario, samples=256), 2)
    timed("tipping points of every input", lambda: tipping_points(scenario, verify=False), 3)
    mixed = load_scenario("code-assistant").but(
        api_ids=("gpt-4.1",), queries_per_day=200_000, quality_floor=0.97
    )
    timed("tipping points of a hybrid", lambda: tipping_points(mixed), 2)
    timed("recommendation with tipping points", lambda: recommend(scenario), 3)
    timed("recommendation, light mode", lambda: recommend(scenario, tipping=False), 15)


if __name__ == "__main__":
    main()
