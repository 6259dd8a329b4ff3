"""`llmplan simulate`: an event simulation of one configuration beside the formulas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmplan.cli import engine_options as replica
from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import (
    AppName,
    Data,
    Json,
    Trace,
    UsageFolder,
    catalog_from,
    check_one_source,
    file_and_name,
)
from llmplan.scenario.trace import Trace as RealRequests
from llmplan.scenario.trace import read_trace

if TYPE_CHECKING:
    from llmplan.replica.config import EngineSettings
    from llmplan.replica.reuse import PromptCache
    from llmplan.sizing import SimulatedAnswer

SHOWN = (
    "ttft_ms_mean",
    "ttft_ms_p50",
    "ttft_ms_p90",
    "ttft_ms_p99",
    "tpot_ms_mean",
    "requests_per_s",
    "running_sequences",
)


def simulate(
    model: replica.ModelName,
    gpu: Annotated[str, typer.Option(help="GPU id, e.g. h100-sxm.")],
    precision: replica.FormatName,
    n_gpus: replica.ReplicaGpus = None,
    engine: replica.EngineName = None,
    input_tokens: replica.InputTokens = 1000,
    output_tokens: replica.OutputTokens = 500,
    rps: Annotated[
        float | None, typer.Option(help="Random arrivals of the whole fleet [requests/s].")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(help="Clients of a closed loop.", min=1)] = None,
    trace: Trace = None,
    usage: UsageFolder = None,
    app: AppName = None,
    speed: Annotated[float, typer.Option(help="Replay the trace this many times as fast.")] = 1.0,
    replicas: Annotated[int, typer.Option(help="Equal replicas.", min=1)] = 1,
    input_cv: Annotated[float, typer.Option(help="Spread of input lengths: deviation over mean.")] = 0.0,
    output_cv: Annotated[float, typer.Option(help="Spread of output lengths: deviation over mean.")] = 0.0,
    requests: Annotated[int | None, typer.Option(help="Requests to simulate.", min=1)] = None,
    router: Annotated[str, typer.Option(help="least_loaded, round_robin or random.")] = "least_loaded",
    load_test: Annotated[
        bool,
        typer.Option(
            "--load-test", help="Clients start together, as in a load test; else they are out of step."
        ),
    ] = False,
    engine_version: replica.EngineVersion = "latest",
    seed: Annotated[int, typer.Option(help="Seed of arrivals and lengths.", min=0)] = 0,
    data: Data = None,
    json: Json = False,
    *,
    settings: EngineSettings,
    cached: PromptCache,
) -> None:
    """Simulate continuous batching: latency at an arrival rate, at a concurrency or under a trace."""
    from llmplan.sizing import Load, SizeRequest, simulate_load

    load = Load(
        rps,
        concurrency,
        _trace(trace, usage, app),
        speed,
        replicas,
        router,
        input_cv,
        output_cv,
        requests,
        seed,
        load_test,
    )
    lengths = (input_tokens, output_tokens)
    request = SizeRequest(
        model,
        precision,
        gpu,
        *lengths,
        n_gpus,
        engine,
        settings=settings,
        engine_version=engine_version,
        cached=cached,
    )
    answer = simulate_load(catalog_from(data), request, load)
    if json:
        print_json(answer.to_dict())
    else:
        _print(answer)


def _trace(text: str | None, usage: Path | None, app: str | None) -> RealRequests | None:
    """Read `FILE` or `FILE:NAME`, one of a file's traces, or the requests of an app of a usage folder."""
    check_one_source(text, usage, app)
    if usage is not None:
        from llmplan.usage.requests import app_named, requests_of
        from llmplan.usage.summary import read_usage

        return requests_of(usage, app_named(read_usage(usage), app))
    if text is None:
        return None
    return read_trace(*file_and_name(text))


def _print(answer: SimulatedAnswer) -> None:
    formula = answer.formula or {}
    rows = [
        (name, f"{answer.simulation[name]:,.4g}", f"{formula[name]:,.4g}" if name in formula else "-")
        for name in SHOWN
    ]
    size = answer.size
    what = f"{size.model_id} {size.precision_id} on {size.n_gpus} x {size.gpu_id}, {size.engine_id}"
    print_table(what, ("quantity", "simulated", "formula"), rows)
    if formula and not formula["valid"]:
        typer.echo("The formula is outside its range here: trust the simulation.")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(replica.with_engine(simulate))
