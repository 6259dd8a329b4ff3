"""What to do, in plain words made of the numbers: option, reason, margin, confidence, caveats, what would flip it."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from llmplan.catalog import Catalog, load_catalog
from llmplan.decision import Comparison, Options, evaluate
from llmplan.recommend.caveats import caveats_of
from llmplan.recommend.hybrid import BestHybrid, hybrid_caveats, hybrid_draws, winning_hybrid
from llmplan.recommend.records import Recommendation, RunnerUp, in_words
from llmplan.recommend.sentences import headline, hybrid_headline, hybrid_reason, reason
from llmplan.recommend.wording import joined
from llmplan.risk.answers import kind_shares
from llmplan.risk.distributions import Floats
from llmplan.risk.draws import KIND_NAMES, monthly_usd, sample
from llmplan.risk.problem import Problem, problem_from, realise
from llmplan.scenario import Scenario
from llmplan.tipping import Tipping, tipping_points

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
    catalog = catalog or load_catalog()
    found = evaluate(scenario, catalog, options)
    hybrid = winning_hybrid(found) if tipping else None
    if hybrid is not None:
        return _of_hybrid(found, hybrid, catalog, seed)
    if found.recommended is None:
        return _nothing(found)
    problem = problem_from(found, catalog)
    p_kind, regret = _risk(problem, DRAWS if tipping else DRAWS_LIGHT, seed)
    points = tipping_points(scenario, catalog, verify=False) if tipping else ()
    place = found.order[0]
    rival_place = _rival(found)
    rival = None if rival_place is None else _runner_up(found, rival_place)
    low, base, high = (float(value) for value in found.monthly_usd[:, place])
    margin = None if rival is None else rival.monthly_usd - base
    margin_pct = None if rival is None or not rival.monthly_usd > 0 else 100 * (1 - base / rival.monthly_usd)
    item = found.options.items[place]
    p_right = p_kind.get(item.kind, 0.0)
    confidence = in_words(p_right)
    return Recommendation(
        scenario=scenario,
        option_id=item.option_id,
        kind=item.kind,
        label=item.label,
        headline=headline(item, base, rival, margin_pct, confidence, p_right),
        reason=reason(found, item, rival, margin, margin_pct),
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
    )


def _of_hybrid(found: Comparison, best: BestHybrid, catalog: Catalog, seed: int) -> Recommendation:
    """Return the recommendation where a hybrid is the cheapest of all; tipping points are of pure options."""
    row, scenario = best.row, found.scenario
    usd_base, draws = float(row["monthly_usd_base"]), hybrid_draws(best, catalog, DRAWS, seed)
    p_kind, regret = _with_hybrid(found, catalog, draws, seed)
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
        headline=hybrid_headline(best, usd_base, margin_pct, confidence, p_kind["hybrid"]),
        reason=hybrid_reason(found, best, usd_base, rival, margin, margin_pct),
        monthly_usd=(float(row["monthly_usd_low"]), usd_base, float(row["monthly_usd_high"])),
        rival=rival,
        margin_usd=margin,
        margin_pct=margin_pct,
        p_kind=p_kind,
        confidence=confidence,
        expected_regret_usd=regret,
        caveats=hybrid_caveats(best),
        flips=(),
        runners_up=runners_up,
        tipping=(),
    )


def _with_hybrid(
    found: Comparison, catalog: Catalog, hybrid_usd: Floats, seed: int
) -> tuple[dict[str, float], float]:
    """Return the probability of each kind, the hybrid among them, and the hybrid's expected regret."""
    problem = problem_from(found, catalog)
    if not len(problem.options):
        return {"hybrid": 1.0}, 0.0
    cost = monthly_usd(problem, realise(problem, sample(problem, len(hybrid_usd), seed)))
    wins = hybrid_usd < cost.min(axis=0)
    shares = dict.fromkeys(KIND_NAMES, 0.0)
    if not wins.all():
        rest = kind_shares(problem, cost[:, ~wins])
        shares = {kind: p * float(np.mean(~wins)) for kind, p in rest.items()}
    regret = np.maximum(0.0, hybrid_usd - cost.min(axis=0))
    return {**shares, "hybrid": float(np.mean(wins))}, float(regret.mean())


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


def _same_point(row: Tipping, other: Tipping) -> bool:
    mine, theirs = row.nearest, other.nearest
    return mine is not None and theirs is not None and row.unit == other.unit and mine.value == theirs.value


def _nothing(found: Comparison) -> Recommendation:
    """Say what stands in the way of most options."""
    reasons = Counter(
        " ".join(re.sub(r"[~$]?\d[\d.,]*", "", reason.partition(":")[0]).split())
        for item in found.options.items
        for reason in item.reasons
    )
    common = [text for text, _ in reasons.most_common(3)]
    total = len(found.options)
    reason = f"None of {total:,} options meets every constraint. Most often in the way: {joined(common)}."
    return Recommendation(
        found.scenario,
        None,
        None,
        None,
        "Nothing meets every constraint: loosen one of them.",
        reason,
        None,
        None,
        None,
        None,
        {},
        "none",
        None,
        (),
        (),
        {},
        (),
    )
