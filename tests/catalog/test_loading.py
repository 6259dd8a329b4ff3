"""The shipped tables: complete, sourced, and right in the places that a reader checks first."""

import csv
import pickle
from dataclasses import fields
from pathlib import Path

import pytest

from llmplan.catalog import (
    Assumption,
    Catalog,
    CatalogError,
    GpuPrice,
    check_folder,
    columns,
    data_dir,
    folder,
    load_catalog,
    notebooks_dir,
)
from llmplan.catalog.life import life_of
from llmplan.catalog.tables import TABLES
from llmplan.errors import InputError, UnknownNameError

ARTICLE_MODELS = [
    "llama-3.1-405b",
    "llama-3.1-70b",
    "llama-3.1-8b",
    "mistral-large-2",
    "mixtral-8x22b",
    "qwen2.5-72b",
    "deepseek-v3",
]
CURRENT_MODELS = [
    "llama-3.3-70b",
    "deepseek-r1",
    "deepseek-v3.2",
    "kimi-k2",
    "kimi-k2.5",
    "glm-5",
    "qwen3-8b",
    "qwen3-32b",
    "qwen3-30b-a3b",
    "qwen3-235b-a22b",
    "gpt-oss-20b",
    "gpt-oss-120b",
    "minimax-m2.5",
]
GPUS = [
    "t4",
    "a10g",
    "l4",
    "l40s",
    "a100-40gb-sxm",
    "a100-80gb-sxm",
    "a100-80gb-pcie",
    "h100-sxm",
    "h100-pcie",
    "h100-nvl",
    "h200-sxm",
    "b200-sxm",
    "mi300x",
    "rtx-4090",
]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def test_shipped_tables_have_no_problem() -> None:
    assert check_folder() == ()
    assert load_catalog().warnings == ()


def test_default_catalog_is_read_once() -> None:
    assert load_catalog() is load_catalog()


def test_folders_exist() -> None:
    assert (data_dir() / "sources.csv").is_file()
    assert notebooks_dir().name == "notebooks"


@pytest.mark.parametrize("model_id", ARTICLE_MODELS)
def test_article_models_are_there(catalog: Catalog, model_id: str) -> None:
    assert catalog.model(model_id).status == "article"


def test_at_least_ten_current_models(catalog: Catalog) -> None:
    for model_id in CURRENT_MODELS:
        assert catalog.model(model_id).status == "current"


@pytest.mark.parametrize("gpu_id", GPUS)
def test_required_gpus_are_options(catalog: Catalog, gpu_id: str) -> None:
    assert catalog.gpu(gpu_id).status == "option"


def test_engines_and_precisions_are_there(catalog: Catalog) -> None:
    assert {"vllm", "tgi", "ollama", "tensorrt-llm", "sglang"} <= set(catalog.engines)
    assert {"bf16", "fp16", "fp8", "int8", "w4a16", "w3a16", "fp4", "w8a16"} <= set(catalog.precisions)
    assert catalog.engine("tgi").status == "maintenance"


def test_every_row_has_a_known_source_and_a_date(catalog: Catalog) -> None:
    for table in TABLES:
        rows = getattr(catalog, table.name)
        for row in rows.values() if isinstance(rows, dict) else rows:
            assert row.source_id in catalog.sources
            assert row.as_of.year >= 2020


def test_every_source_says_where_it_is_and_under_which_terms(catalog: Catalog) -> None:
    for source in catalog.sources.values():
        assert source.title and source.licence, source.source_id
        assert source.url or (source.kind == "article claim" and source.note), source.source_id


def test_every_source_is_used() -> None:
    used = {"azure-llm-trace-2023"}  # data/traces/, whose columns are those of the published trace
    for path in data_dir().glob("*.csv"):
        if path.name != "sources.csv":
            with path.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    used |= {row.get("source_id", ""), row.get("licence_source_id") or ""}
    assert set(load_catalog().sources) == used - {""}


def test_the_largest_gemini_models_are_no_small_ones(catalog: Catalog) -> None:
    kinds = {api.api_id: api.kind for api in catalog.apis.values() if api.provider == "google"}
    assert {"gemini-2.5-pro", "gemini-3.1-pro-preview"} <= {
        a for a, kind in kinds.items() if kind == "frontier"
    }
    assert not [a for a, kind in kinds.items() if kind == "small" and "-pro" in a]


