"""The cubes: parts add up to the whole, every engine gives the same, quantiles within their promise."""

import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmplan.usage import cubes, engine, streamed
from llmplan.usage.canonical import canonical
from llmplan.usage.rows import Row, schema
from llmplan.usage.summary import bin_value, growth_per_month, peak_to_mean, quantiles

SPARK_RUN = """
import json, sys
from pyspark.sql import SparkSession
from pathlib import Path
from llmplan.usage import cubes, engine
settings = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1", "spark.driver.host": "localhost"}
settings["spark.driver.extraJavaOptions"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # it ends before more pays
builder = SparkSession.builder.master("local[1]")
for name, value in settings.items():
    builder = builder.config(name, value)
spark = engine.spark(builder.getOrCreate())
cubes.save(cubes.build_cubes(spark.read_parquet(sys.argv[1])), Path(sys.argv[2]))
"""


def table(n: int, seed: int) -> pa.Table:
    """Return n made-up canonical rows of several apps over some days, unknowns among them."""
    rng = np.random.default_rng(seed)
    start = 1772442000 * 1_000_000
    maybe = rng.random(n) < 0.2
    inputs = np.floor(rng.lognormal(7, 1.2, n)).astype(int)
    rows = [
        Row(
            int(start + rng.integers(0, 86_400_000_000 * 3)),
            app=("chat", "docs", None)[rng.integers(3)],
            provider="openai",
            model=("gpt-4o", "o4-mini")[rng.integers(2)],
            status=("ok", "ok", "ok", "failed_attempt")[rng.integers(4)],
            batch=(None, True, False)[rng.integers(3)],
            input_tokens=int(inputs[i]),
            cached_tokens=None if maybe[i] else int(inputs[i] // 3),
            output_tokens=int(rng.integers(0, 400)),
            cost_usd=float(rng.integers(0, 1000)) / 1024,  # sums of these are exact in any order
        )
        for i in range(n)
    ]
    return stored(rows)


def stored(rows: list[Row]) -> pa.Table:
    columns = [*zip(*rows, strict=True), ["made_up"] * len(rows)]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema(), strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema())


@pytest.fixture(scope="module")
def duckdb() -> Any:
    return engine.duckdb("500MB")


def built(backend: Any, rows: pa.Table) -> cubes.Cubes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        pq.write_table(rows, path)
        return cubes.build_cubes(backend.read_parquet(str(path)))


def assert_same(one: cubes.Cubes, other: cubes.Cubes) -> None:
    for name, by in cubes.DIMENSIONS.items():
        frames = [getattr(side, name).sort_values([*by], ignore_index=True) for side in (one, other)]
        pd.testing.assert_frame_equal(*frames)


@pytest.mark.parametrize("cut", [0, 1, 137, 500])
def test_cubes_of_parts_add_up_to_the_cube_of_the_whole(duckdb: Any, cut: int) -> None:
    rows = table(500, seed=cut)
    parts = [built(duckdb, rows.slice(0, cut)), built(duckdb, rows.slice(cut))]
    assert_same(cubes.merge(parts), built(duckdb, rows))


