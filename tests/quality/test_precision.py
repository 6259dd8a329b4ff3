"""What a storage format costs in quality."""

from llmplan.catalog import load_catalog
from llmplan.quality.precision import precision_loss


def test_formats_cost_small_models_more_than_large_ones() -> None:
    catalog = load_catalog()
    small = precision_loss(catalog, catalog.model("llama-3.1-8b"), "w4a16")
    large = precision_loss(catalog, catalog.model("llama-3.1-70b"), "w4a16")
    assert small[1] > large[1] >= 0
    assert precision_loss(catalog, catalog.model("llama-3.1-8b"), "bf16") == (0, 0, 0)
    assert precision_loss(catalog, catalog.model("deepseek-v3"), "fp8") == (0, 0, 0)
