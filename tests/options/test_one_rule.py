"""Which configurations are worth asking about is one rule: `search` and `compare` consider the same ones."""

import pytest

from llmplan.catalog import Catalog
from llmplan.options import options_of
from llmplan.scenario import load_scenario
from llmplan.sizing import search


@pytest.mark.parametrize("model_id", ["gpt-oss-120b", "llama-3.1-8b", "deepseek-v3"])
def test_search_and_compare_consider_the_same_formats_and_engines(catalog: Catalog, model_id: str) -> None:
    scenario = load_scenario("support-chat").but(model_ids=(model_id,))
    items = options_of(scenario, catalog).items
    own = [item for item in items if item.kind == "self_hosted"]
    compared = {(item.precision_id, item.gpu_id): item for item in own}
    rows = search(catalog, model_id, scenario.input_tokens, scenario.output_tokens)
    searched = {(row.precision_id, row.gpu_id) for row in rows}
    priced = {gpu_id for _, gpu_id in compared}
    assert compared and set(compared) == {row for row in searched if row[1] in priced}
    engines = {item.engine_id for item in own if item.feasible}
    assert engines <= {row.engine_id for row in rows if row.feasible}
