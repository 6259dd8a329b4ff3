"""Time of reading and checking the tables, and of reading a trace."""

import time
from collections.abc import Callable
from statistics import median

from llmplan.catalog import DataFolder, check_folder, data_dir, load_catalog
from llmplan.catalog.loading import clear_cache
from llmplan.catalog.tables import BY_NAME
from llmplan.scenario.trace import read_trace


def timed(name: str, call: Callable[[], object], repeats: int = 11) -> None:
    """Print the median and the worst time of a call, the first left out."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    print(f"{name:40s} median {median(times):7.1f} ms, worst {max(times):7.1f} ms")


def load_afresh() -> None:
    """Load the shipped catalog without its cache."""
    clear_cache()
    load_catalog()


def load_prices() -> None:
    """Read and check the tables of token prices and of rents."""
    for name in ("apis", "gpu_prices"):
        table = BY_NAME[name]
        table.adapter.validate_python([row.cells for row in DataFolder(data_dir()).read(table).rows])


def main() -> None:
    """Print one line a task."""
    timed("load token prices and rents", load_prices)
    timed("load the shipped catalog", load_afresh)
    timed("check every table", check_folder)
    timed("read a trace of 10,000 requests", lambda: read_trace(data_dir() / "traces" / "azure_llm_2023.csv"))


if __name__ == "__main__":
    main()
