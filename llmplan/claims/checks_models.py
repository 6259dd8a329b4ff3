"""Checks of what the article says about models, formats and tasks."""

from __future__ import annotations

from llmplan.catalog import Claim
from llmplan.claims.context import Context, check
from llmplan.claims.verdicts import Finding, Verdict, number, point
from llmplan.quality.tables import sources_of_task
from llmplan.quality.variants import Standing, Today, default_effort, standings
from llmplan.replica.memory import weights_gb

REFERENCE = "gpt-4o"
CONTEXT_WORDS = ("yarn", "position", "context")
"""Parts of a model's note that speak of its context."""


@check("parameters")
def parameters(context: Context, claim: Claim) -> Finding:
    """Compare total parameters, from the published configuration."""
    model = context.catalog.model(claim.subject or "")
    return point(model.total_params_b, "total parameters from the published configuration", model.source_id)


@check("active_parameters")
def active_parameters(context: Context, claim: Claim) -> Finding:
    """Compare the parameters that one token uses."""
    model = context.catalog.model(claim.subject or "")
    why = f"{model.experts_per_token} of {model.experts} experts and the shared layers take part in a token"
    return point(model.active_params_b, why, model.source_id)


@check("context")
def context_length(context: Context, claim: Claim) -> Finding:
    """Compare the longest sequence that the published configuration allows."""
    model = context.catalog.model(claim.subject or "")
    notes = [part.strip() for part in (model.note or "").split(";")]
    why = "; ".join(
        [
            f"the configuration allows {model.max_context_tokens:,} tokens",
            *(note for note in notes if any(word in note.lower() for word in CONTEXT_WORDS)),
        ]
    )
    return point(float(model.max_context_tokens), why, model.source_id)


@check("licence")
def licence(context: Context, claim: Claim) -> Finding:
    """Compare the licence's name, or whether commercial use carries conditions."""
    model_id, stated = context.parts(claim)
    actual = context.catalog.licences[context.catalog.model(model_id).licence_id]
    why = actual.terms
    verdict: Verdict = "holds" if actual.licence_id == stated else "does not hold"
    if stated == "conditions":
        with_conditions: dict[str, Verdict] = {"yes": "holds", "conditions": "holds within range"}
        verdict = with_conditions.get(actual.commercial_use, "does not hold")
    return Finding(why, text=actual.name, verdict=verdict, sources=(actual.source_id,))


@check("quality")
def quality(context: Context, claim: Claim) -> Finding:
    """Compare one figure with the spread over tasks: no single percentage exists."""
    found = _against_reference(context, claim.subject or "")
    low, high = (pick(found.by_task.items(), key=_value) for pick in (min, max))
    why = f"by task it runs from {low[1]:.0%} ({low[0]}) to {high[1]:.0%} ({high[0]}): one figure does not exist"
    return Finding(why, low[1], found.quality, high[1], sources=_sources(context, *found.by_task))


def _value(pair: tuple[str, float]) -> float:
    return pair[1]


def _against_reference(context: Context, model_id: str) -> Standing:
    model = (model_id, default_effort(context.catalog, model_id))
    return standings(context.catalog, (model,), Today(REFERENCE))[model]


def _sources(context: Context, *tasks: str) -> tuple[str, ...]:
    found = (source for task in tasks for source in sources_of_task(context.catalog, task))
    return tuple(dict.fromkeys(found))


@check("task_quality_at_least")
def task_quality(context: Context, claim: Claim) -> Finding:
    """Compare success on some tasks with a least share of GPT-4o's."""
    model_id, tasks = context.parts(claim)
    found = _against_reference(context, model_id)
    known = {task: found.by_task[task] for task in tasks.split(",")}
    values = sorted(known.values())
    why = "; ".join(f"{task} {value:.0%}" for task, value in known.items()) + " of GPT-4o's success"
    return Finding(why, values[0], sum(values) / len(values), values[-1], sources=_sources(context, *known))