def test_cube_against_pandas(duckdb: Any) -> None:
    """An independent oracle: the sums by group-by over the rows themselves."""
    rows = table(400, seed=7)
    found, frame = built(duckdb, rows), rows.to_pandas()
    good = frame[frame["status"] == "ok"]
    hours = found.hours[found.hours["status"] == "ok"]
    assert hours["input_tokens"].sum() == good["input_tokens"].sum()
    assert hours["cached_of_input"].sum() == good["input_tokens"][good["cached_tokens"].notna()].sum()
    in_hour = good["ts"].astype("int64") // 3_600_000_000
    assert hours.groupby("hour")["rows"].sum().to_dict() == good.groupby(in_hour).size().to_dict()
    by_minute = good.groupby([good["app"].fillna(""), good["ts"].astype("int64") // 60_000_000]).size()
    assert found.minutes["requests"].sum() == len(good)
    assert len(found.minutes) == len(by_minute)


def test_streamed_sums_are_the_engines_own(
    duckdb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pieces; rows without a time, buckets of several requests, a bill, structure and copies among them."""
    start = 1772442000 * 1_000_000
    odd = [
        Row(None, "chat", input_tokens=5, output_tokens=0),
        Row(start, "docs", n_requests=7, bucket_s=60, input_tokens=900),
        Row(start, "docs", n_requests=None, bucket_s=86_400, output_tokens=3),
        Row(start, "docs", kind="bill", n_requests=None, cost_usd=2.5),
        Row(start, status="structure"),
        *[Row(start, "late", input_tokens=9, output_tokens=n, key=1) for n in (1, 2)],
    ]
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, rows in zip(files, (table(1_000, seed=5), stored(odd)), strict=True):
        pq.write_table(rows, path)
    for most in (256, 1 << 20):
        monkeypatch.setattr(streamed, "BATCH", most)
        found = cubes.cubes_of_files(files, duckdb)
        assert_same(found, cubes.build_cubes(canonical(duckdb.read_parquet(list(map(str, files))))))
        plain = cubes.cubes_of_files(files[:1], duckdb)
        assert_same(plain, cubes.build_cubes(duckdb.read_parquet(str(files[0]))))
    assert found.tokens[found.tokens["app"] == "late"]["requests"].tolist() == [1, 1]
    monkeypatch.setattr(streamed, "DENSE", 0)  # too far apart for dense tables: the engine's expressions
    assert_same(found, cubes.cubes_of_files(files, duckdb))


def test_repeated_keys_whatever_fits_in_memory(
    duckdb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = np.random.default_rng(2).integers(0, 900, 1_000)
    values, counts = np.unique(keys, return_counts=True)
    pq.write_table(pa.table({"key": keys}), tmp_path / "keys.parquet")
    held = duckdb.read_parquet(str(tmp_path / "keys.parquet"))
    for most in (1 << 20, 300):
        monkeypatch.setattr(streamed, "HELD", most)
        assert sorted(streamed.repeated(held, "key")) == values[counts > 1].tolist()


def test_spark_gives_the_same_cubes(tmp_path: Path, duckdb: Any) -> None:
    """10,000 rows; Spark runs in a process of its own, as its pandas helpers warn about pandas 3."""
    java = shutil.which("java")
    assert java, "needs Java: apt-get install default-jre-headless (make test installs it where it can)"
    rows = table(10_000, seed=1)
    pq.write_table(rows, tmp_path / "rows.parquet")
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        SPARK_RUN,
        str(tmp_path / "rows.parquet"),
        str(tmp_path / "out"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert_same(cubes.load(tmp_path / "out"), built(duckdb, rows))


def test_cubes_as_csv_are_the_same(tmp_path: Path, duckdb: Any) -> None:
    found = built(duckdb, table(200, seed=3))
    cubes.save(found, tmp_path, ".csv")
    assert_same(cubes.load(tmp_path), found)


def test_no_whole_number_lies_near_the_border_of_a_bin() -> None:
    """So that logarithms that differ in the last digits give the same bin on every engine."""
    logs = np.log(np.arange(2, 2_000_001)) * streamed.BINS_PER_E
    assert np.abs(logs - np.round(logs)).min() > 1e-8


def test_bins_keep_within_their_promise() -> None:
    counts = np.unique(np.geomspace(1, 2e6, 5_000).astype(int))
    values = np.array([bin_value(math.floor(streamed.BINS_PER_E * math.log(n))) for n in counts])
    assert np.abs(values / counts - 1).max() <= 0.0035
    assert values[counts < 144].tolist() == counts[counts < 144].tolist()
    assert bin_value(streamed.EMPTY_BIN) == 0


def test_quantiles_by_hand() -> None:
    bins = [math.floor(streamed.BINS_PER_E * math.log(n)) for n in (10, 20, 30)]
    found = quantiles(pd.DataFrame({"bin": bins, "requests": [50, 45, 5]}))
    assert found == {"p50": 10, "p95": 20, "p99": 30}


def minutes(*counts: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame(counts, columns=["minute", "requests"])


def test_peak_over_all_minutes_quiet_ones_too() -> None:
    """8 requests in ten minutes, 6 of them in one: 6 over 0.8."""
    cells = pd.DataFrame({"hour": [1, 2], "bucket_s": [0, 3_600], "requests": [8, 99]})
    assert peak_to_mean(cells, minutes((100, 6), (109, 2))) == pytest.approx(7.5)


def test_growth_from_whole_weeks() -> None:
    """A tenth more every week, each week with a quiet end: 1.1 ** (30 / 7) - 1 a month."""
    days = np.arange(42)
    requests = 1000 * 1.1 ** (days // 7) * np.where(days % 7 >= 5, 0.2, 1.0)
    cells = pd.DataFrame({"hour": pd.array(days * 24, dtype="Int64"), "requests": requests})
    assert growth_per_month(cells) == pytest.approx(1.1 ** (30 / 7) - 1)
    assert growth_per_month(cells.head(27)) is None


def test_folder_without_cubes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "usage.json").write_text(json.dumps({}))
    with pytest.raises(ValueError, match="holds no cube"):
        cubes.load(tmp_path)
