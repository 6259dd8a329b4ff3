"""`llmplan size`, `llmplan search`: does a model fit, how fast is it, which hardware serves it cheapest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplan.cli import engine_options as replica
from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Data, Json, catalog_from
from llmplan.wording import DOLLAR

if TYPE_CHECKING:
    from llmplan.replica.config import EngineSettings
    from llmplan.replica.reuse import PromptCache
    from llmplan.sizing import SearchRow, SizeAnswer, SizeRequest

TtftLimit = Annotated[float, typer.Option(help="Target for the time to the first token [ms].")]
TpotLimit = Annotated[float, typer.Option(help="Target for the time per output token [ms].")]
Percentile = Annotated[
    float | None,
    typer.Option(
        help="Percentage of randomly arriving requests that keep the targets; default: the mean does."
    ),
]
MeasuredCsv = Annotated[
    str | None, typer.Option(help="CSV of your own measured points (see import-benchmark).")
]
SHOWN_ALTERNATIVES = 12


def size(
    model: replica.ModelName,
    gpu: Annotated[str, typer.Option(help="GPU id, e.g. a100-80gb-sxm.")],
    precision: replica.FormatName,
    n_gpus: replica.ReplicaGpus = None,
    engine: replica.EngineName = None,
    input_tokens: replica.InputTokens = 1000,
    output_tokens: replica.OutputTokens = 500,
    concurrency: Annotated[
        float | None, typer.Option(help="Clients at once; default: the most within the latency targets.")
    ] = None,
    ttft_limit_ms: TtftLimit = 2000,
    tpot_limit_ms: TpotLimit = 100,
    latency_percentile: Percentile = None,
    engine_version: replica.EngineVersion = "latest",
    measured_csv: MeasuredCsv = None,
    data: Data = None,
    json: Json = False,
    *,
    settings: EngineSettings,
    cached: PromptCache,
) -> None:
    """Size one replica: does it fit, what binds, how fast is it, what would fit instead."""
    from llmplan.measurements import read_points_of
    from llmplan.sizing import SizeRequest
    from llmplan.sizing import size as size_replica

    request = SizeRequest(
        model,
        precision,
        gpu,
        input_tokens,
        output_tokens,
        n_gpus,
        engine,
        concurrency,
        ttft_limit_ms,
        tpot_limit_ms,
        latency_percentile,
        settings,
        engine_version,
        cached,
    )
    catalog = catalog_from(data)
    points = read_points_of(catalog, measured_csv) if measured_csv else ()
    answer = size_replica(catalog, request, points)
    if json:
        targets = {"ttft_limit_ms": ttft_limit_ms, "tpot_limit_ms": tpot_limit_ms}
        targets |= {} if latency_percentile is None else {"latency_percentile": latency_percentile}
        print_json(answer.to_dict() | ({} if concurrency is not None else targets))
    else:
        _print_answer(answer, request)


def _print_answer(answer: SizeAnswer, request: SizeRequest) -> None:
    what = f"{answer.model_id} {answer.precision_id} on {answer.n_gpus} x {answer.gpu_id}"
    verdict = "fits" if answer.fits else "does not fit"
    if answer.speed.within_targets is False:
        verdict = "fits, but misses the targets"
    typer.echo(f"{what}: {verdict} ({answer.reason or 'as measured'}).")
    rows = [
        ("weights", f"{answer.weights_gb:,.1f} GB"),
        ("KV cache", f"{answer.kv_cache_bytes_per_token:,.0f} bytes/token"),
        ("the engine's memory share", f"{answer.gpu_memory_share:g}"),
        *_memory_rows(answer),
    ]
    if answer.fits:
        rows += [
            ("KV cache holds", f"{answer.kv_cache_tokens:,} tokens"),
            ("complete sequences at once", f"{answer.max_concurrent_sequences:,}"),
            ("binds", answer.binding),
        ]
        rows += _speed_rows(answer)
    print_table(answer.engine_id or "no engine", ("quantity", "value"), rows)
    if answer.speed.within_targets and not answer.speed.measured_by:
        targets = f"TTFT {request.ttft_limit_ms:g} ms and TPOT {request.tpot_limit_ms:g} ms"
        share = request.latency_percentile
        typer.echo(
            f"At the most load within {targets}{'' if share is None else f' for {share:g} % of requests'}."
        )
    for option in answer.would_fit[:SHOWN_ALTERNATIVES]:
        typer.echo(f"  would fit ({option.change}): {option.note}")


def _memory_rows(answer: SizeAnswer) -> list[tuple[str, str]]:
    """Say what a GPU's memory is for, GiB by GiB."""
    plan = answer.memory
    parts = {
        "weights": plan.weights_gib_per_gpu,
        "overhead": plan.overhead_gib_per_gpu,
        "KV cache": plan.kv_gib_per_gpu,
    }
    rest = plan.usable_gib_per_gpu - sum(parts.values())
    parts |= {"left free": rest} if rest >= 0 else {"too much": -rest}
    rows = [("of a GPU", f"{plan.usable_gib_per_gpu:,.1f} GiB")]
    rows += [(f"  {name}", f"{gib:,.1f} GiB") for name, gib in parts.items()]
    return [*rows, ("KV cache of a sequence", f"{plan.kv_gib_per_sequence_per_gpu:,.3g} GiB a GPU")]


