"""What an answer rests on, in words: name, value, source and date."""

from __future__ import annotations

from typing import NamedTuple

from llmplan.cost.hidden import PER_STEP, UPDATES_LINE, CostLine, LowBaseHigh
from llmplan.options import Option
from llmplan.options.constraints import floor_asked
from llmplan.options.table import measurements_used
from llmplan.report.report import Report, cost_assumptions
from llmplan.wording import capital, counted, milliseconds, share

SCENARIO_SOURCE = "this scenario"
MODEL_SOURCE = "llmplan's throughput model"
QUALITY_SOURCE = "fit of success and tokens to published benchmarks"


class AssumptionRow(NamedTuple):
    """One line: what is assumed, its value in words, the source's title and the day it was read."""

    assumption: str
    value: str
    source: str
    as_of: str


def assumption_rows(report: Report) -> list[AssumptionRow]:
    """Return the scenario's inputs, then prices and rates of the options drawn, then the cost lines."""
    rows = _scenario_rows(report)
    for place in report.curve_places:
        rows += _option_rows(report, report.option(place))
    return rows + _cost_rows(report)


def _scenario_rows(report: Report) -> list[AssumptionRow]:
    asked = report.scenario
    peak = asked.workload(report.catalog).effective_peak_to_mean
    limits = [
        f"{name} {limit:,.0f} ms"
        for name, limit in (
            ("TTFT", asked.ttft_limit_ms),
            ("TPOT", asked.tpot_limit_ms),
            ("whole answer", asked.answer_limit_ms),
        )
        if limit is not None
    ]
    if limits and asked.latency_percentile is not None:
        limits.append(f"for {asked.latency_percentile:g}% of requests")
    tokens_in = f"{asked.input_tokens:,.0f} in ({share(asked.cached_input_share)} cached)"
    floor = floor_asked(asked, asked.reference_api_id) if asked.quality_floor else "none"
    counted = (
        "the same for every model"
        if asked.token_basis == "equal"
        else f"as {asked.reference_api_id} counts them"
    )
    load = f"load at most {share(asked.utilisation_ceiling)}"
    values = [
        ("Volume", f"{asked.queries_per_day:,.0f} queries/day, {asked.days_per_month:g} days a month"),
        ("Tokens", f"{tokens_in}, {asked.output_tokens:,.0f} out, {counted}"),
        ("Least quality", floor),
        ("Latency targets", ", ".join(limits) or "none"),
        ("Fleet", f"peak {peak:.3g} x mean, {load}, {asked.spare_replicas} spare"),
    ]
    if asked.measured_csv is not None:
        values.append(("Measurements", measurements_used(report.comparison.options)))
    return [AssumptionRow(name, value, SCENARIO_SOURCE, "") for name, value in values]


def _option_rows(report: Report, item: Option) -> list[AssumptionRow]:
    rows = _api_rows(report, item) if item.api_id is not None else []
    rows += _model_rows(report, item)
    return [*rows, *(_self_hosted_rows(report, item) if item.has_fleet else [])]


def _model_rows(report: Report, item: Option) -> list[AssumptionRow]:
    """How often the model succeeds, and why it spends other tokens than today's."""
    asked, rows = report.scenario, []
    if item.success is not None and item.quality:
        low, base, high = (share(value) for value in vars(item.success).values())
        value = f"succeeds on {base} of such tasks ({low} to {high}), {asked.reference_api_id} on "
        value += share(item.success.base / item.quality)
        rows.append(AssumptionRow(f"Quality of {item.label}", value, QUALITY_SOURCE, ""))
    if item.lengths is not None and item.output_tokens is not None and asked.token_basis == "today":
        low, base, high = (f"{value:,.0f}" for value in vars(item.output_tokens).values())
        thought = f", {item.lengths.reasoning:,.0f} of them reasoning" if item.lengths.reasoning >= 1 else ""
        value = f"{item.lengths.input:,.0f} in, {base} out ({low} to {high}){thought}"
        rows.append(AssumptionRow(f"Tokens of {item.strong_label or item.label}", value, QUALITY_SOURCE, ""))
    return rows


