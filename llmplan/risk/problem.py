"""The options that can win and how each shared cause moves their cost: priced at any draws and volumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats, Places
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.cost.hidden import (
    PER_GPU_HOUR,
    PER_MONTH,
    PER_MTOK,
    PER_QUERY,
    PER_REPLICA,
    PER_STEP,
    HiddenCosts,
)
from llmplan.cost.rent import MOST
from llmplan.kinds import Kind
from llmplan.options import Comparison, Options, evaluate
from llmplan.options.pruning import can_win, features_of
from llmplan.risk.causes import (
    API_FACTOR,
    RiskInput,
    field_ranges,
    given_ranges,
    hidden_costs,
    paid_kind,
    price_ratios,
    risk_inputs,
    throughput_cause,
    to_range,
    token_price_ranges,
)
from llmplan.risk.distributions import Z_LIMIT, Range, normal_deviate, split_lognormal, triangular_quantile
from llmplan.risk.models import LEAST_CHANCE, Models, model_inputs, models_of, near_the_front, surest
from llmplan.risk.tokens import TokenRates, token_rates, token_usd_per_query
from llmplan.scenario import Scenario, under_catalog
from llmplan.scenario.about import Ranges
from llmplan.scenario.workload import fleet_peak
from llmplan.units import TOKENS_PER_MTOK

MOST_VOLUMES = 9
"""Volumes of a curve at which options are weighed against each other before any draw."""
UNITS = (PER_MONTH, PER_STEP, PER_QUERY, PER_MTOK, PER_GPU_HOUR, PER_REPLICA)
ROUNDING = 1 - 1e-12
"""As in fleet.replicas_needed: a ratio a hair above a whole number counts as whole."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A scenario's uncertainty, ready to be priced.

    Attributes
    ----------
    options: those that can be cheapest in some draw, and the hybrid that is cheapest in the base case, in the
        order that breaks ties; first axis of results. Some may miss the quality floor in the base case.
    base_place: the recommended option's place in `options`; None where nothing is feasible.
    models: what is uncertain about their quality and tokens.
    inputs: the causes, in the order of the rows of draws.
    price_ratio: (4, n) low, mode, high, point of the GPU price over the base offer's.
    rates: daily queries of a replica over the token ranges.
    fixed, point_fixed: hidden lines with the user's ranges, and as the base case has them.
    """

    scenario: Scenario
    catalog: Catalog
    options: Options
    base_place: int | None
    inputs: tuple[RiskInput, ...]
    given: Mapping[str, tuple[float, ...]]
    price_ratio: Floats
    rates: TokenRates
    models: Models
    fixed: HiddenCosts
    point_fixed: HiddenCosts

    @property
    def names(self) -> tuple[str, ...]:
        """The causes' names, one a row of draws."""
        return tuple(row.input_id for row in self.inputs)

    @cached_property
    def least_rents(self) -> Floats:
        """(n,) USD a month that each replica costs at least in the base offers' rent, whatever their number."""
        rents, counts = self.options.market.rents, np.arange(1, MOST + 1)
        least = (rents.usd_per_hour[1, :, 1:] / counts).min(axis=1)
        slope = np.where(np.isfinite(least), rents.slope[1], np.inf)
        rows, factor = self.options.rent_row, self.options.rent_factor * self.options.hours_per_month
        return np.where(self.options.stops_idle, 0.0, np.minimum(least, slope)[rows] * factor)

    @cached_property
    def single_rents(self) -> list[tuple[float, float]]:
        """USD a month and GPUs of one replica where N cost N times as much; zeros where lots make stairs."""
        rents, counts = self.options.market.rents, np.arange(MOST + 1)
        found = []
        columns = (self.options.rent_row, self.options.rent_factor, self.options.stops_idle)
        for row, factor, stops in zip(*columns, strict=True):
            usd, gpus = rents.usd_per_hour[1, row], rents.gpus[1, row]
            plain = np.isfinite(usd[1]) and np.allclose(usd, usd[1] * counts, rtol=1e-12, atol=1e-9)
            plain = plain and np.array_equal(gpus, gpus[1] * counts)
            plain = plain and not stops
            month = float(usd[1] * factor * self.options.hours_per_month) if plain else 0.0
            found.append((month, float(gpus[1]) if plain else 0.0))
        return found

    @cached_property
    def safe_place(self) -> int | None:
        """The cheapest option that surely reaches the floor: a choice that misses it is undone for this one, which
        stays in every draw. (8.14) None where nothing is feasible."""
        usd = self.options.monthly_usd([self.scenario.queries_per_day], sides=(1,))[0, :, 0]
        return surest(self.models, self.options.feasible, usd)

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(self.options.items.kind.tolist())

    def base_draw(self, draws: int = 1) -> Floats:
        """Return draws that all stand for the base case, (inputs, draws)."""
        return np.full((len(self.inputs), draws), np.nan)


