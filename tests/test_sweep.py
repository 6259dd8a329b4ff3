import gc
import logging
import pickle
import re
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pytest
import sweep_jobs
from sweep_jobs import failing_above_most, logged, table

from llmplan.errors import InputError
from llmplan.scenario import Scenario
from llmplan.sweep import KEY, SweepError, scenario_key, sweep


def scenarios(*volumes):
    return [Scenario(name=f"v{volume}", queries_per_day=volume) for volume in volumes]


def expected(volumes):
    return sorted(usd for volume in volumes for usd in (volume, 2 * volume))


def test_in_this_process(tmp_path):
    rows = sweep(scenarios(3, 5), tmp_path / "out.parquet", evaluate=table, progress=False)
    assert sorted(rows["usd"]) == expected([3, 5])
    assert set(rows["scenario_name"]) == {"v3", "v5"}
    assert list(pd.read_parquet(tmp_path / "out.parquet")["usd"]) == list(rows["usd"])
    assert [list(reasons) for reasons in rows["reasons"][:2]] == [[], ["dear"]]
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def test_equal_scenarios_count_once_and_order_does_not_matter(tmp_path):
    one = sweep(scenarios(3, 5, 3), tmp_path / "a.parquet", evaluate=table, progress=False)
    two = sweep(scenarios(5, 3), tmp_path / "b.parquet", evaluate=table, progress=False)
    pd.testing.assert_frame_equal(one, two)
    assert len(one) == 4


def test_the_page_on_studies_runs(tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[1] / "docs" / "studies.md").read_text()
    monkeypatch.chdir(tmp_path)
    exec(re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)[0], {})
    assert "10,000 a day, 200 tokens out" in capsys.readouterr().out
    assert (tmp_path / "study.parquet").is_file()


def test_keys_are_of_the_values():
    assert scenario_key(Scenario()) == scenario_key(Scenario())
    assert scenario_key(Scenario()) != scenario_key(Scenario(peak_to_mean=3))


def test_another_function_or_table_has_other_keys(tmp_path, monkeypatch):
    out = tmp_path / "out.parquet"
    sweep(scenarios(3), out, evaluate=table, progress=False)
    sweep_jobs.ASKED.clear()
    rows = sweep(scenarios(3), out, evaluate=failing_above_most, progress=False)
    assert sweep_jobs.ASKED == [3] and len(rows) == 2
    assert scenario_key(Scenario(), partial(table, a=1)) != scenario_key(Scenario(), partial(table, a=2))
    key = scenario_key(Scenario())
    monkeypatch.setattr("llmplan.sweep.tables_digest", lambda _folder: "other tables")
    assert scenario_key(Scenario()) != key


def test_a_broken_part_is_named_and_a_half_written_one_removed(tmp_path):
    out = tmp_path / "out.parquet"
    parts = tmp_path / "out.parquet.parts"
    parts.mkdir()
    (parts / ".half.parquet.1").write_bytes(b"PAR1")
    broken = parts / f"{scenario_key(scenarios(3)[0], table)}.parquet"
    broken.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputError, match=broken.name):
        sweep(scenarios(3), out, evaluate=table, progress=False)
    assert [path.name for path in parts.iterdir()] == [broken.name] and not out.exists()
    broken.unlink()
    assert len(sweep(scenarios(3), out, evaluate=table, progress=False)) == 2


def test_a_failure_keeps_the_rest_and_a_second_run_does_only_what_is_missing(tmp_path, monkeypatch):
    out = tmp_path / "out.parquet"
    with pytest.raises(
        SweepError, match="1 scenarios failed, first 'v500': ValueError: too many; 2 are kept"
    ) as caught:
        sweep(scenarios(3, 500, 5), out, evaluate=failing_above_most, progress=False)
    assert pickle.loads(pickle.dumps(caught.value)).kept == 2
    assert not out.exists() and len(list((tmp_path / "out.parquet.parts").glob("*.parquet"))) == 2
    monkeypatch.setattr(sweep_jobs, "MOST", 1e9)
    asked = sweep_jobs.ASKED
    asked.clear()
    rows = sweep(scenarios(3, 500, 5), out, evaluate=failing_above_most, progress=False)
    assert asked == [500] and sorted(rows["usd"]) == expected([3, 5, 500])
    more = sweep(scenarios(5, 9), out, evaluate=failing_above_most, progress=False)
    assert asked == [500, 9] and sorted(more["usd"]) == expected([5, 9])
    assert sorted(pd.read_parquet(out)["usd"]) == expected([3, 5, 9, 500])


def test_a_thread_pool(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        rows = sweep(scenarios(*range(1, 30)), tmp_path / "out.parquet", pool, table, progress=False)
    assert sorted(rows["usd"]) == expected(range(1, 30))


def test_a_process_pool_whose_worker_is_killed(tmp_path, monkeypatch):
    """The pool is lost, the finished scenarios are not; a fresh pool does the rest, and no row is doubled."""
    monkeypatch.setenv("SWEEP_TEST_FOLDER", str(tmp_path))
    (tmp_path / "poison").touch()
    out, volumes = tmp_path / "out.parquet", range(1, 15)
    context = get_context("forkserver")
    with ProcessPoolExecutor(1, context) as pool, pytest.raises(SweepError, match="BrokenProcessPool"):
        sweep(scenarios(*volumes), out, pool, logged, progress=False)
    with ProcessPoolExecutor(1, context) as pool:
        rows = sweep(scenarios(*volumes), out, pool, logged, progress=False)
    assert sorted(rows["usd"]) == expected(volumes)
    evaluated = (tmp_path / "log").read_text().split()
    assert len(evaluated) <= len(volumes) + 1  # a result may be lost on its way, never a row


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # sockets of the killed worker
def test_a_dask_cluster_whose_worker_is_killed(tmp_path, monkeypatch):
    from distributed import Client, LocalCluster

    monkeypatch.setenv("SWEEP_TEST_FOLDER", str(tmp_path))
    (tmp_path / "poison").touch()
    volumes = range(1, 31)
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
        ) as cluster,
        Client(cluster) as client,
    ):
        workers = set(client.scheduler_info()["workers"])
        rows = sweep(
            scenarios(*volumes), tmp_path / "out.parquet", client.get_executor(), logged, progress=False
        )
        assert set(client.scheduler_info()["workers"]) != workers
    gc.collect()
    assert not (tmp_path / "poison").exists()
    assert sorted(rows["usd"]) == expected(volumes)
    assert rows[KEY].value_counts().eq(2).all()


def test_the_real_comparison(tmp_path):
    small = Scenario(
        name="s", api_ids=("gpt-4o",), model_ids=("llama-3.1-8b",), gpu_ids=("l4",), engine_ids=("vllm",)
    )
    rows = sweep([small, small.but(queries_per_day=1_000)], tmp_path / "out.parquet", progress=False)
    alone = rows[rows.kind != "hybrid"]  # how many hybrids there are depends on the volume
    assert alone.groupby(KEY)["option_id"].nunique().nunique() == 1
    assert {"monthly_usd_base", "feasible", "prices_as_of"} <= set(rows.columns)


def test_odd_requests_are_refused(tmp_path):
    with pytest.raises(InputError, match="scenarios"):
        sweep([], tmp_path / "out.parquet")
    with pytest.raises(InputError, match="out"):
        sweep(scenarios(1), tmp_path)
