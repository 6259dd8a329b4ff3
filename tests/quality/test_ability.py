"""The shipped fit: known variants, unknown ones, bands, monotone in effort where data are."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.errors import InputError, UnknownNameError
from llmplan.quality.ability import load_ability, load_fit
from llmplan.quality.accuracy import QUALITY_COLUMNS, TOKEN_COLUMNS, accuracy_quality, accuracy_tokens
from llmplan.quality.names import Variant
from llmplan.quality.tasks import baskets, load_task_quality, quality_of


def _file(path: Path, columns: tuple[str, ...], *rows: tuple[object, ...]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def test_held_out_errors_meet_the_goals() -> None:
    """Written by calibrate-quality from scores that the fit never saw (docs/method/11_quality.md)."""
    held: Mapping[str, Any] = load_fit(load_catalog())["held_out"]
    assert held["cells"]["mean_abs_points"] < 5.6
    assert held["models with six subtasks"]["mean_abs_points"] < 6.0
    assert held["tokens of whole models"]["median_factor"] < 1.65
    assert all(74 <= part["band_coverage_pct"] <= 88 for part in held.values())


def test_the_fit_is_near_a_figure_that_it_saw() -> None:
    fit = load_ability(load_catalog())
    place = np.array([fit.scale.place[Variant("gpt-4o", "none")]])
    item = np.array([fit.item_place["lb-241125-zebra-puzzle"]])
    low, base, high = fit.band(place, item)
    assert 0 < low[0] < base[0] < high[0] < 1


@pytest.mark.parametrize("model", ["gpt-5.1", "gpt-5.4-nano", "gpt-5.4-mini"])
@pytest.mark.parametrize("task", ["complex-reasoning", "agentic-code"])
def test_more_effort_reasons_better_where_there_are_data(model: str, task: str) -> None:
    none, low, high = (
        quality_of(load_catalog(), model, effort, {task: 1}).base for effort in ("none", "low", "high")
    )
    assert none < low < high


def test_an_effort_that_nobody_measured_lies_between_the_measured_ones() -> None:
    """Over every model and task; where two measured efforts contradict each other, between these two."""
    known = load_task_quality(load_catalog())
    effort, measured = known.ability.scale.effort, known.ability.evidence > 0
    models = np.array([variant.model for variant in known.ability.scale.variants])
    bounded = 0
    for one in np.flatnonzero(~measured):
        own = (models == models[one]) & measured
        lower, higher = (
            known.success[own & (effort < effort[one])],
            known.success[own & (effort > effort[one])],
        )
        bounded += len(lower) + len(higher) > 0
        least, most = lower.max(axis=0, initial=0.0), higher.min(axis=0, initial=1.0)
        agree = least <= most
        assert (known.success[one] >= np.minimum(least, most)).all()
        assert (known.success[one] <= np.maximum(least, most)).all()
        assert (known.success[one] >= least)[agree].all() and (known.success[one] <= most)[agree].all()
    assert bounded > 100


def test_a_file_is_scored(tmp_path: Path) -> None:
    file = _file(
        tmp_path / "q.csv",
        QUALITY_COLUMNS,
        ("2026-06-25", "gpt-5.4-xhigh", "zebra_puzzle", 80),
        ("2026-12-25", "model-nobody-knows-9b", "AMPS_Hard", 40),
        ("2026-06-25", "gpt-5.4-xhigh", "juggling", 80),
    )
    result = accuracy_quality(load_catalog(), file)
    assert result["n"] == 2
    assert [row["line"] for row in result["unanswered"]] == [4]
    assert 0 <= result["mean_abs_points"] <= 60


def test_the_order_of_models_is_told(tmp_path: Path) -> None:
    models = ["gpt-4o", "gpt-5.1", "gpt-5.4-nano", "gpt-5.4-mini", "gpt-5.4-xhigh"]

    def scored(scores: Sequence[float]) -> Mapping[str, Any]:
        rows = [
            ("2026-06-25", name, "zebra_puzzle", score) for name, score in zip(models, scores, strict=True)
        ]
        return accuracy_quality(
            load_catalog(), _file(tmp_path / "q.csv", QUALITY_COLUMNS, *rows[: len(scores)])
        )

    forward, back = scored([10, 20, 30, 40, 50]), scored([50, 40, 30, 20, 10])
    assert -1 <= forward["rank_correlation"] == -back["rank_correlation"] <= 1
    same = accuracy_quality(
        load_catalog(),
        _file(tmp_path / "two.csv", QUALITY_COLUMNS, ("2026-06-25", "gpt-4o", "zebra_puzzle", 3)),
    )
    assert same["rank_correlation"] is None


def test_an_unknown_model_has_a_wider_band_than_a_known_one() -> None:
    known, unknown = (
        quality_of(load_catalog(), name, None, {"code": 1}) for name in ("gpt-4o", "model-nobody-knows")
    )
    assert unknown.high - unknown.low > known.high - known.low


def test_tokens_of_unknown_models_answer_by_effort(tmp_path: Path) -> None:
    rows = [(f"nobody-{e}", "zebra_puzzle", 10_000) for e in ("low", "high", "nothinking")]
    result = accuracy_tokens(load_catalog(), _file(tmp_path / "t.csv", TOKEN_COLUMNS, *rows))
    assert result["n"] == 3
    assert result["unanswered"] == []


@pytest.mark.parametrize(
    ("columns", "row"),
    [(("model", "score"), ("a", 1)), (QUALITY_COLUMNS, ("2026-06-25", "gpt-5", "typos", "many"))],
)
def test_a_bad_file_is_one_clear_line(
    tmp_path: Path, columns: tuple[str, ...], row: tuple[object, ...]
) -> None:
    with pytest.raises(InputError):
        accuracy_quality(load_catalog(), _file(tmp_path / "bad.csv", columns, row))


def test_a_mix_is_the_weighted_mean_of_its_tasks() -> None:
    code, text = (quality_of(load_catalog(), "gpt-4o", None, {task: 1}) for task in ("code", "content"))
    both = quality_of(load_catalog(), "gpt-4o", None, {"code": 3, "content": 1})
    assert both.base == pytest.approx(0.75 * code.base + 0.25 * text.base)
    assert both.low <= both.base <= both.high


def test_an_unknown_task_is_named_with_its_neighbours() -> None:
    with pytest.raises(UnknownNameError, match="coding"):
        quality_of(load_catalog(), "gpt-4o", None, {"coding": 1})


def test_baskets_hold_no_saturated_benchmark_and_weigh_one() -> None:
    from llmplan.quality.tasks import SATURATED, basket_items

    fit = load_ability(load_catalog())
    everyone = np.arange(len(fit.scale.variants))
    for basket in baskets(load_catalog()).values():
        items, share = basket_items(fit, basket)
        assert share.sum() == pytest.approx(1)
        for item in items:
            assert np.quantile(fit.predict(everyone, np.full(len(everyone), item))[0], 0.9) < SATURATED


def test_families_rank_as_everybody_knows() -> None:
    known = load_task_quality(load_catalog())
    order = ["llama-3-1-8b", "llama-3-1-70b", "gpt-4-1", "gpt-5", "gpt-5-5"]
    efforts = {"gpt-5": "high", "gpt-5-5": "xhigh"}
    base = known.bands([Variant(m, efforts.get(m, "none")) for m in order])[1].tolist()
    assert base == sorted(base)
