"""Time and memory of the usage cubes over 10 million made-up rows (ROWS=100_000_000 for more), and of reading logs."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from llmplan.usage.rows import schema

ROWS = int(os.environ.get("ROWS", "10_000_000"))
BATCH = 1_000_000
LOG_ROWS = 100_000
DAYS_US = 90 * 86_400 * 1_000_000
GIB, KIB = 2**30, 2**10


def made_up(n: int, first: int, rng: np.random.Generator) -> pa.Table:
    """Return n rows of 20 apps and 5 models over 90 days, each with a key of its own."""
    inputs = np.floor(rng.lognormal(7, 1.2, n)).astype(np.int64) + 1
    columns: dict[str, pa.Array] = {
        "ts": pa.array(1_772_442_000_000_000 + rng.integers(0, DAYS_US, n), pa.timestamp("us")),
        "app": pa.array([f"app-{i}" for i in range(20)]).take(pa.array(rng.integers(0, 20, n))),
        "model": pa.array([f"model-{i}" for i in range(5)]).take(pa.array(rng.integers(0, 5, n))),
        "kind": pa.repeat("chat", n),
        "status": pa.repeat("ok", n),
        "n_requests": pa.repeat(pa.scalar(1, pa.int64()), n),
        "bucket_s": pa.repeat(pa.scalar(0, pa.int64()), n),
        "input_tokens": pa.array(inputs),
        "cached_tokens": pa.array(inputs // 3),
        "output_tokens": pa.array(np.floor(rng.lognormal(5, 1, n)).astype(np.int64)),
        "cost_usd": pa.array(rng.random(n)),
        "key": pa.array(np.arange(first, first + n)),
        "format": pa.repeat("made_up", n),
    }
    held = schema()
    arrays = [columns.get(field.name, pa.nulls(n, field.type)) for field in held]
    return pa.Table.from_arrays(arrays, schema=held)


def time_cubes(folder: Path) -> None:
    """Print how long the cubes take, and the most memory that this process held."""
    from llmplan.usage import engine
    from llmplan.usage.cubes import cubes_of_files

    backend = engine.duckdb()
    start, worked = time.perf_counter(), time.process_time()
    cubes = cubes_of_files(sorted(folder.glob("*.parquet")), backend)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB / GIB
    sizes = f"{len(cubes.hours):,} + {len(cubes.tokens):,} + {len(cubes.minutes):,} cells"
    print(
        f"cubes of {ROWS:,} rows: {seconds:.1f} s ({worked:.1f} s of processors), {peak_gib:.2f} GiB at most, {sizes}"
    )


def time_reading(folder: Path) -> None:
    """Print how many lines of a log a second become rows."""
    from llmplan.usage.importing import import_usage

    call = json.loads(Path("tests/data/usage_logs/helicone/output.jsonl").read_text().splitlines()[0])
    lines = (json.dumps(call | {"request_id": f"q-{i}"}) for i in range(LOG_ROWS))
    (folder / "log.jsonl").write_text("\n".join(lines))
    start = time.perf_counter()
    import_usage([folder / "log.jsonl"], folder / "usage")
    print(f"import of {LOG_ROWS:,} JSON lines: {LOG_ROWS / (time.perf_counter() - start):,.0f} rows/s")


def main() -> None:
    """Print one line a task; each in a process of its own, so that its memory is its own."""
    if len(sys.argv) > 1:
        {"cubes": time_cubes, "reading": time_reading}[sys.argv[1]](Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as name:
        rng = np.random.default_rng(0)
        for first in range(0, ROWS, BATCH):
            rows = made_up(min(BATCH, ROWS - first), first, rng)
            pq.write_table(rows, Path(name) / f"{first:012d}.parquet", compression="zstd")
        for task in ("cubes", "reading"):
            subprocess.run([sys.executable, "-m", "benchmarks.usage", task, name], check=True)


if __name__ == "__main__":
    main()
