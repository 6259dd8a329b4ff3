"""One scenario has one answer: page, recommendation, deck and HTML report, whatever was asked before."""

import io
import random
from typing import Any

import pytest
from pptx import Presentation

from llmplan.app.model import AppModel
from llmplan.export.files import export_bytes
from llmplan.options.table import SIDES
from llmplan.recommend import recommend
from llmplan.scenario import scenario_names
from llmplan.wording import without_hardware

STEPS: tuple[dict[str, Any], ...] = (
    {"data_stays_in_house": True},
    {"data_stays_in_house": False},
    {"tpot_limit_ms": 15.0},
    {"tpot_limit_ms": None, "ttft_limit_ms": None},
    {"ttft_limit_ms": 500.0},
    {"input_tokens": 30_000.0, "output_tokens": 1_000.0, "input_tokens_p95": None, "output_tokens_p95": None},
    {"input_tokens": 400.0, "output_tokens": 60.0, "input_tokens_p95": None, "output_tokens_p95": None},
    {"queries_per_day": 3_000_000.0},
    {"queries_per_day": 2_000.0},
    {"quality_floor": 1.05},
    {"quality_floor": 0.8},
    {"gpu_price_kind": "spot"},
    {"model_ids": ("llama-3.3-70b", "qwen3-30b-a3b")},
    {"model_ids": ()},
    {"cached_input_share": 0.6, "batch_share": 0.3},
    {"spare_replicas": 0, "utilisation_ceiling": 0.9},
)


@pytest.mark.usefixtures("no_flips")
@pytest.mark.parametrize("seed", range(4))
def test_any_path_of_changes_ends_at_the_answer_of_its_last_scenario(seed: int) -> None:
    drawn, model = random.Random(seed), AppModel()
    model.load_preset(drawn.choice(scenario_names()))
    for _ in range(4):
        model.change(drawn.choice(STEPS))
        assert model.answer["option_id"] is None or model.report.finding
    advice = recommend(model.scenario, model.catalog, tipping=False)
    money = None if advice.monthly_usd is None else dict(zip(SIDES, advice.monthly_usd, strict=True))
    assert model.answer == {
        "option_id": advice.option_id,
        "kind": advice.kind,
        "monthly_usd": money,
        "quality": advice.quality,
    }
    report = AppModel(model.scenario).report
    assert report.finding == model.report.finding
    if advice.label is not None:
        assert without_hardware(advice.label) in report.finding
    deck = Presentation(io.BytesIO(export_bytes(model.report, "pptx")))
    first = " ".join(shape.text_frame.text for shape in deck.slides[0].shapes if shape.has_text_frame)
    assert report.finding in first
    assert report.finding in export_bytes(model.report, "html").decode()