def test_prices_worked_by_hand(catalog: Catalog) -> None:
    gpt, claude = catalog.api("gpt-4o"), catalog.api("claude-sonnet-4-5")
    assert (gpt.input_usd_per_mtok, gpt.output_usd_per_mtok, gpt.batch_discount) == (2.5, 10, 0.5)
    assert (claude.input_usd_per_mtok, claude.output_usd_per_mtok) == (3, 15)
    assert claude.long_context_from_tokens == 200_000
    assert claude.long_context_output_usd_per_mtok == 22.5
    # 10,000 queries a day of 1,000 + 500 tokens over 30 days, as the article computed.
    queries = 10_000 * 30
    assert queries * (1000 * 2.5 + 500 * 10) / 1e6 == 2250
    assert queries * (1000 * 3 + 500 * 15) / 1e6 == 3150


def test_deepseek_is_dearer_at_peak_hours(catalog: Catalog) -> None:
    price = catalog.api("deepseek/deepseek-v4-flash")
    assert price.peak_windows == ((1, 4), (6, 10))
    assert (price.peak_hours_per_day, price.peak_days_per_week, price.peak_price_factor) == (7, 5, 2)


def test_retired_offers_are_not_options(catalog: Catalog) -> None:
    retired = ("together/llama-3.1-70b-turbo", "bedrock/llama-3.1-405b", "claude-3-5-sonnet")
    assert {catalog.api(name).status for name in retired} == {"historical"}


def test_one_active_price_an_offer(catalog: Catalog) -> None:
    active = [(api.provider, api.provider_model) for api in catalog.apis.values() if api.status == "active"]
    assert len(active) == len(set(active))


def test_a_sixth_of_an_a10_is_no_gpu(catalog: Catalog) -> None:
    parts = [price for price in catalog.gpu_prices if price.instance_type == "NV6ads_A10_v5"]
    assert {price.status for price in parts} == {"fractional"}


def test_aws_sells_a100_in_eights(catalog: Catalog) -> None:
    lots = {
        price.gpus_per_instance
        for price in catalog.gpu_prices
        if price.provider == "aws" and price.gpu_id.startswith(("a100", "h200", "b200"))
    }
    assert lots == {8}


def test_hardware_limits_of_formats(catalog: Catalog) -> None:
    runs = {(row.precision_id, row.architecture) for row in catalog.precision_hardware}
    assert ("bf16", "turing") not in runs
    assert ("fp8", "turing") not in runs
    assert ("fp8", "ampere") not in runs
    assert ("fp16", "turing") in runs
    assert ("fp8", "hopper") in runs
    supported = {(row.engine_id, row.architecture) for row in catalog.engine_support}
    assert ("tensorrt-llm", "turing") not in supported
    assert ("vllm", "cdna3") in supported


def test_engines_claim_nothing_that_hardware_lacks(catalog: Catalog) -> None:
    runs = {(row.precision_id, row.architecture) for row in catalog.precision_hardware}
    assert {(row.precision_id, row.architecture) for row in catalog.engine_support} <= runs


def test_parameters_follow_from_the_architecture(catalog: Catalog) -> None:
    for model in catalog.models.values():
        if model.is_moe or model.attention == "mla" or model.kv_layers is not None:
            continue
        per_layer = 2 * model.hidden_size * model.head_dim * (model.heads + model.kv_heads)
        per_layer += 3 * model.hidden_size * model.intermediate_size
        embeddings = model.vocab_size * model.hidden_size * (1 if model.tied_embeddings else 2)
        computed_b = (model.layers * per_layer + embeddings) / 1e9
        text_b = model.total_params_b - (model.vision_params_b or 0)
        assert text_b == pytest.approx(computed_b, rel=0.02), model.model_id


def test_int4_bits_give_the_published_repository_sizes(catalog: Catalog) -> None:
    bits = catalog.precision("w4a16").weight_bits
    for model_id, published_gb in (("llama-3.1-70b", 39.8), ("llama-3.1-8b", 5.7)):
        model = catalog.model(model_id)
        kept_b = 2 * model.vocab_size * model.hidden_size / 1e9
        size_gb = (model.total_params_b - kept_b) * bits / 8 + kept_b * 2
        assert size_gb == pytest.approx(published_gb, abs=0.05)


def test_kv_bytes_of_the_reference_models(catalog: Catalog) -> None:
    kv_bytes = {"llama-3.1-8b": 131_072, "llama-3.1-70b": 327_680, "gpt-oss-120b": 73_728}
    for model_id, expected in kv_bytes.items():
        model = catalog.model(model_id)
        assert 2 * model.layers * model.kv_heads * model.head_dim * 2 == expected
    mla = catalog.model("deepseek-v3")
    assert mla.layers * (mla.kv_lora_rank + mla.rope_head_dim) * 2 == 70_272


def test_hidden_cost_lines_add_up_to_the_article_total(catalog: Catalog) -> None:
    lines = [row for row in catalog.assumptions.values() if row.source_id == "article"]
    lines = [row for row in lines if row.group == "hidden cost"]
    total = catalog.assumption("article-hidden-total-usd-per-month")
    assert sum(row.low for row in lines) == total.low == 2300
    assert sum(row.high for row in lines) == total.high == 5900