@dataclass(frozen=True, eq=False)
class Draws:
    """The causes turned into prices and rates. Last axis: draws (d,).

    Attributes
    ----------
    queries_per_day: (d,) the uncertain volume.
    usd_per_query: (n, d) what a query pays for tokens; 0 for self-hosting.
    per_replica: (n, d) daily queries of a replica; rent_ratio: (n, d) rent over the base offers'.
    meets: (n, d) whether an option reaches the quality floor.
    flat_usd, people_usd, gpus_per_step: (d,) hidden costs of a fleet; query_usd: (d,) those of any query;
    gpu_usd, replica_usd: (d,) those of a GPU rented and of a replica, a month.
    """

    queries_per_day: Floats
    usd_per_query: Floats
    per_replica: Floats
    rent_ratio: Floats
    meets: Bools
    flat_usd: Floats
    people_usd: Floats
    gpus_per_step: Floats
    query_usd: Floats
    gpu_usd: Floats
    replica_usd: Floats

    @cached_property
    def pays_by_size(self) -> bool:
        """Whether any line is paid by the GPU-hour or the replica."""
        return bool(self.gpu_usd.any() or self.replica_usd.any())

    @cached_property
    def shared_usd(self) -> Floats:
        """What every fleet pays, however small: the flat lines and the first step of people."""
        return self.flat_usd + self.people_usd

    @cached_property
    def least_gpus_per_step(self) -> float:
        return float(self.gpus_per_step.min())


def make_problem(
    scenario: Scenario, catalog: Catalog | None = None, queries_per_day: npt.ArrayLike = ()
) -> Problem:
    """Return the scenario's uncertainty, at further volumes as well where some are given.

    Raises UnknownNameError or InputError for a range that names nothing or breaks a bound.
    """
    scenario, catalog = under_catalog(scenario, catalog)
    return problem_from(evaluate(scenario, catalog), catalog, queries_per_day)


def problem_from(found: Comparison, catalog: Catalog, queries_per_day: npt.ArrayLike = ()) -> Problem:
    """Return the uncertainty of a scenario that has been compared, at its volume and those given."""
    best = found.best
    rank = found.options.preference
    few = {place for place in map(found.cheapest, Kind) if place is not None}
    if best is not None:
        few |= set(_winning_places(found, catalog, queries_per_day).tolist())
    places = sorted(few, key=lambda i: int(rank[i]))
    base = None if best is None else places.index(best)
    return problem_of(found.options.take(places), catalog, base, prune=False)


def _winning_places(found: Comparison, catalog: Catalog, queries_per_day: npt.ArrayLike) -> Places:
    """Return the places of the options of one kind that can win, whatever is drawn."""
    part, places, models = _open_to(found.alone, catalog)
    if models.is_certain.all():
        return _undominated(found.alone, catalog, found.scenario.ranges)
    now, ranges = found.base_usd[places], bool(found.scenario.ranges)
    volumes = _volumes(found.scenario, queries_per_day)
    usd = np.column_stack([now, part.monthly_usd(volumes, sides=(1,))[0]]) if len(volumes) else now[:, None]
    near, safe = near_the_front(part, models, usd, ranges), surest(models, part.feasible, now)
    return places[near if safe is None else np.union1d(near, [safe])]


def _volumes(scenario: Scenario, queries_per_day: npt.ArrayLike) -> Floats:
    """Return the volumes besides the scenario's at which options are weighed before any draw: its range's, a few."""
    more = np.atleast_1d(np.asarray(queries_per_day, float))
    few = np.linspace(0, max(len(more) - 1, 0), min(len(more), MOST_VOLUMES)).astype(int)
    return np.unique([*dict(scenario.ranges).get("queries_per_day", ()), *more[few]])


@kept(4)
def _open_to(alone: Options, catalog: Catalog) -> tuple[Options, Places, Models]:
    """Return the options that nothing but an uncertain quality may keep out, their places and models."""
    places = np.flatnonzero((alone.feasible | alone.near_floor) & (alone.is_api | (alone.per_replica[1] > 0)))
    part = alone.take(places)
    models = models_of(part, catalog)
    likely = np.flatnonzero(part.feasible | (models.chance() >= LEAST_CHANCE))
    return part.take(likely), places[likely], models.take(likely)


