"""Images of queries: input on both sides, and models that take none are out."""

import pytest

from llmplan.catalog import load_catalog
from llmplan.options import evaluate
from llmplan.scenario import Scenario

TEXT = Scenario(
    api_ids=("gpt-4o", "cerebras/gpt-oss-120b"),
    model_ids=("llama-3.1-8b", "qwen3-vl-8b"),
    gpu_ids=("l40s",),
    engine_ids=("vllm",),
    precision_ids=("bf16",),
    ttft_limit_ms=None,
)
IMAGES = TEXT.but(images_per_query=2, tokens_per_image=800)


def test_images_are_input_of_apis_and_of_fleets() -> None:
    text, images = (evaluate(s, load_catalog()).options for s in (TEXT, IMAGES))
    for option_id in ("gpt-4o", "qwen3-vl-8b@bf16@1xl40s@vllm"):
        before, after = (o.items[o.index(option_id)] for o in (text, images))
        assert before.reasons == after.reasons == ()
        assert after.lengths.input - before.lengths.input == pytest.approx(1600)
    api = load_catalog().api("gpt-4o")
    more = images.usd_per_query[images.index("gpt-4o")] - text.usd_per_query[text.index("gpt-4o")]
    assert more == pytest.approx(1600 * api.input_usd_per_mtok / 1e6)
    fleet = "qwen3-vl-8b@bf16@1xl40s@vllm"
    assert (
        images.items[images.index(fleet)].requests_per_s[1] < text.items[text.index(fleet)].requests_per_s[1]
    )


def test_models_that_take_no_images_are_out() -> None:
    options = evaluate(IMAGES, load_catalog()).options
    out = {item.model_id: item.reasons for item in options.items if item.reasons}
    assert out.keys() == {"llama-3.1-8b", "gpt-oss-120b"}
    assert set(out.values()) == {("takes no images",)}
