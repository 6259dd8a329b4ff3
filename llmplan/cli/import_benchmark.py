"""`llmplan import-benchmark`: results of load-testing tools as measured points of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Data, Json, catalog_from


def import_benchmark(
    file: Annotated[Path, typer.Argument(help="Result of vllm bench serve, AIPerf, GenAI-Perf or GuideLLM.")],
    model: Annotated[str, typer.Option(help="Model id that was measured, e.g. llama-3.1-70b.")],
    gpu: Annotated[str, typer.Option(help="GPU id, e.g. h100-sxm.")],
    precision: Annotated[str, typer.Option(help="Storage format: bf16, fp8, w4a16 ...")],
    n_gpus: Annotated[int, typer.Option(help="GPUs of the replica.", min=1)] = 1,
    engine: Annotated[str, typer.Option(help="Engine that served.")] = "vllm",
    engine_version: Annotated[str | None, typer.Option(help="Its version.")] = None,
    concurrency: Annotated[
        float | None, typer.Option(help="Clients at once, where the file does not say (CSV exports).")
    ] = None,
    rps: Annotated[
        float | None, typer.Option(help="Offered requests/s, where the file does not say.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV to write; points are added to a file there.")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Read measured results; with --out they become a CSV that scenarios can rest on (measured_csv)."""
    from dataclasses import asdict

    from llmplan.measurements import points_of_runs, read_results, with_load, write_points

    catalog = catalog_from(data)
    catalog.model(model), catalog.gpu(gpu), catalog.precision(precision), catalog.engine(engine)
    runs = [with_load(run, concurrency, rps) for run in read_results(file)]
    points = points_of_runs(runs, model, precision, gpu, n_gpus, engine, engine_version)
    if out is not None:
        write_points(out, points, append=True)
    if json:
        rows = [asdict(point) | {"requests_per_s": point.requests_per_s} for point in points]
        print_json({"points": rows, "written_to": str(out) if out else None})
        return
    cells = [
        (
            run.arrival,
            "-" if run.concurrency is None else f"{run.concurrency:g}",
            f"{run.input_tokens:,.0f} + {run.output_tokens:,.0f}",
            f"{run.output_tokens_per_s:,.1f}",
            "-" if run.ttft_ms is None else f"{run.ttft_ms:,.1f}",
            "-" if run.tpot_ms is None else f"{run.tpot_ms:,.2f}",
        )
        for run in runs
    ]
    columns = ("arrival", "clients", "tokens", "output tokens/s", "TTFT ms", "TPOT ms")
    print_table(f"{runs[0].tool}: {len(runs)} runs", columns, cells)
    failed = sum(run.n_failed for run in runs)
    if failed:
        typer.echo(f"{failed} requests failed and are left out.")
    if any(run.arrival == "offline" for run in runs):
        typer.echo(
            "Offline: all requests sent at once, or the file names no load; then give --concurrency or --rps."
        )
    if out is not None:
        typer.echo(f"Points are in {out}.")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import-benchmark")(import_benchmark)
