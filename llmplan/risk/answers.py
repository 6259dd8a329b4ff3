"""What an executive asks of a distribution: how likely, how much, at what regret, what would knowing be worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats, Places
from llmplan.catalog import Catalog
from llmplan.kinds import Kind
from llmplan.options import volume_axis
from llmplan.risk.breakeven import first_volume_cheaper
from llmplan.risk.causes import RiskInput
from llmplan.risk.draws import LEVELS, VolumeCurve, monthly_usd, quantiles, sample, volume_curve
from llmplan.risk.problem import Draws, Problem, make_problem, realise
from llmplan.scenario import Scenario, under_catalog

BINS = 50
"""Bins of one cause's draws when its information is valued."""


@dataclass(frozen=True)
class OptionRisk:
    """What the draws say of one option at the scenario's volume, in USD a month.

    Attributes
    ----------
    p_meets: probability that it reaches the quality floor, as compare() and recommend() have it.
    p_cheapest: share of draws in which it is the cheapest of those that do.
    mean_usd, quantiles_usd: of its cost; levels as in `Risk.levels`.
    expected_regret_usd: mean of what choosing it now costs above the option that turns out cheapest; where it
        misses the floor the choice is undone for the option that most surely reaches it. (8.14)
    """

    option_id: str
    label: str
    kind: Kind
    base_usd: float
    p_meets: float
    p_cheapest: float
    mean_usd: float
    quantiles_usd: tuple[float, ...]
    expected_regret_usd: float
    regret_p90_usd: float


@dataclass(frozen=True)
class Saving:
    """Self-hosting against token prices, each side's best option of the base case held, in USD a month.

    Attributes
    ----------
    p_cheaper: share of draws in which the self-hosted option costs less.
    quantiles_usd: of token price less self-hosting: positive where self-hosting saves.
    break_even_queries_per_day: quantiles of the first whole volume at which the self-hosted option is the
        cheaper one; infinity: never. p_never: share of draws without any.
    """

    self_hosted_id: str
    token_id: str
    p_cheaper: float
    mean_usd: float
    quantiles_usd: tuple[float, ...]
    break_even_queries_per_day: tuple[float, ...]
    p_never: float


@dataclass(frozen=True)
class Information:
    """What knowing one cause exactly, before choosing, would save in expectation, in USD a month."""

    input_id: str
    label: str
    usd_per_month: float


@dataclass(frozen=True, eq=False)
class Risk:
    """A scenario's answer under uncertainty.

    Attributes
    ----------
    recommended_id: the cheapest feasible option of the base case, as in compare(), a hybrid where that is it.
    options: cheapest expected cost first; the best of each kind is always among them.
    p_kind: share of draws in which a kind is cheapest of what the floor lets in and what reaches it; sums to 1. Of the
        hybrids the one counts that is cheapest in the base case.
    p_holds: share of draws in which the recommended option reaches the floor and its kind is the cheapest.
    saving: options of one kind; None where one of the two sides has no feasible option.
    perfect_information_usd: expected cost of the best single choice less that of choosing after the fact.
    information: worth of each cause, the largest first.
    evaluation_usd: worth of knowing every model's quality: what a week of evaluation is worth at most.
    """

    scenario: Scenario
    draws: int
    seed: int
    levels: tuple[float, ...]
    inputs: tuple[RiskInput, ...]
    recommended_id: str | None
    options: tuple[OptionRisk, ...]
    p_kind: dict[str, float]
    saving: Saving | None
    perfect_information_usd: float
    information: tuple[Information, ...]
    evaluation_usd: float
    p_holds: float
    by_volume: VolumeCurve | None

    @property
    def has_floor(self) -> bool:
        """Whether a quality floor is set, so that quality is among the causes."""
        return self.scenario.quality_floor > 0

    def option(self, option_id: str) -> OptionRisk | None:
        """Return an option's row; None where it can never be cheapest and was not priced."""
        return next((row for row in self.options if row.option_id == option_id), None)


