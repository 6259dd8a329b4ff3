"""Quality as a vector by task, relative to a reference model, weighted by the scenario's task mix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from llmplan.catalog import Benchmark, Catalog, Lineage, Model, Score, TaskBenchmark
from llmplan.catalog.cache import kept
from llmplan.units import PARAMS_PER_B

LEAST_COVERAGE = 0.5
"""Least share of the task mix that must be scored before a weighted quality is stated."""
OWN = "own evaluation"
"""What a quality stands on that the scenario gives."""
UNLIKE = ("-base", "-base-5-shot", "-pretrained", "-effective-length")
"""Endings of variants that measure something else: base models, lengths."""
LARGE_MODEL_PARAMS = 30 * PARAMS_PER_B
"""From here on `precision_loss` rows for large models apply."""


@dataclass(frozen=True)
class Quality:
    """A model's quality relative to the reference (1 = equal).

    Attributes
    ----------
    overall: weighted over the task mix; None where less than half of the mix is scored.
    by_task: task_id -> relative quality, scored tasks only.
    coverage: share of the mix that is scored.
    source_ids: where the scores come from.
    stands_on: the earlier model whose scores stand in where its own do not reach, so that `overall` is a
        lower bound; OWN where the scenario gives the figure; None where its own scores reach.
    """

    overall: float | None
    by_task: Mapping[str, float]
    coverage: float
    source_ids: tuple[str, ...]
    stands_on: str | None = None


def is_lower_bound(stands_on: object) -> bool:
    """Say whether a quality that stands on this is an earlier model's, and so a lower bound."""
    return isinstance(stands_on, str) and stands_on != OWN


def task_ids(catalog: Catalog) -> tuple[str, ...]:
    """Return the task ids in the order of data/tasks.csv."""
    return tuple(dict.fromkeys(row.task_id for row in catalog.tasks))


def relative_qualities(
    catalog: Catalog,
    model_ids: Iterable[str],
    reference_id: str,
    task_mix: Mapping[str, float] | None = None,
    own: Mapping[str, float] | None = None,
) -> dict[str, Quality]:
    """Return each model's quality against the reference; ids are those of data/quality.csv. (6.1)-(6.3b)

    A task's quality is the weighted mean, over the benchmarks that both have a score on, of the ratio of
    normalised scores; where they share no protocol of a benchmark, its variants stand in. The
    overall quality is the mean over the task mix (empty: all tasks alike). Where too little of the mix is
    scored, the scores of the model that it succeeds stand in. `own` holds figures from an evaluation of
    the user's own, by model id; they replace the benchmarks.
    """
    asked = tuple(sorted(set(model_ids))), reference_id, _pairs(task_mix), _pairs(own)
    return dict(_relative_qualities(catalog, *asked))


def _pairs(values: Mapping[str, float] | None) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((values or {}).items()))


@kept(32)
def _relative_qualities(
    catalog: Catalog,
    model_ids: tuple[str, ...],
    reference_id: str,
    task_mix: tuple[tuple[str, float], ...],
    own: tuple[tuple[str, float], ...],
) -> dict[str, Quality]:
    """Work the qualities out once a catalog and task mix: every move of a slider asks for them."""
    scores, tasks = _mean_scores(catalog.scores), _by_task(catalog.tasks)
    mix = dict(task_mix) or dict.fromkeys(tasks, 1.0)
    sources: dict[str, set[str]] = defaultdict(set)
    for row in catalog.scores:
        sources[row.model_id].add(row.source_id)

    def scored(model_id: str) -> Quality:
        pair = scores.get(model_id, {}), scores.get(reference_id, {})
        by_task = {t: _task_ratio(rows, *pair, catalog.benchmarks) for t, rows in tasks.items()}
        known = {task: value for task, value in by_task.items() if value is not None}
        return _weighted(known, mix, tuple(sorted(sources[model_id])))

    given = {m: Quality(value, dict.fromkeys(tasks, value), 1.0, (), OWN) for m, value in own}
    return {m: given.get(m) or _with_predecessors(m, scored, mix, catalog.lineage) for m in model_ids}


