"""What to do, in plain words made of the numbers: option, reason, margin, confidence, caveats, what would flip it."""

from __future__ import annotations

import numpy as np

from llmplan.catalog import Catalog
from llmplan.kinds import Kind
from llmplan.options import Comparison, Option, Options, evaluate
from llmplan.options.limits import in_the_way
from llmplan.quality.multiplier import counted_workloads
from llmplan.recommend.caveats import caveats_of, end_of
from llmplan.recommend.ladder import QualityStep, quality_ladder
from llmplan.recommend.records import Recommendation, RunnerUp, in_words
from llmplan.recommend.relaxing import relaxed
from llmplan.recommend.sentences import headline, reason, short_label, why_these_tokens
from llmplan.recommend.tipping import Tipping, tipping_points
from llmplan.risk.answers import chance_to_hold, kind_shares, undone
from llmplan.risk.draws import monthly_usd, sample
from llmplan.risk.problem import Problem, problem_from, realise
from llmplan.scenario import Scenario, under_catalog
from llmplan.wording import joined

DRAWS = 10_000
FLIPS = 3


def recommend(
    scenario: Scenario,
    catalog: Catalog | None = None,
    tipping: bool = True,
    options: Options | None = None,
    seed: int = 0,
) -> Recommendation:
    """Return what to do in a scenario.

    Parameters
    ----------
    tipping: False is the light mode of pages: no tipping points.
    options: those of this scenario when they are at hand, a part of them for instance.

    Every figure in the sentences is one of the comparison's, the risk's or the tipping points', rounded.
    """
    scenario, catalog = under_catalog(scenario, catalog)
    found = evaluate(scenario, catalog, options)
    ladder = quality_ladder(found, catalog)
    if (place := found.best) is None:
        return _nothing(found, catalog, ladder)
    problem = problem_from(found, catalog)
    p_kind, p_right, regret = _risk(problem, DRAWS, seed)
    points = tipping_points(scenario, catalog) if tipping else ()
    item = found.options.items[place]
    runners_up = _runners_up(found)
    others = (row for kind, row in runners_up.items() if kind != item.kind)
    rival = min(others, key=lambda row: row.monthly_usd, default=None)
    low, base, high = found.monthly_of([place])[:, 0].tolist()
    margin, margin_pct = _margin(base, rival)
    confidence = in_words(p_right)
    return Recommendation(
        scenario=scenario,
        option_id=item.option_id,
        kind=item.kind,
        label=item.label,
        headline=headline(item, scenario.currency.whole(base), rival, margin_pct, confidence, p_right),
        reason=reason(found, item, rival, margin, margin_pct, ladder),
        monthly_usd=(low, base, high),
        quality=item.quality,
        rival=rival,
        margin_usd=margin,
        margin_pct=margin_pct,
        p_kind=p_kind,
        p_right=p_right,
        p_meets=_chance_to_meet(problem),
        confidence=confidence,
        expected_regret_usd=regret,
        caveats=caveats_of(found, catalog, p_right, regret),
        flips=nearest_flips(points),
        runners_up=runners_up,
        tipping=points,
        outlook=_outlook(points),
        quality_ladder=ladder,
        ends_on=end_of(catalog, item),
        why_these_tokens=why_these_tokens(scenario, item, _counted(catalog, item)),
    )


def _margin(base_usd: float, rival: RunnerUp | None) -> tuple[float | None, float | None]:
    """Return how much less than the rival the answer costs: USD a month, and percent of the rival's cost."""
    if rival is None:
        return None, None
    usd = rival.monthly_usd
    return usd - base_usd, 100 * (1 - base_usd / usd) if usd > 0 else None


def _counted(catalog: Catalog, item: Option) -> int:
    """Return on how many workloads the tokens of what answers were published; of a hybrid, those of its API."""
    model_id = item.model_id if item.kind != Kind.HYBRID else catalog.api(str(item.api_id)).model_id
    return counted_workloads(catalog, model_id, item.effort if item.kind != Kind.HYBRID else None)


def _risk(problem: Problem, draws: int, seed: int) -> tuple[dict[str, float], float, float]:
    """Return the probability of each kind, that the recommendation holds, and its expected regret."""
    drawn = realise(problem, sample(problem, draws, seed))
    usd = monthly_usd(problem, drawn)
    chosen = undone(problem, usd, drawn.meets)
    regret = 0.0
    if problem.base_place is not None:
        regret = float(np.mean(chosen[problem.base_place] - chosen.min(axis=0)))
    return kind_shares(problem, usd, drawn.meets), chance_to_hold(problem, usd, drawn.meets), regret


def _chance_to_meet(problem: Problem) -> float | None:
    """Return the probability that the recommended option reaches the floor; None where none is set."""
    if problem.base_place is None or problem.models.floor <= 0:
        return None
    return float(problem.models.chance()[problem.base_place])


def _runners_up(found: Comparison) -> dict[str, RunnerUp]:
    """Return the best option of each kind besides the recommended one."""
    rows: dict[str, RunnerUp] = {}
    base = found.best_usd
    kinds = found.options.items.kind
    for place in found.order[1:]:
        if kinds[place] not in rows:
            item, cost = found.options.items[place], float(found.base_usd[place])
            pct = 100 * (cost / base - 1) if base > 0 else None
            rows[item.kind] = RunnerUp(item.option_id, item.label, cost, cost - base, pct, short_label(item))
    return rows


def nearest_flips(points: tuple[Tipping, ...]) -> tuple[str, ...]:
    """Return the nearest tipping points' sentences; the price of one API says no more than all prices do."""
    rows: list[Tipping] = []
    for row in points:
        nearest = row.nearest
        if nearest is None or any(_same_point(row, other) for other in rows):
            continue
        rows.append(row)
    return tuple(row.sentence for row in rows[:FLIPS])


def _outlook(points: tuple[Tipping, ...]) -> str:
    """Say whether any input flips the recommendation inside the range that it is expected to keep to."""
    if not points:
        return ""
    inside = [row.label for row in points if any(p.within_expected for p in (row.below, row.above) if p)]
    if inside:
        return f"Within its expected range a change of {joined(inside, 'or')} alone flips it."
    return "No price, cost or speed flips it alone within the range expected of it."


def _same_point(row: Tipping, other: Tipping) -> bool:
    mine, theirs = row.nearest, other.nearest
    return mine is not None and theirs is not None and row.unit == other.unit and mine.value == theirs.value


def _nothing(found: Comparison, catalog: Catalog, ladder: tuple[QualityStep, ...]) -> Recommendation:
    """Say what stands in the way of most options, and what would do without each limit."""
    freed = relaxed(found.scenario, catalog)
    return Recommendation(
        scenario=found.scenario,
        option_id=None,
        kind=None,
        label=None,
        headline="Nothing meets every constraint: loosen one of them.",
        reason=f"No option meets this scenario: {in_the_way(found)}.",
        monthly_usd=None,
        quality=None,
        rival=None,
        margin_usd=None,
        margin_pct=None,
        p_kind={},
        p_right=None,
        p_meets=None,
        confidence="none",
        expected_regret_usd=None,
        caveats=(),
        flips=(),
        runners_up={},
        tipping=(),
        quality_ladder=ladder,
        relaxed=freed,
    )