def _api_rows(report: Report, item: Option) -> list[AssumptionRow]:
    price = report.catalog.api(item.api_id or "")
    asked = report.scenario
    own = dict(asked.api_input_usd_per_mtok), dict(asked.api_output_usd_per_mtok)
    usd_in = own[0].get(price.api_id, price.input_usd_per_mtok)
    usd_out = own[1].get(price.api_id, price.output_usd_per_mtok)
    money = report.money.short
    value = f"{money(usd_in)} in, {money(usd_out)} out per million tokens"
    if any(price.api_id in prices for prices in own):
        return [AssumptionRow(f"Price of {item.label}", value, SCENARIO_SOURCE, "")]
    return [AssumptionRow(f"Price of {item.label}", value, _title(report, price.source_id), str(price.as_of))]


def _self_hosted_rows(report: Report, item: Option) -> list[AssumptionRow]:
    rows = []
    if item.offers:
        base = item.offers[1]
        low, each, high = (report.money.short(offer.usd_per_gpu_hour) for offer in item.offers)
        value = f"{each} a GPU-hour ({report.catalog.provider_name(base.provider)}); range {low} to {high}"
        source = _title(report, base.source_id)
        rows.append(
            AssumptionRow(
                f"Price of one {report.catalog.gpu(item.gpu_id or '').name}",
                value,
                source,
                str(base.as_of or ""),
            )
        )
    if item.requests_per_s:
        fast, base_rate, slow = item.requests_per_s
        value = f"{base_rate:.3g} requests/s at the targets ({slow:.3g} to {fast:.3g}), {item.basis}"
        source = f"your measurement: {item.measured_by}" if item.measured_by else MODEL_SOURCE
        rows.append(AssumptionRow(f"One replica of {item.label}", value, source, ""))
    return rows


def hardware_rows(report: Report, place: int) -> list[list[str]]:
    """Return (what, in words) of a self-hosted option: the fleet, what a replica serves, what it rents for."""
    item, found = report.option(place), report.comparison
    gpus = int(found.gpus_of([place])[0])
    each = item.n_gpus or 1
    fleet = f"{counted(gpus // each, 'replica')} of {each} x {report.catalog.gpu(item.gpu_id or '').name}, spares included"
    low, base, high = (report.money.short(float(usd)) for usd in found.monthly_of([place])[:, 0])
    rows = [
        ["Runs", item.label],
        ["Fleet", fleet],
        ["Costs a month", f"{base} ({low} to {high})"],
        ["First token, then each", f"{milliseconds(item.ttft_ms)}, {milliseconds(item.tpot_ms)}"],
        ["Quality", f"{share(item.quality)} of today's"],
    ]
    return rows + [[row.assumption, f"{row.value} ({row.source})"] for row in _self_hosted_rows(report, item)]


def _cost_rows(report: Report) -> list[AssumptionRow]:
    """The lines of a fleet besides its GPUs, each with the source of the catalog row that it comes from."""
    hidden = report.comparison.options.hidden
    step = f"USD a month for each begun {hidden.gpus_per_people_step.base:g} GPUs"
    return [
        AssumptionRow(
            capital(line.name), f"{_range(report, line.usd)} {_per(line, step)}", *_origin(report, line)
        )
        for line in hidden.lines
    ]


def _per(line: CostLine, step: str) -> str:
    """Return what a line is paid for, in words."""
    unit = step if line.unit == PER_STEP else line.unit.replace("/", " a ")
    return unit.removeprefix("USD ")


def _range(report: Report, line: LowBaseHigh) -> str:
    low, base, high = (report.money.short(side) for side in line)
    return f"{base} ({low} to {high})"


def _origin(report: Report, line: CostLine) -> tuple[str, str]:
    """Return source title and date of a cost line."""
    for row in cost_assumptions(report):
        if line.assumption_id == row.assumption_id or (line.name == UPDATES_LINE and row.group == "updates"):
            return _title(report, row.source_id), str(row.as_of)
    return SCENARIO_SOURCE, ""


def _title(report: Report, source_id: str) -> str:
    source = report.catalog.sources.get(source_id)
    return source.title if source else SCENARIO_SOURCE