@kept(4)
def _undominated(alone: Options, catalog: Catalog, ranges: Ranges) -> Places:
    """Return the places of the options of one kind that can win at any volume, their models being certain."""
    works = (alone.per_replica[1] > 0) & np.isfinite(alone.gpus_of(np.ones((1, 1)))[:, 0])
    places = np.flatnonzero(alone.feasible & (alone.is_api | works))
    scenario = alone.scenario.model_copy(update={"ranges": ranges})
    few, given = replace(alone.take(places), scenario=scenario), given_ranges(scenario, catalog)
    rates = token_rates(few, catalog, given)
    return places[_winners(few, price_ratios(few, given), rates, given, None)]


def problem_of(options: Options, catalog: Catalog, base_place: int | None, prune: bool = True) -> Problem:
    """Return the problem of given options (feasible, in the order that breaks ties)."""
    scenario = options.scenario
    given = given_ranges(scenario, catalog)
    ratios = price_ratios(options, given)
    rates = token_rates(options, catalog, given)
    if prune:
        keep = _winners(options, ratios, rates, given, base_place)
        options, ratios, rates = options.take(keep), ratios[:, keep], rates.take(keep)
        base_place = None if base_place is None else int(np.flatnonzero(keep == base_place)[0])
    fixed, models = hidden_costs(options, catalog, given), models_of(options, catalog)
    described = options.take(_first_own_by_cost(options))
    inputs = (*risk_inputs(scenario, catalog, described, fixed, given), *model_inputs(models, catalog))
    return Problem(
        scenario, catalog, options, base_place, inputs, given, ratios, rates, models, fixed, options.hidden
    )


def _first_own_by_cost(options: Options) -> npt.NDArray[np.int_]:
    """Return all places, the cheapest fleet at the scenario's volume first."""
    usd = options.monthly_usd([options.scenario.queries_per_day], sides=(1,))[0, :, 0]
    return np.argsort(np.where(options.is_self_hosted, usd, np.inf), kind="stable")


def _winners(
    options: Options,
    ratios: Floats,
    rates: TokenRates,
    given: Mapping[str, tuple[float, ...]],
    base_place: int | None,
) -> npt.NDArray[np.int_]:
    """Return the places of every token price, and of the fleets that can be cheapest (see `pruning`)."""
    keep = options.is_api | options.is_reserved
    own = np.flatnonzero(~keep)
    if len(own):
        part = options.take(own)
        deviates = np.array([-Z_LIMIT, 0.0, Z_LIMIT])[:, None]
        spread = split_lognormal(deviates, *_band(part, given))
        corner = rates.take(own).corners
        each = (part.per_replica[1] * corner[:, None] * spread).reshape(-1, len(own))
        merits = np.concatenate([each, part.merits[1:]])
        features = features_of(merits, *_rent_profiles(part, ratios[:, own]))
        causes = [throughput_cause(item, given) for item in part.items]
        keep[own] = can_win(features, causes)
    if base_place is not None:
        keep[base_place] = True
    return np.flatnonzero(keep)


def _rent_profiles(options: Options, ratios: Floats) -> tuple[Floats, Places]:
    """Return rents at low, mode, high and point and GPUs as columns, (k, f), and the row of each option."""
    base, row = options.rent_profiles()
    keys, which = np.unique(np.concatenate([row[None], ratios]), axis=1, return_inverse=True)
    profiles = base[keys[0].astype(np.intp)]
    scaled = [profiles * ratio[:, None] for ratio in keys[1:]]
    return np.concatenate([profiles, *scaled], axis=1), which.astype(np.intp)


def _band(options: Options, given: Mapping[str, tuple[float, ...]]) -> tuple[Floats, Floats]:
    """Return the 10th and 90th percentile of each fleet's rate over its prediction; ones without a band."""
    ones = np.ones(len(options))
    if "throughput_factor" in given:
        return ones, ones
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = options.per_replica / options.per_replica[1]
    ratio = np.where(np.isfinite(ratio) & (ratio > 0), ratio, 1.0)
    return np.minimum(ratio[2], 1.0), np.maximum(ratio[0], 1.0)