def test_scores_keep_all_published_rows(catalog: Catalog) -> None:
    assert len(catalog.scores) >= 335
    assert len(catalog.quantisation_scores) == 95


@pytest.mark.parametrize(
    ("kind", "name", "near"),
    [("model", "llama-3.1-7b", "llama-3.1-70b"), ("gpu", "h100-smx", "h100-sxm"), ("api", "gpt4o", "gpt-4o")],
)
def test_unknown_names_offer_near_ones(catalog: Catalog, kind: str, name: str, near: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        getattr(catalog, kind)(name)
    assert near in str(caught.value)


def test_records_are_frozen(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="frozen"):
        catalog.gpu("t4").memory_gb = 99


def test_with_record_replaces_by_key_and_leaves_the_first_alone(catalog: Catalog) -> None:
    api = catalog.api("gpt-4o").model_copy(update={"input_usd_per_mtok": 1.0})
    changed = catalog.with_record(api)
    assert changed.api("gpt-4o").input_usd_per_mtok == 1
    assert catalog.api("gpt-4o").input_usd_per_mtok == 2.5
    price = catalog.gpu_prices[0].model_copy(update={"usd_per_gpu_hour": 9.0})
    assert catalog.with_record(price).gpu_prices[0].usd_per_gpu_hour == 9
    assert len(catalog.with_record(price).gpu_prices) == len(catalog.gpu_prices)


def test_with_record_adds_a_new_row(catalog: Catalog) -> None:
    values = catalog.gpu_prices[0].model_dump() | {"instance_type": "new"}
    assert len(catalog.with_record(GpuPrice(**values)).gpu_prices) == len(catalog.gpu_prices) + 1
    values = catalog.assumption("pue").model_dump() | {"assumption_id": "new"}
    assert "new" in catalog.with_record(Assumption(**values)).assumptions


def test_with_record_refuses_what_is_no_row(catalog: Catalog) -> None:
    with pytest.raises(InputError, match="is not a row"):
        catalog.with_record(columns.Record())


def test_catalog_has_an_attribute_a_table() -> None:
    assert {field.name for field in fields(Catalog)} == {table.name for table in TABLES} | {
        "calibration",
        "folder",
        "today",
        "warnings",
    }


def test_catalog_and_its_error_survive_pickling(catalog: Catalog) -> None:
    assert pickle.loads(pickle.dumps(catalog)).api("gpt-4o") == catalog.api("gpt-4o")
    with pytest.raises(CatalogError) as caught:
        load_catalog("no such folder")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_the_wheel_s_copy_comes_before_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "llmplan"
    package.mkdir()
    monkeypatch.setattr(folder, "_PACKAGE", package)
    assert data_dir() == tmp_path / "data"
    (package / "_shipped" / "data").mkdir(parents=True)
    assert data_dir() == package / "_shipped" / "data"
    assert notebooks_dir() == tmp_path / "notebooks"


def test_an_older_models_table_leaves_out_shipped_rows_of_models_that_it_lacks(tmp_path: Path) -> None:
    lines = (data_dir() / "models.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    older = [line for line in lines if not line.startswith("llama-3.1-8b,")]
    (tmp_path / "models.csv").write_text("".join(older), encoding="utf-8", newline="")
    catalog = load_catalog(tmp_path)
    assert "llama-3.1-8b" not in catalog.models
    assert all(row.model_id != "llama-3.1-8b" for row in (*catalog.apis.values(), *catalog.checkpoints))
    told = {p.file for p in catalog.warnings if "not used" in p.rule and "llama-3.1-8b" in p.value}
    assert {"api_prices.csv", "checkpoints.csv"} <= told
    assert life_of(tmp_path) is not None


def test_a_row_of_ones_own_that_names_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    lines = (data_dir() / "checkpoints.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    row = lines[1].replace(lines[1].split(",")[0], "no-such-model", 1)
    (tmp_path / "checkpoints.csv").write_text("".join([lines[0], row]), encoding="utf-8", newline="")
    assert any(p.severity == "error" and p.value == "no-such-model" for p in check_folder(tmp_path))


def test_every_seller_has_a_name_of_its_own_and_a_site(catalog: Catalog) -> None:
    sellers = {row.provider for row in catalog.apis.values()} | {row.provider for row in catalog.gpu_prices}
    assert sellers == set(catalog.providers)
    names = [row.name for row in catalog.providers.values()]
    assert len(set(names)) == len(names) and all(
        row.site.startswith("https://") for row in catalog.providers.values()
    )
    assert (
        catalog.provider_name("deepinfra") == "DeepInfra"
        and catalog.provider_name("of-my-own") == "of-my-own"
    )
