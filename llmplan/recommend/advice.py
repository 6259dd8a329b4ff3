"""What to do, in plain words made of the numbers: option, reason, margin, confidence, caveats, what would flip it."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from llmplan.catalog import Catalog
from llmplan.options import Comparison, Options, evaluate
from llmplan.recommend.caveats import caveats_of
from llmplan.recommend.hybrid import hybrid_caveats
from llmplan.recommend.ladder import quality_ladder
from llmplan.recommend.records import Recommendation, RunnerUp, in_words
from llmplan.recommend.sentences import headline, hybrid_headline, hybrid_reason, reason
from llmplan.recommend.tipping import Tipping, tipping_points
from llmplan.risk.answers import kind_shares
from llmplan.risk.draws import monthly_usd, sample
from llmplan.risk.hybrid import BestHybrid, hybrid_draws, winning_hybrid
from llmplan.risk.problem import Problem, problem_from, realise
from llmplan.scenario import Scenario, under_catalog
from llmplan.wording import joined

DRAWS, DRAWS_LIGHT = 10_000, 2_000
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
    tipping: False is the light mode for sliders: no tipping points, no hybrids, fewer draws.
    options: those of this scenario when they are at hand, a part of them for instance.

    Every figure in the sentences is one of the comparison's, the risk's or the tipping points', rounded.
    """
    scenario, catalog = under_catalog(scenario, catalog)
    found = evaluate(scenario, catalog, options)
    hybrid = winning_hybrid(found) if tipping else None
    if hybrid is not None:
        return _of_hybrid(found, hybrid, catalog, seed)
    if found.recommended is None:
        return _nothing(found)
    problem = problem_from(found, catalog)
    p_kind, regret = _risk(problem, DRAWS if tipping else DRAWS_LIGHT, seed)
    points = tipping_points(scenario, catalog) if tipping else ()
    place = found.order[0]
    rival_place = _rival(found)
    rival = None if rival_place is None else _runner_up(found, rival_place)
    low, base, high = (float(value) for value in found.monthly_usd[:, place])
    margin = None if rival is None else rival.monthly_usd - base
    margin_pct = None if rival is None or not rival.monthly_usd > 0 else 100 * (1 - base / rival.monthly_usd)
    item, ladder = found.options.items[place], quality_ladder(found)
    p_right = p_kind.get(item.kind, 0.0)
    confidence = in_words(p_right)
    return Recommendation(
        scenario=scenario,
        option_id=item.option_id,
        kind=item.kind,
        label=item.label,
        headline=headline(item, scenario.currency.whole(base), rival, margin_pct, confidence, p_right),
        reason=reason(found, item, rival, margin, margin_pct, ladder),
        monthly_usd=(low, base, high),
        rival=rival,
        margin_usd=margin,
        margin_pct=margin_pct,
        p_kind=p_kind,
        confidence=confidence,
        expected_regret_usd=regret,
        caveats=caveats_of(found, catalog, p_right, regret),
        flips=nearest_flips(points),
        runners_up=_runners_up(found),
        tipping=points,
        outlook=_outlook(points),
        quality_ladder=ladder,
    )


def _of_hybrid(found: Comparison, best: BestHybrid, catalog: Catalog, seed: int) -> Recommendation:
    """Return the recommendation where a hybrid is the cheapest of all."""
    row, scenario = best.row, found.scenario
    usd_base, points = best.monthly_usd, tipping_points(scenario, catalog)
    p_kind, regret = _with_hybrid(found, best, catalog, seed)
    runners_up = _beside_hybrid(found, usd_base)
    rival = min(runners_up.values(), key=lambda other: other.monthly_usd, default=None)
    margin_pct = None if rival is None else 100 * (1 - usd_base / rival.monthly_usd)
    margin = None if rival is None else rival.difference_usd
    confidence = in_words(p_kind["hybrid"])
    return Recommendation(
        scenario=scenario,
        option_id=row["option_id"],
        kind="hybrid",
        label=row["label"],
        headline=hybrid_headline(
            best, scenario.currency.whole(usd_base), margin_pct, confidence, p_kind["hybrid"]
        ),
        reason=hybrid_reason(found, best, usd_base, rival, margin, margin_pct),
        monthly_usd=(float(row["monthly_usd_low"]), usd_base, float(row["monthly_usd_high"])),
        rival=rival,
        margin_usd=margin,
        margin_pct=margin_pct,
        p_kind=p_kind,
        confidence=confidence,
        expected_regret_usd=regret,
        caveats=hybrid_caveats(best),
        flips=nearest_flips(points),
        runners_up=runners_up,
        tipping=points,
        outlook=_outlook(points),
        quality_ladder=quality_ladder(found),
    )


