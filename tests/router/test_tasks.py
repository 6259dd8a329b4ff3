"""Per-task splits against a linear program and every assignment."""

import csv
from pathlib import Path

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.errors import InputError, UnknownNameError
from llmplan.router.costs import Tier, Traffic
from llmplan.router.task_mixes import task_mix, task_mixes
from llmplan.router.tasks import residency_shadow_price, task_table, whole_task_split

DAY = Traffic(days_per_month=1)


def table_of(seed, tasks=4, tiers=3, **rest):
    rng = np.random.default_rng(seed)
    quality, usd = rng.random((tasks, tiers)), np.sort(rng.random((tasks, tiers)), axis=1)
    return task_table({f"t{i}": 1 + i for i in range(tasks)}, quality, usd, **rest)


def test_a_half_empty_fleet_takes_more_tasks():
    # Unit prices would send the second task up; the replica that the first one needs has room for it.
    table = task_table({"a": 1, "b": 1}, [[1, 1], [1, 1]], [[0, 2.0], [0, 0.5]], ["a"])
    tiers = [Tier("own", fleet_usd=lambda q: 10 * np.ceil(q / 20)), Tier("api")]
    found = whole_task_split(table, tiers, 20, DAY, 0.5)
    assert found.assigned.tolist() == [[1, 0], [1, 0]] and found.usd == 10


def test_long_tasks_fill_the_fleet_by_their_length():
    table = task_table({"a": 1, "b": 1}, [[1, 1], [1, 1]], [[0, 9], [0, 9]], work=[0.5, 1.5])
    tiers = [Tier("own", fleet_usd=lambda q: 10 * np.ceil(q / 5 - 1e-9)), Tier("api")]
    assert whole_task_split(table, tiers, 20, DAY, 0.5).usd == pytest.approx(40)
    # The long task alone makes three quarters of the load, not half of it.
    bound = task_table({"a": 1, "b": 1}, [[1, 1], [0, 1]], [[9, 0], [0, 9]], ["b"], work=[0.5, 1.5])
    assert whole_task_split(bound, tiers, 20, DAY, 0.5).usd == pytest.approx(30)


def test_residency_has_a_shadow_price():
    quality, usd = [[0.8, 1.0], [0.8, 1.0]], [[0, 0.01], [0, 0.01]]
    tiers = [Tier("own", fleet_usd=lambda q: 500 + 0 * q), Tier("api")]
    bound = task_table({"a": 1, "b": 3}, quality, usd, ["b"])
    # Free, all goes to the API for 100 x .01 x 30 = $30; bound, the fleet is rented for b.
    assert residency_shadow_price(bound, tiers, 100, Traffic(), 0.8) == pytest.approx(500 - 30)
    assert residency_shadow_price(bound, tiers, 100, Traffic(), 0.9) is None


def test_tolerance_takes_tiers_away():
    table = task_table({"a": 1}, [[0.5, 0.8, 1.0]], [[1, 2, 3]], tolerance={"a": 0.25})
    assert table.allowed.tolist() == [[False, True, True]]


@pytest.mark.parametrize(
    "call",
    [
        lambda: task_table({}, np.zeros((0, 2)), np.zeros((0, 2))),
        lambda: task_table({"a": -1.0}, [[1, 1]], [[1, 1]]),
        lambda: task_table({"a": 1.0}, [[1, 1]], [[1, 1, 1]]),
        lambda: task_table({"a": 1.0}, [[0.1, 1]], [[1, 1]], ["a"], tolerance={"a": 0.2}),
        lambda: whole_task_split(table_of(0, 12), [Tier("x")] * 3, 1, DAY, 0),
    ],
)
def test_values_against_rules(call):
    with pytest.raises(InputError):
        call()


def test_presets_sum_to_one_and_carry_the_articles_verdict():
    for mix in task_mixes(load_catalog()).values():
        assert sum(mix.shares.values()) == pytest.approx(1)
        assert set(mix.verdicts.values()) <= {"match", "fall short"}
    match = {
        task
        for task, verdict in task_mix(load_catalog(), "article-70-30").verdicts.items()
        if verdict == "match"
    }
    assert match == set(task_mix(load_catalog(), "article-match").shares)
    assert sum(task_mix(load_catalog(), "article-70-30").shares[task] for task in match) == pytest.approx(0.7)
    with pytest.raises(UnknownNameError):
        task_mix(load_catalog(), "article-match-up")


def test_router_overheads_are_the_published_ones():
    path = Path(__file__).parents[1] / "data" / "router_results.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == "router overhead"]
    usd = sorted(float(r["value"]) for r in rows if r["metric"] == "USD per million routed requests")
    rate = [float(r["value"]) for r in rows if r["metric"].startswith("requests per second")]
    assumed = load_catalog().router_assumptions
    cost, latency = assumed["router-usd-per-million"], assumed["router-latency-ms"]
    assert (cost.low, cost.high) == (usd[0], usd[-1]) and cost.base in usd
    assert latency.low == pytest.approx(1000 / max(rate), rel=0.1)
    assert latency.high == pytest.approx(1000 / min(rate), rel=0.05)


def test_assumptions_are_ordered_and_sourced():
    rows = load_catalog().router_assumptions
    assert {"hard-share", "router-auc", "router-usd-per-million", "router-latency-ms"} <= set(rows)
    assert all(row.low <= row.base <= row.high and row.source_id for row in rows.values())