def assess(
    scenario: Scenario,
    catalog: Catalog | None = None,
    draws: int = 10_000,
    seed: int = 0,
    queries_per_day: npt.ArrayLike | None = None,
    curve: bool = True,
) -> Risk:
    """Price every option that can win at every draw, and answer.

    Parameters
    ----------
    draws, seed: the same seed gives the same draws, whatever else is uncertain.
    queries_per_day: volumes of the curve; default 200 from 100 to 10 million.
    curve: False leaves the curve over volumes out, which takes most of the time.
    """
    scenario, catalog = under_catalog(scenario, catalog)
    volumes = volume_axis() if queries_per_day is None else queries_per_day
    problem = make_problem(scenario, catalog, volumes if curve else ())
    u = sample(problem, draws, seed)
    drawn = realise(problem, u)
    usd = monthly_usd(problem, drawn)
    chosen = undone(problem, usd, drawn.meets)
    has_options = len(problem.options) > 0
    return Risk(
        scenario=scenario,
        draws=draws,
        seed=seed,
        levels=LEVELS,
        inputs=problem.inputs,
        recommended_id=_recommended(problem),
        options=option_risks(problem, usd, drawn.meets),
        p_kind=kind_shares(problem, usd, drawn.meets),
        saving=saving_of(problem, drawn, usd),
        perfect_information_usd=perfect_information(chosen),
        information=information(problem.inputs, u, chosen),
        evaluation_usd=worth_of_evaluation(problem, usd, drawn.meets),
        p_holds=chance_to_hold(problem, usd, drawn.meets),
        by_volume=volume_curve(problem, u, volumes) if curve and has_options else None,
    )


def _recommended(problem: Problem) -> str | None:
    return None if problem.base_place is None else problem.options.items[problem.base_place].option_id


def base_usd(problem: Problem) -> Floats:
    """Return each option's cost in the base case, (n,): as compare() has it."""
    return monthly_usd(problem, realise(problem, problem.base_draw()))[:, 0]


def undone(problem: Problem, usd: Floats, meets: Bools) -> Floats:
    """Return what choosing each option costs, (n, d): its month, or the surest option's where it misses the floor. (8.14)"""
    return usd if problem.safe_place is None else np.where(meets, usd, usd[problem.safe_place])


def winners(problem: Problem, usd: Floats, meets: Bools) -> Places:
    """Return the cheapest option's place in each draw, of those that the floor lets in and that reach it there.

    What reaches the floor too seldom would not be chosen. The recommended one wins a tie, then the first.
    usd, meets: (n, d).
    """
    usd = np.where(meets & problem.options.feasible[:, None], usd, np.inf)
    place = np.argmin(usd, axis=0)
    if problem.base_place is not None:
        draws = np.arange(usd.shape[1])
        place = np.where(usd[problem.base_place] == usd[place, draws], problem.base_place, place)
    return np.asarray(place)


def kind_shares(problem: Problem, usd: Floats, meets: Bools) -> dict[str, float]:
    """Return the share of draws in which each kind is cheapest; empty where nothing is feasible."""
    if not usd.size:
        return {}
    kinds = np.array(problem.kinds, dtype=str)[winners(problem, usd, meets)]
    return {kind: float(np.mean(kinds == kind)) for kind in Kind}


def chance_to_hold(problem: Problem, usd: Floats, meets: Bools) -> float:
    """Return the share of draws in which the recommended option reaches the floor and its kind is the cheapest.

    At most the probability of the floor, which is known without draws.
    """
    place = problem.base_place
    if place is None:
        return 0.0
    kinds = np.array(problem.kinds, dtype=str)
    held = np.mean(meets[place] & (kinds[winners(problem, usd, meets)] == kinds[place]))
    return float(min(held, problem.models.chance()[place]))


def option_risks(problem: Problem, usd: Floats, meets: Bools) -> tuple[OptionRisk, ...]:
    """Return each priced option's risk, the least expected regret first; `usd` and `meets` as in `winners`."""
    if not usd.size:
        return ()
    chosen = undone(problem, usd, meets)
    regret = chosen - chosen.min(axis=0)
    share = np.bincount(winners(problem, usd, meets), minlength=len(usd)) / usd.shape[1]
    base, reached = base_usd(problem), problem.models.chance()
    spread, late = quantiles(usd, LEVELS), quantiles(regret, (0.9,))[:, 0]
    rows = [
        OptionRisk(
            item.option_id,
            item.label,
            item.kind,
            float(base[i]),
            float(reached[i]),
            float(share[i]),
            float(usd[i].mean()),
            tuple(float(x) for x in spread[i]),
            float(regret[i].mean()),
            float(late[i]),
        )
        for i, item in enumerate(problem.options.items)
    ]
    return tuple(sorted(rows, key=lambda row: (row.expected_regret_usd, row.base_usd)))