def _with_predecessors(
    model_id: str, scored: Callable[[str], Quality], mix: Mapping[str, float], lineage: Mapping[str, Lineage]
) -> Quality:
    """Fill a model's unscored tasks from the models that it succeeds, one after the other, until known. (6.3b)"""
    alone = quality = scored(model_id)
    seen: set[str] = set()
    while quality.overall is None:
        row = lineage.get(model_id)
        if row is None or model_id in seen:
            return alone
        seen.add(model_id)
        model_id = row.succeeds_model_id
        earlier = scored(model_id)
        sources = (*quality.source_ids, row.source_id, *earlier.source_ids)
        by_task = {**earlier.by_task, **quality.by_task}
        quality = replace(_weighted(by_task, mix, tuple(dict.fromkeys(sources))), stands_on=model_id)
    return quality


def _weighted(by_task: Mapping[str, float], mix: Mapping[str, float], source_ids: tuple[str, ...]) -> Quality:
    scored = sum(share for task, share in mix.items() if task in by_task)
    coverage = scored / sum(mix.values())
    overall = None
    if coverage >= LEAST_COVERAGE:
        overall = sum(share * by_task[task] for task, share in mix.items() if task in by_task) / scored
    return Quality(overall, by_task, coverage, source_ids)


def _mean_scores(rows: tuple[Score, ...]) -> dict[str, dict[str, float]]:
    """Average the dated versions and repeated reports of one model on one benchmark."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row.model_id][row.benchmark_id].append(row.score)
    return {m: {b: sum(v) / len(v) for b, v in by.items()} for m, by in found.items()}


def _by_task(rows: tuple[TaskBenchmark, ...]) -> dict[str, list[TaskBenchmark]]:
    tasks: dict[str, list[TaskBenchmark]] = defaultdict(list)
    for row in rows:
        tasks[row.task_id].append(row)
    return tasks


def _task_ratio(
    rows: list[TaskBenchmark],
    mine: Mapping[str, float],
    reference: Mapping[str, float],
    benchmarks: Mapping[str, Benchmark],
) -> float | None:
    total = weight = 0.0
    for row in rows:
        one, other = (_on_benchmark(row.benchmark_id, scores, benchmarks) for scores in (mine, reference))
        if row.benchmark_id not in mine or row.benchmark_id not in reference:
            one, other = (_on_family(row.benchmark_id, scores, benchmarks) for scores in (mine, reference))
        if one is not None and other is not None and other > 0:
            total += row.weight * one / other
            weight += row.weight
    return total / weight if weight > 0 else None


def _on_benchmark(
    benchmark_id: str, scores: Mapping[str, float], benchmarks: Mapping[str, Benchmark]
) -> float | None:
    return _normalised(scores[benchmark_id], benchmarks[benchmark_id]) if benchmark_id in scores else None


def _on_family(
    benchmark_id: str, scores: Mapping[str, float], benchmarks: Mapping[str, Benchmark]
) -> float | None:
    """Average the variants of a benchmark (other shots or harness): the second best to the same protocol."""
    family = benchmarks[benchmark_id].family_id
    found = [
        _normalised(score, benchmarks[name])
        for name, score in scores.items()
        if benchmarks[name].family_id == family and not name.endswith(UNLIKE)
    ]
    return sum(found) / len(found) if found else None


def _normalised(score: float, benchmark: Benchmark) -> float:
    share = (score - benchmark.scale_low) / (benchmark.scale_high - benchmark.scale_low)
    return share if benchmark.higher_is_better else 1 - share


def precision_loss(catalog: Catalog, model: Model, precision_id: str) -> tuple[float, float, float]:
    """Return the measured share of quality lost to a format: low, base, high (0.01 = one percent). (6.4)

    The native format of a checkpoint loses nothing; a format without a measured row falls back to the claim.
    """
    if precision_id == model.native_precision_id or precision_id in ("bf16", "fp16"):
        return (0.0, 0.0, 0.0)
    size = "large" if model.total_params_b * PARAMS_PER_B >= LARGE_MODEL_PARAMS else "small"
    rows = [
        r
        for r in catalog.precision_losses
        if r.precision_id == precision_id and r.model_size in (size, "any")
    ]
    if not rows:
        return (0.0, 0.0, 0.0)
    row = min(rows, key=lambda r: (r.basis != "measured", r.model_size == "any"))
    return (row.loss_pct_low / 100, row.loss_pct_base / 100, row.loss_pct_high / 100)