def _speed_rows(answer: SizeAnswer) -> list[tuple[str, str]]:
    speed = answer.speed
    if speed.requests_per_s is None:
        return []
    names = {
        "ttft_ms": ("TTFT", "ms"),
        "tpot_ms": ("TPOT", "ms"),
        "output_tokens_per_s": ("output", "tokens/s"),
        "requests_per_s": ("requests", "1/s"),
    }
    rows = [("clients", "-" if speed.concurrency is None else f"{speed.concurrency:,.0f}")]
    for field, (label, unit) in names.items():
        value, low, high = (getattr(speed, field + end) for end in ("", "_p10", "_p90"))
        if value is not None:
            band = "" if speed.measured_by else f" (80 % band {low:,.4g} to {high:,.4g})"
            rows.append((label, f"{value:,.4g} {unit}{band}"))
    basis = f"your measurement: {speed.measured_by}" if speed.measured_by else str(speed.basis)
    return [*rows, ("basis", basis)]


def search(
    model: replica.ModelName,
    input_tokens: replica.InputTokens = 1000,
    output_tokens: replica.OutputTokens = 500,
    ttft_limit_ms: TtftLimit = 2000,
    tpot_limit_ms: TpotLimit = 100,
    latency_percentile: Percentile = None,
    gpu: Annotated[list[str] | None, typer.Option(help="Only this GPU; may be repeated.")] = None,
    precision: Annotated[list[str] | None, typer.Option(help="Only this format; may be repeated.")] = None,
    engine: Annotated[list[str] | None, typer.Option(help="Only this engine; may be repeated.")] = None,
    price_kind: Annotated[
        str, typer.Option(help="on_demand, reserved_1y, reserved_3y, reserved_short or spot.")
    ] = "on_demand",
    measured_csv: MeasuredCsv = None,
    top: Annotated[int, typer.Option(help="Rows to print.", min=1)] = 15,
    data: Data = None,
    json: Json = False,
    *,
    settings: EngineSettings,
    cached: PromptCache,
) -> None:
    """Search every format, GPU, count and engine: the cheapest per request within the latency targets."""
    from llmplan.measurements import read_points_of
    from llmplan.sizing import article_pairings
    from llmplan.sizing import search as search_replicas

    catalog = catalog_from(data)
    rows = search_replicas(
        catalog,
        model,
        input_tokens,
        output_tokens,
        ttft_limit_ms,
        tpot_limit_ms,
        precision or (),
        gpu or (),
        engine or (),
        price_kind=price_kind,
        measured=read_points_of(catalog, measured_csv) if measured_csv else (),
        latency_percentile=latency_percentile,
        settings=settings,
        cached=cached,
    )
    every = article_pairings(catalog, input_tokens, output_tokens, ttft_limit_ms, tpot_limit_ms)
    pairings = [row for row in every if row["model_id"] == model]
    if json:
        print_json(
            {
                "model_id": model,
                "configurations": [row.to_dict() for row in rows],
                "article_pairings": pairings,
            }
        )
    else:
        _print_search(model, rows, top)
        for row in pairings:
            typer.echo(_pairing(row))


def _print_search(model: str, rows: list[SearchRow], top: int) -> None:
    columns = (
        "format",
        "GPU",
        "engine",
        "USD/1,000 requests",
        "requests/s",
        "TTFT ms",
        "TPOT ms",
        "binds",
        "basis",
    )
    feasible = [row for row in rows if row.feasible]
    cells = [
        (
            row.precision_id,
            f"{row.n_gpus} x {row.gpu_id}",
            row.engine_id,
            "no price" if row.usd_per_request is None else f"{row.usd_per_request * 1000:,.3f}",
            f"{row.requests_per_s:,.2f}",
            f"{row.ttft_ms:,.0f}",
            f"{row.tpot_ms:,.1f}",
            row.binding,
            "your measurement" if row.measured_by else row.basis,
        )
        for row in feasible[:top]
    ]
    print_table(f"{model}: cheapest of {len(feasible)} that serve the workload", columns, cells)
    if not feasible and rows:
        typer.echo(f"Nothing serves it; the nearest: {rows[0].reason}.")


def _pairing(row: dict[str, Any]) -> str:
    """Say what a hardware row of the article would really serve."""
    low, high = row["claimed_usd_per_month_low"], row["claimed_usd_per_month_high"]
    asked = DOLLAR.whole(low) if low == high else f"{DOLLAR.whole(low)} to {DOLLAR.whole(high)}"
    what = f"The article's {row['n_gpus']} x {row['gpu_id']} in {row['precision_id']} ({asked} a month)"
    if not row["fits"]:
        return f"{what} cannot run: {row['reason']}."
    if not row["within_targets"]:
        return f"{what} misses the targets: {row['reason']}."
    return f"{what} serves {row['queries_per_day']:,.0f} queries/day flat out; {row['binds']}."


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(replica.with_engine(size))
    app.command()(replica.with_engine(search))
