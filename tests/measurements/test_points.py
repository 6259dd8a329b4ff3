"""Points of one's own: the CSV, its problems, and scenarios and searches that rest on it."""

from pathlib import Path

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.errors import InputError
from llmplan.measurements import (
    MeasuredPoint,
    apply_measured,
    points_of_runs,
    points_of_slice,
    read_points,
    read_points_of,
    read_results,
    write_points,
)
from llmplan.measurements.points import COLUMNS, MeasuredFileError
from llmplan.measurements.use import published_points
from llmplan.options.comparison_rows import comparison_row
from llmplan.replica import Configurations, ReplicaConfig, capacity

DATA = Path(__file__).resolve().parents[1] / "data" / "measured_results"
CONFIG = ReplicaConfig("llama-3.1-8b", "fp8", "h100-sxm", 1, "vllm")
HEADER = (
    "model_id,precision,gpu_id,n_gpus,engine_id,isl_tokens,osl_tokens,arrival,concurrency,output_tokens_per_s"
)
ROW = "llama-3.1-8b,fp8,h100-sxm,1,vllm,1000,250,closed_loop,32,5000"


def imported() -> tuple[MeasuredPoint, ...]:
    runs = read_results(DATA / "vllm_concurrency_32.json") + read_results(DATA / "guidellm_benchmarks.json")
    return points_of_runs(runs, "llama-3.1-8b", "fp8", "h100-sxm", 1, "vllm", "0.33.0")