def _with_hybrid(
    found: Comparison, best: BestHybrid, catalog: Catalog, seed: int
) -> tuple[dict[str, float], float]:
    """Return the probability of each kind, the hybrid among them, and the hybrid's expected regret."""
    problem = problem_from(found, catalog)
    alone = monthly_usd(problem, realise(problem, sample(problem, DRAWS, seed)))
    usd = np.vstack([alone, hybrid_draws(best, catalog, DRAWS, seed).usd])
    return kind_shares(problem, usd, best), float(np.mean(usd[-1] - usd.min(axis=0)))


def _beside_hybrid(found: Comparison, base: float) -> dict[str, RunnerUp]:
    rows: dict[str, RunnerUp] = {}
    for place in found.order:
        item, cost = found.options.items[place], float(found.monthly_usd[1, place])
        if item.kind not in rows:
            rows[item.kind] = RunnerUp(item.option_id, item.label, cost, cost - base, 100 * (cost / base - 1))
    return rows


def _risk(problem: Problem, draws: int, seed: int) -> tuple[dict[str, float], float]:
    """Return the probability of each kind and the recommended option's expected regret."""
    cost = monthly_usd(problem, realise(problem, sample(problem, draws, seed)))
    if problem.base_place is None:
        return kind_shares(problem, cost), 0.0
    return kind_shares(problem, cost), float(np.mean(cost[problem.base_place] - cost.min(axis=0)))


def _rival(found: Comparison) -> int | None:
    """Return the place of the cheapest feasible option of another kind."""
    kind = found.options.items[found.order[0]].kind
    return next((i for i in found.order if found.options.items[i].kind != kind), None)


def _runner_up(found: Comparison, place: int) -> RunnerUp:
    item, base = found.options.items[place], float(found.monthly_usd[1, found.order[0]])
    cost = float(found.monthly_usd[1, place])
    pct = 100 * (cost / base - 1) if base > 0 else None
    return RunnerUp(item.option_id, item.label, cost, cost - base, pct)


def _runners_up(found: Comparison) -> dict[str, RunnerUp]:
    rows: dict[str, RunnerUp] = {}
    for place in found.order[1:]:
        kind = found.options.items[place].kind
        if kind not in rows:
            rows[kind] = _runner_up(found, place)
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


def _nothing(found: Comparison) -> Recommendation:
    """Say what stands in the way of most options."""
    reasons = Counter(
        " ".join(re.sub(r"\(.*?\)|[~$]?\d[\d.,]*", "", reason.partition(":")[0]).split())
        for item in found.options.items
        for reason in item.reasons
    )
    common = [text for text, _ in reasons.most_common(3)]
    total = len(found.options)
    reason = f"None of {total:,} options meets every constraint. Most often in the way: {joined(common)}."
    return Recommendation(
        scenario=found.scenario,
        option_id=None,
        kind=None,
        label=None,
        headline="Nothing meets every constraint: loosen one of them.",
        reason=reason,
        monthly_usd=None,
        rival=None,
        margin_usd=None,
        margin_pct=None,
        p_kind={},
        confidence="none",
        expected_regret_usd=None,
        caveats=(),
        flips=(),
        runners_up={},
        tipping=(),
        quality_ladder=quality_ladder(found),
    )
