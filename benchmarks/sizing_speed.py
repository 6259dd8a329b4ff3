"""Time predict() on 10,000 configurations and capacity() on 2,000, on one core (set OMP_NUM_THREADS=1)."""

import time
from collections.abc import Callable

import numpy as np

from llmplan.catalog import load_catalog
from llmplan.replica import Configurations, capacity, predict


def best_of(call: Callable[[], object], n: int = 5) -> float:
    """Shortest of n runs [ms]."""
    times = []
    for _ in range(n):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def main() -> None:
    """Print both times."""
    catalog = load_catalog()
    models = [m.model_id for m in catalog.models.values() if m.status != "measured only"]
    gpus = [g.gpu_id for g in catalog.gpus.values() if g.status == "option"]
    formats = [p.precision_id for p in catalog.precisions.values() if p.status == "option"]
    every = Configurations.grid(catalog, models, formats, gpus, (1, 2, 4, 8), catalog.engines)
    many = every.take(np.linspace(0, len(every) - 1, 10_000).astype(np.intp))
    some = many.take(np.arange(0, 10_000, 5))
    print(f"predict, 10,000 configurations: {best_of(lambda: predict(many, 1000, 500, 32)):.0f} ms")
    print(f"capacity, 2,000 configurations: {best_of(lambda: capacity(some, 1000, 500, 2000, 100)):.0f} ms")


if __name__ == "__main__":
    main()