def test_written_points_read_back(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    write_points(file, imported()[:2])
    write_points(file, imported()[2:], append=True)
    assert read_points(file) == imported()
    assert file.read_text().splitlines()[0] == ",".join(COLUMNS)


def test_the_shipped_table_reads(tmp_path: Path) -> None:
    published = published_points(load_catalog())
    assert len(published) > 2000
    some = published[:50]
    write_points(tmp_path / "some.csv", some)
    assert read_points(tmp_path / "some.csv") == some


def test_rate_by_littles_law_where_no_throughput_is_given() -> None:
    point = MeasuredPoint(
        "m", "fp8", "g", 1, "e", None, 100, 11, "closed_loop", 8, None, None, 100, 10, "mean", ""
    )
    assert point.requests_per_s == pytest.approx(8 / 0.2)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    rows = [
        ROW,
        "llama-3.1-8b,fp8,h100-sxm,1,vllm,-1,250,closed_loop,32,5000",
        'llama-3.1-8b,fp8,h100-sxm,1,vllm,1000,250,closed_loop,32,"5000,5"',
        "llama-3.1-8b,fp8,h100-sxm,1.5,vllm,1000,250,closed_loop,,5000",
        "llama-3.1-8b,,h100-sxm,1,vllm,1000,nan,open_loop,32,",
        "llama-3.1-8x,fp8,h100-sxm,1,vllm,1000,250,closed-loop,32,5000",
    ]
    file.write_text("\n".join([HEADER, *rows]) + "\n")
    with pytest.raises(MeasuredFileError) as caught:
        read_points(file, {"model_id": load_catalog().models})
    text = str(caught.value)
    for expected in (
        "bad.csv line 3: isl_tokens = '-1'",
        "bad.csv line 4: output_tokens_per_s = '5000,5'",
        "use a point for decimals",
        "bad.csv line 5: n_gpus = '1.5'",
        "bad.csv line 5: concurrency is empty",
        "bad.csv line 6: precision is empty",
        "bad.csv line 6: osl_tokens = 'nan'",
        "bad.csv line 6: no result",
        "bad.csv line 6: offered_rps is empty",
        "bad.csv line 7: arrival = 'closed-loop'",
        "did you mean llama-3.1-8b",
    ):
        assert expected in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER.replace(",", ";") + "\n", "semicolons"),
        (HEADER.replace("gpu_id", "gpu") + "\n", "column gpu_id is missing"),
        (HEADER.replace("n_gpus", "n_gpu") + "\n", "did you mean n_gpus"),
        (HEADER + "\n", "no rows"),
        ("", "column model_id is missing"),
    ],
)
def test_wrong_headers(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "x.csv"
    file.write_text(text)
    with pytest.raises(MeasuredFileError, match=message):
        read_points(file)


def measured(**changes: float | str | None) -> MeasuredPoint:
    values: dict[str, object] = {
        "model_id": "llama-3.1-8b",
        "precision_id": "fp8",
        "gpu_id": "h100-sxm",
        "n_gpus": 1,
        "engine_id": "vllm",
        "engine_version": None,
        "input_tokens": 1000.0,
        "output_tokens": 250.0,
        "arrival": "closed_loop",
        "concurrency": 32.0,
        "offered_rps": None,
        "output_tokens_per_s": 1234.5,
        "ttft_ms": 200.0,
        "tpot_ms": 20.0,
        "statistic": "mean",
        "source": "mine",
    }
    return MeasuredPoint(**(values | changes))


def two() -> Configurations:
    return Configurations.from_configs(
        load_catalog(), [CONFIG, ReplicaConfig("llama-3.1-8b", "bf16", "h100-sxm", 1, "vllm")]
    )


def test_a_measured_rate_replaces_the_prediction_and_says_so() -> None:
    before = capacity(two(), 1000, 250, 2000, 100)
    points = [measured(), measured(concurrency=8.0, output_tokens_per_s=500.0)]
    after = apply_measured(before, two(), points, 1000, 250, 2000, 100)
    assert after.requests_per_s[0] == pytest.approx(1234.5 / 250)
    assert after.requests_per_s_p10[0] == after.requests_per_s_p90[0] == after.requests_per_s[0]
    assert (after.basis[0], after.concurrency[0], after.ttft_ms[0]) == ("measured", 32, 200)
    assert after.basis[1] == before.basis[1]
    assert after.requests_per_s[1] == before.requests_per_s[1]
    assert before.basis[0] != "measured" or before.requests_per_s[0] != after.requests_per_s[0]


def test_points_of_other_lengths_or_replicas_change_nothing() -> None:
    before = capacity(two(), 1000, 250, 2000, 100)
    points = [measured(input_tokens=2000.0), measured(n_gpus=2), measured(engine_id="sglang")]
    after = apply_measured(before, two(), points, 1000, 250, 2000, 100)
    np.testing.assert_array_equal(after.requests_per_s, before.requests_per_s)


def test_a_measured_replica_that_misses_its_targets_serves_nothing() -> None:
    before = capacity(two(), 1000, 250, 2000, 100)
    after = apply_measured(before, two(), [measured(ttft_ms=5000.0)], 1000, 250, 2000, 100)
    assert after.requests_per_s[0] == 0
    assert "miss the latency targets" in after.reason[0]
    assert after.binding[0] == "latency target"


def test_usual_spellings_and_unknown_names(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(f"{HEADER}\n{ROW.replace('fp8', 'w8a8-int8')}\n")
    assert read_points_of(load_catalog(), file)[0].precision_id == "int8"
    file.write_text(f"{HEADER}\n{ROW.replace('h100-sxm', 'h100')}\n")
    with pytest.raises(MeasuredFileError, match=r"did you mean .*h100-sxm"):
        read_points_of(load_catalog(), file)


def test_published_points_of_a_slice() -> None:
    config = ReplicaConfig("llama-3.3-70b", "fp8", "h100-sxm", 2, "tensorrt-llm")
    published = published_points(load_catalog())
    found = points_of_slice(published, config, 5000, 500)
    clients = [point.concurrency for point in found if point.arrival == "closed_loop"]
    assert clients == sorted(clients, key=float)
    assert {50.0, 150.0} <= set(clients)
    assert points_of_slice(published, config, 77, 77) == ()


def test_a_scenario_rests_on_the_users_points(tmp_path: Path) -> None:
    from llmplan.options import evaluate
    from llmplan.scenario import Scenario

    file = tmp_path / "mine.csv"
    write_points(file, [measured()])
    base = Scenario(model_ids=("llama-3.1-8b",), gpu_ids=("h100-sxm",), input_tokens=1000, output_tokens=250)
    found = evaluate(base.but(measured_csv=str(file)))
    rows = [comparison_row(found, i) for i in range(len(found.options))]
    mine = [
        row
        for row in rows
        if row["precision_id"] == "fp8" and row["engine_id"] == "vllm" and row["n_gpus"] == 1
    ]
    assert [row["basis"] for row in mine] == ["measured"]
    assert mine[0]["replica_requests_per_s"] == pytest.approx(1234.5 / 250)


def test_a_measured_replica_that_the_grid_leaves_out_counts_all_the_same(tmp_path: Path) -> None:
    """Eight GPUs for an 8B model are more than the grid asks about; who measured them wants them compared."""
    from llmplan.options import evaluate
    from llmplan.options.table import measurements_used
    from llmplan.scenario import Scenario

    file = tmp_path / "mine.csv"
    write_points(file, [measured(n_gpus=8)])
    base = Scenario(model_ids=("llama-3.1-8b",), gpu_ids=("h100-sxm",), input_tokens=1000, output_tokens=250)
    asked = base.but(measured_csv=str(file))
    found = evaluate(asked)
    mine = [item for item in found.options.items if item.measured_by]
    assert [(item.n_gpus, item.basis, item.measured_by) for item in mine] == [(8, "measured", "mine")]
    assert "1 option of" in measurements_used(found.options)
    others = evaluate(asked.but(gpu_ids=("l4",))).options
    assert not any(item.measured_by for item in others.items)
    far = evaluate(asked.but(input_tokens=3000)).options
    assert "no option rests on mine.csv" in measurements_used(far)


def test_exports_name_the_measurement_instead_of_the_model(tmp_path: Path) -> None:
    from llmplan.report import make_report
    from llmplan.report.assumptions import MODEL_SOURCE, assumption_rows
    from llmplan.scenario import Scenario

    file = tmp_path / "mine.csv"
    write_points(file, [measured()])
    base = Scenario(
        model_ids=("llama-3.1-8b",),
        gpu_ids=("h100-sxm",),
        precision_ids=("fp8",),
        engine_ids=("vllm",),
        input_tokens=1000,
        output_tokens=250,
    )
    rows = assumption_rows(make_report(base.but(measured_csv=str(file))))
    rates = {row.assumption: row.source for row in rows if row.assumption.startswith("One replica of")}
    assert any(source == "your measurement: mine" for source in rates.values())
    assert any(row.assumption == "Measurements" and "rest on mine.csv" in row.value for row in rows)
    plain = assumption_rows(make_report(base))
    assert MODEL_SOURCE in {row.source for row in plain if row.assumption.startswith("One replica of")}


def test_points_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its folder does not exist"):
        write_points(tmp_path / "none" / "mine.csv", [measured()])
    with pytest.raises(InputError, match="is a folder"):
        write_points(tmp_path, [measured()])
    file = tmp_path / "mine.csv"
    write_points(file, [measured()])
    before = file.read_bytes()
    with pytest.raises(TypeError):
        write_points(file, [measured(), None], append=True)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]