def realise(problem: Problem, u: Floats) -> Draws:
    """Turn uniform draws of the causes, (inputs, d), into prices and rates; NaN holds a cause at its base."""
    row = dict(zip(problem.names, np.atleast_2d(u), strict=True)) if len(problem.inputs) else {}
    draws = u.shape[1]
    nothing = np.full(draws, np.nan)
    fields = {
        name: spread.at(row.get(name, nothing))
        for name, spread in field_ranges(problem.scenario, problem.given).items()
    }
    models, places, deviates = problem.models, range(len(problem.options)), _deviates(row, draws)
    spent = [models.api_tokens(place, deviates) for place in places]
    usd = token_usd_per_query(problem.options, problem.catalog, fields, spent)
    usd = usd * _token_factors(problem, row, nothing)
    each = _per_replica(problem, row, fields, nothing)
    for place in np.flatnonzero(problem.options.has_fleet).tolist():
        each[place] *= models.rate(place, deviates)
    meets = models.meets(deviates, draws)
    if problem.safe_place is not None:
        meets[problem.safe_place] = True
    spreads, which = np.unique(problem.price_ratio, axis=1, return_inverse=True)
    ratio = triangular_quantile(row.get("gpu_price", nothing), *spreads[..., None])[which]
    hidden = _hidden(problem, row.get("hidden_costs", nothing), fields)
    return Draws(fields["queries_per_day"], usd, each, ratio, meets, *hidden)


def _deviates(row: Mapping[str, Floats], draws: int) -> Callable[[str], Floats]:
    """Return how far each cause lies off its base, in standard deviations; 0 where it is certain or at its base."""

    @cache
    def deviates(cause: str) -> Floats:
        drawn = row.get(cause)
        if drawn is None:
            return np.zeros(draws)
        return np.clip(np.nan_to_num(normal_deviate(drawn)), -Z_LIMIT, Z_LIMIT)

    return deviates


def _token_factors(problem: Problem, row: Mapping[str, Floats], nothing: Floats) -> Floats:
    ranges = token_price_ranges(problem.catalog, problem.given)
    factor = np.ones((len(problem.options), len(nothing)))
    for place, item in enumerate(problem.options.items):
        kind = paid_kind(item, problem.catalog)
        if kind in ranges:
            factor[place] = ranges[kind].at(row.get(f"{kind}_price", nothing))
        own = f"{API_FACTOR}{item.api_id}"
        if own in problem.given:
            factor[place] *= to_range(problem.given[own], 1.0).at(row.get(own, nothing))
    return factor


def _per_replica(
    problem: Problem, row: Mapping[str, Floats], fields: Mapping[str, Floats], nothing: Floats
) -> Floats:
    options, scenario = problem.options, problem.scenario
    low, high = _band(options, problem.given)
    each = options.per_replica[1][:, None] * problem.rates.at(fields)
    causes = [throughput_cause(item, problem.given) for item in options.items]
    for cause in set(causes):
        mine = np.flatnonzero([name == cause for name in causes])
        if cause == "throughput":
            spread = to_range(problem.given["throughput_factor"], 1.0)
            each[mine] *= spread.at(row.get(cause, nothing))
        elif cause in row:
            z = normal_deviate(row[cause])
            each[mine] *= split_lognormal(z, low[mine, None], high[mine, None])
    profile = scenario.but(peak_to_mean=1.0, batch_share=0.0).workload(problem.catalog).effective_peak_to_mean
    peak = fleet_peak(np.maximum(fields["peak_to_mean"], profile), fields["batch_share"])
    peak_now = fleet_peak(max(scenario.peak_to_mean, profile), scenario.batch_share)
    ceiling = fields["utilisation_ceiling"] / scenario.utilisation_ceiling
    return np.asarray(each * (peak_now / peak) * ceiling)


def _hidden(problem: Problem, u: Floats, fields: Mapping[str, Floats]) -> tuple[Floats, ...]:
    """Return flat lines, people, GPUs a step of people, what any query costs, a GPU and a replica a month, at the
    shared cause's quantile."""
    fixed, point = problem.fixed, problem.point_fixed
    scale = np.ones(len(u))
    if "hidden_cost_factor" in problem.given:
        scale = to_range(problem.given["hidden_cost_factor"], 1.0).at(u)
        fixed, u = point, np.full(len(u), np.nan)
    total = {unit: np.zeros(len(u)) for unit in UNITS}
    for line, now in zip(fixed.lines, point.lines, strict=True):
        if line.unit in total:
            total[line.unit] += Range(line.usd.low, line.usd.base, line.usd.high, now.usd.base).at(u) * scale
    step = fixed.gpus_per_people_step
    gpus = Range(step.low, step.base, step.high, point.gpus_per_people_step.base).at(1 - u)
    tokens = (fields["input_tokens"] + fields["output_tokens"]) / TOKENS_PER_MTOK
    each_query = total[PER_QUERY] + tokens * total[PER_MTOK]
    each_gpu = total[PER_GPU_HOUR] * problem.options.hours_per_month
    return total[PER_MONTH], total[PER_STEP], gpus, each_query, each_gpu, total[PER_REPLICA]
