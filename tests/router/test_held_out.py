"""Thresholds chosen on one half and tried on the other, against the same worked query by query."""

from dataclasses import replace

import numpy as np
import pytest

from llmplan.router.floors import TrialSettings, held_out_trials
from llmplan.router.queries import QueryOutcomes

FLOOR = 0.9


def sample(seed: int, n: int = 200) -> QueryOutcomes:
    rng = np.random.default_rng(seed)
    score = rng.permutation(n) / n
    weak = (rng.random(n) < 0.7 - 0.4 * score).astype(float)
    strong = (rng.random(n) < 0.85).astype(float)
    usd = 0.001 + rng.random(n) / 100, 0.01 + rng.random(n) / 10
    return QueryOutcomes("d", {"r": score}, weak, strong, *usd, np.full(n, "all"))


def chosen_threshold(data: QueryOutcomes, half: np.ndarray, z: float) -> float:
    """Every threshold of the half: the cheapest whose mean lies z standard errors clear of the floor."""
    best = (np.inf, np.inf)
    for threshold in (np.inf, *np.sort(data.scores["r"][half])[:0:-1], -np.inf):
        up = data.scores["r"][half] >= threshold
        quality = np.where(up, data.strong_quality[half], data.weak_quality[half])
        clear = quality - FLOOR * data.strong_quality[half]
        usd = float(np.where(up, data.strong_usd[half], data.weak_usd[half]).mean())
        if clear.mean() - z * clear.std() / len(half) ** 0.5 >= -1e-12:
            best = min(best, (usd, threshold))
    return best[1]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("key", "z"), [("held_out", 0.0), ("held_out_safe", 1.645)])
def test_against_every_threshold_of_each_half(seed, key, z):
    data = sample(seed)
    (trial,) = held_out_trials(data, data.scores["r"], TrialSettings((FLOOR,), 50, seed))
    halves = np.array_split(np.random.default_rng(seed).permutation(len(data)), 2)
    up = np.zeros(len(data), bool)
    for chosen, tried in (halves, halves[::-1]):
        up[tried] = data.scores["r"][tried] >= chosen_threshold(data, chosen, z)
    found = trial[key]
    quality = np.where(up, data.strong_quality, data.weak_quality)
    assert found["share_strong"] == pytest.approx(up.mean())
    assert found["quality"] == pytest.approx(quality.mean())
    assert found["usd_per_query"] == pytest.approx(np.where(up, data.strong_usd, data.weak_usd).mean())
    assert found["quality_of_strong"] == pytest.approx(quality.mean() / data.strong_quality.mean())


def test_all_of_one_half_is_all_of_the_other():
    data = sample(0)
    none, all_right = np.zeros(len(data)), np.ones(len(data))
    better = replace(data, weak_quality=none, strong_quality=all_right)
    (trial,) = held_out_trials(better, better.scores["r"], TrialSettings((1.0,), 5, 0))
    assert trial["held_out"]["share_strong"] == 1
    assert trial["held_out"]["thresholds"] == [better.scores["r"].min()] * 2


def test_the_interval_is_that_of_a_mean():
    data = sample(5, 2000)
    (trial,) = held_out_trials(data, data.scores["r"], TrialSettings((FLOOR,), 2000, 1))
    found = trial["held_out"]
    error = np.sqrt(found["quality"] * (1 - found["quality"]) / len(data))
    width = found["quality_p95"] - found["quality_p5"]
    assert width == pytest.approx(2 * 1.645 * error, rel=0.1)
    assert 0 < found["probability_floor_met"] < trial["held_out_safe"]["probability_floor_met"] <= 1