def best_places(problem: Problem) -> tuple[int | None, int | None]:
    """Return the places of the cheapest fleet and of the cheapest token price in the base case."""
    usd = base_usd(problem) if len(problem.options) else np.zeros(0)
    found = []
    for side in (problem.options.is_self_hosted, problem.options.is_api):
        usable = side & problem.options.feasible
        places = np.flatnonzero(usable & np.isfinite(usd)) if usd.size else np.zeros(0, int)
        best = int(places[np.argmin(usd[places])]) if len(places) else None
        if problem.base_place is not None and problem.base_place in places:
            best = problem.base_place
        found.append(best)
    return found[0], found[1]


def saving_of(problem: Problem, drawn: Draws, usd: Floats) -> Saving | None:
    """Return what self-hosting saves, the base case's best fleet and best token price held."""
    own, token = best_places(problem)
    if own is None or token is None:
        return None
    saved = usd[token] - usd[own]
    first = first_volume_cheaper(problem, drawn, own, token)
    items = problem.options.items
    return Saving(
        items[own].option_id,
        items[token].option_id,
        float(np.mean(saved > 0)),
        float(saved.mean()),
        tuple(float(x) for x in quantiles(saved, LEVELS)),
        tuple(float(x) for x in quantiles(first, LEVELS)),
        float(np.mean(np.isinf(first))),
    )


def perfect_information(usd: Floats) -> float:
    """Return the worth of knowing everything: least expected cost less expected least cost. (8.9)"""
    return float(usd.mean(axis=1).min() - usd.min(axis=0).mean()) if usd.size else 0.0


def worth_of_evaluation(problem: Problem, usd: Floats, meets: Bools) -> float:
    """Return the worth of knowing whether each option reaches the floor, before choosing. (8.17)

    Costs do not depend on quality, so each option stands for its mean cost, or for the surest option's.
    """
    if problem.safe_place is None:
        return 0.0
    mean = usd.mean(axis=1)[:, None]
    chosen = np.where(meets, mean, mean[problem.safe_place])
    return float(chosen.mean(axis=1).min() - chosen.min(axis=0).mean())


def information(inputs: tuple[RiskInput, ...], u: Floats, usd: Floats) -> tuple[Information, ...]:
    """Return the worth of knowing each cause alone, the largest first. (8.10)

    Draws are sorted by the cause and cut into bins; in a bin the option of least mean cost is chosen on one
    half of its draws and priced on the other, both ways, so that noise alone is worth nothing in expectation.
    """
    if not usd.size:
        return ()
    rows = [Information(row.input_id, row.label, _worth(u[place], usd)) for place, row in enumerate(inputs)]
    return tuple(sorted(rows, key=lambda row: -row.usd_per_month))


def _worth(cause: Floats, usd: Floats) -> float:
    bins = min(BINS, usd.shape[1] // 4)
    if bins < 1:
        return 0.0
    each = usd.shape[1] // (2 * bins)
    order = np.argsort(cause, kind="stable")[: 2 * bins * each]
    ranked = usd[:, order].reshape(len(usd), bins, each, 2)
    means = ranked.mean(axis=2)
    chosen = np.argmin(means, axis=0)
    after = np.take_along_axis(means[..., ::-1], chosen[None], axis=0).mean()
    return max(0.0, float(_choice_before(ranked) - after))


def _choice_before(ranked: Floats) -> float:
    """Return the cost of the best single choice, chosen on one half of the draws and priced on the other."""
    means = ranked.mean(axis=(1, 2))
    chosen = np.argmin(means, axis=0)
    return float(np.mean([means[chosen[0], 1], means[chosen[1], 0]]))