@check("task_gap")
def task_gap(context: Context, claim: Claim) -> Finding:
    """Measure how far the model stays behind the best frontier model on a task, in percent of that model."""
    model_id, task = context.parts(claim)
    rivals = {a.model_id for a in context.catalog.apis.values() if a.kind == "frontier"}
    mine = _against_reference(context, model_id).by_task[task]
    found = {rival: _against_reference(context, rival) for rival in rivals}
    best = {rival: one.by_task[task] for rival, one in found.items() if one.stands_on is None}
    gaps = sorted((1 - mine / value) * 100 for value in best.values())
    top = max(sorted(best), key=lambda rival: best[rival])
    against = (1 - mine / best[REFERENCE]) * 100 if REFERENCE in best else gaps[len(gaps) // 2]
    why = f"behind {REFERENCE} {against:.0f} %, behind the best scored ({top}) {gaps[-1]:.0f} % on such tasks"
    return Finding(why, gaps[0], against, gaps[-1], sources=_sources(context, task))


@check("benchmark_below")
def benchmark_below(context: Context, claim: Claim) -> Finding:
    """See whether a model scores below GPT-4o on every named benchmark that both have."""
    model_id, names = context.parts(claim)
    pairs = []
    sources: set[str] = set()
    for name in names.split(","):
        scores = {
            who: [row for row in context.catalog.scores if row.model_id == who and row.benchmark_id == name]
            for who in (model_id, REFERENCE)
        }
        if all(scores.values()):
            mine, other = (sum(r.score for r in rows) / len(rows) for rows in scores.values())
            pairs.append((name, mine / other))
            sources |= {row.source_id for rows in scores.values() for row in rows}
    if not pairs:
        return Finding("no benchmark of it is scored for both", verdict="cannot be checked")
    ratios = [ratio for _, ratio in pairs]
    below = sum(ratio < 1 for ratio in ratios)
    verdict: Verdict = "holds" if below == len(ratios) else "does not hold" if below == 0 else "depends"
    why = "; ".join(f"{name}: {ratio:.1%} of GPT-4o" for name, ratio in pairs)
    mean = sum(ratios) / len(ratios)
    return Finding(why, min(ratios), mean, max(ratios), verdict=verdict, sources=tuple(sorted(sources)))


@check("memory_ratio")
def memory_ratio(context: Context, claim: Claim) -> Finding:
    """Compare the size on disk at 16 bit with a format's, per model."""
    models, precision_id = context.parts(claim)
    catalog = context.catalog
    sizes = []
    for name in models.split(","):
        model = catalog.model(name)
        small = weights_gb(model, catalog.precision(precision_id))
        sizes.append((name, weights_gb(model, catalog.precision("bf16")), small))
    ratios = [full / small for _, full, small in sizes]
    why = "; ".join(f"{name}: {full:.1f} GB to {small:.1f} GB" for name, full, small in sizes)
    why += ": embeddings, norms and head stay at 16 bit, scales and zeros come on top"
    sources = (catalog.precision(precision_id).source_id,)
    return Finding(why, min(ratios), sum(ratios) / len(ratios), max(ratios), sources=sources)


@check("format_loss")
def format_loss(context: Context, claim: Claim) -> Finding:
    """Compare a claimed loss with the measured ones of small and large models."""
    rows = [
        r
        for r in context.catalog.precision_losses
        if r.precision_id == claim.subject and r.basis == "measured"
    ]
    if not rows:
        return Finding("no measured loss in the data", verdict="cannot be checked")
    why = "; ".join(
        f"{row.model_size} models {number(row.loss_pct_base)} % "
        f"({number(row.loss_pct_low)} to {number(row.loss_pct_high)})"
        for row in rows
    )
    base = sum(row.loss_pct_base for row in rows) / len(rows)
    low, high = min(r.loss_pct_low for r in rows), max(r.loss_pct_high for r in rows)
    return Finding(
        why + ", measured", low, base, high, sources=tuple(dict.fromkeys(r.source_id for r in rows))
    )


@check("not_measured")
def not_measured(_context: Context, claim: Claim) -> Finding:
    """Say what would be needed to check a claim that no data here speaks to."""
    return Finding(f"needs {claim.subject}, which the data does not hold", verdict="cannot be checked")
