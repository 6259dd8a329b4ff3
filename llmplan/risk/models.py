"""What is uncertain about models: whether their quality meets the floor, and the tokens that they spend. (8.14)-(8.16)"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats, Places
from llmplan.catalog import Catalog
from llmplan.kinds import Kind
from llmplan.options import Option, Options
from llmplan.options.standing import standing_at, standings_of
from llmplan.quality.floor import ROUNDING, mixed
from llmplan.quality.precision import precision_loss
from llmplan.quality.variants import Standing, default_effort
from llmplan.risk.causes import RiskInput
from llmplan.risk.distributions import Z_P90, split_lognormal
from llmplan.scenario import Scenario

QUALITY: Final = "quality:"
TOKENS: Final = "tokens:"
TODAY: Final = "quality-of-today"
LEAST_CHANCE: Final = 0.01
"""An option that reaches the floor more seldom than this is out in every draw."""
SURE: Final = 0.95
"""From this chance to reach the floor on an option counts as sure of it."""
NEAR: Final = 1.1
"""Of a model at an effort, what costs more than this times a way as good to serve it is left out."""
FAR: Final = 3.0
"""The same where ranges of the scenario's own move costs."""
INPUT_WORK: Final = 0.2
"""A replica's work for a token read, over that for a token written: between a tenth and a third when sized anew."""

Deviates = Callable[[str], Floats]
"""A cause's name -> its normal deviates, (d,)."""


@dataclass(frozen=True, eq=False)
class Models:
    """How far the models of options may be from what is expected of them. First axis: options (n,).

    An option stands on one model; a hybrid also on that of its API, whose columns begin with `strong`.

    Attributes
    ----------
    floor: least quality. margin: quality less the floor, as shares of today's success.
    model_id, strong_id: whose causes move it; strong_id is empty but for hybrids.
    sd, strong_sd: standard deviations of the margin by the model's cause; today_sd: by that of what runs today.
    spent, strong_spent: (2, n) 10th and 90th percentile of output tokens over those expected.
    written: share of a replica's work that is output.
    """

    floor: float
    margin: Floats
    model_id: npt.NDArray[Any]
    strong_id: npt.NDArray[Any]
    sd: Floats
    strong_sd: Floats
    today_sd: Floats
    spent: Floats
    strong_spent: Floats
    written: Floats

    def take(self, places: npt.ArrayLike) -> Models:
        """Return the models of the options at `places`."""
        chosen = np.asarray(places, np.intp)
        columns = {name: column[..., chosen] for name, column in vars(self).items() if name != "floor"}
        return replace(self, **columns)

    def chance(self, today: float | None = None) -> Floats:
        """Return the probability that each option reaches the floor. (8.14), (11.10)

        today: what runs today succeeds so many standard deviations more often than expected; None: not known.
        """
        from scipy.special import ndtr

        if self.floor <= 0:
            return np.ones(len(self.margin))
        own = np.hypot(self.sd, self.strong_sd)
        margin, sd = (
            (self.margin, np.hypot(own, self.today_sd))
            if today is None
            else (self.margin - today * self.today_sd, own)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(sd > 0, margin / sd, np.where(margin >= -ROUNDING, np.inf, -np.inf))
        return np.asarray(ndtr(z))

    def meets(self, deviates: Deviates, draws: int) -> Bools:
        """Return in which draws each option reaches the floor, (n, d). (8.14)"""
        if self.floor <= 0:
            return np.ones((len(self.margin), draws), bool)
        found = np.empty((len(self.margin), draws), bool)
        columns = (self.margin, self.model_id, self.sd, self.strong_id, self.strong_sd, self.today_sd)
        for place, (margin, own, sd, strong, strong_sd, today_sd) in enumerate(zip(*columns, strict=True)):
            total = np.full(draws, margin + ROUNDING)
            for cause, spread in (
                (f"{QUALITY}{own}", sd),
                (f"{QUALITY}{strong}", strong_sd),
                (TODAY, -today_sd),
            ):
                if spread:
                    total += spread * deviates(cause)
            found[place] = total >= 0
        return found

    def api_tokens(self, place: int, deviates: Deviates) -> Floats | float:
        """Return output tokens paid for over those expected, (d,); 1 where they are certain. (8.15)"""
        strong = str(self.strong_id[place])
        band = self.strong_spent if strong else self.spent
        return _spent(band[:, place], strong or str(self.model_id[place]), deviates)

    def rate(self, place: int, deviates: Deviates) -> Floats:
        """Return a replica's rate over that at the tokens expected, (d,): its work a query over the drawn one. (8.16)"""
        spent = _spent(self.spent[:, place], str(self.model_id[place]), deviates)
        return np.asarray(1.0 / (1.0 + self.written[place] * (spent - 1.0)))

    @property
    def is_certain(self) -> Bools:
        """(n,) True where nothing about the model is drawn."""
        fixed = (self.spent == 1).all(axis=0)
        return np.asarray(fixed & ((self.sd == 0) | (self.floor <= 0)))


def _spent(band: Floats, model_id: str, deviates: Deviates) -> Floats | float:
    if band[0] == band[1] == 1:
        return 1.0
    return split_lognormal(deviates(f"{TOKENS}{model_id}"), band[0], band[1])


def models_of(options: Options, catalog: Catalog) -> Models:
    """Return what is uncertain about the models of options; of a model that nothing is known of, nothing."""
    items, scenario = options.items, options.scenario
    known = standings_of(scenario, catalog)
    figures = np.array([*map(_figures, known.values()), CERTAIN], float)
    numbers = dict(zip(known, range(len(known)), strict=True))
    asked = zip(items.model_id.tolist(), items.effort.tolist(), strict=True)
    row = np.array([numbers.get(model, len(known)) for model in asked], np.intp)
    low, high, tokens_out = figures[row].T
    floor = scenario.quality_floor
    read = scenario.input_tokens * INPUT_WORK
    written = tokens_out * scenario.output_tokens
    found = Models(
        floor=floor,
        margin=np.nan_to_num(options.quality, nan=0.0) - floor,
        model_id=items.model_id,
        strong_id=np.full(len(items), "", dtype=object),
        sd=items.quality_sd.copy(),
        strong_sd=np.zeros(len(items)),
        today_sd=floor * items.today_sd,
        spent=np.stack([low, high]),
        strong_spent=np.ones((2, len(items))),
        written=written / (written + read),
    )
    for place in np.flatnonzero(items.kind == Kind.HYBRID).tolist():
        _as_hybrid(found, place, items[place], scenario, catalog, known)
    return found


CERTAIN: Final = (1.0, 1.0, 1.0)
"""Of a model that nothing is known of: as `_figures`."""


def _figures(standing: Standing) -> tuple[float, ...]:
    """Return low and high of the tokens over those expected, and tokens expected over today's."""
    band = standing.output_factor
    return (band.low / band.base, band.high / band.base, band.base)


def _as_hybrid(
    found: Models, place: int, item: Option, scenario: Scenario, catalog: Catalog, known: Any
) -> None:
    """Share the doubt about a hybrid between its two models: its quality is linear in theirs. (7.1)"""
    api = catalog.api(item.api_id or "")
    effort = (item.strong_id or "").removeprefix(api.api_id).removeprefix("@")
    weak = known.get((item.model_id, item.effort))
    if weak is None or (api.model_id, effort or default_effort(catalog, api.model_id)) not in known:
        return
    strong = standing_at(scenario, catalog, api, effort or None)
    loss = precision_loss(catalog, catalog.models[item.model_id], str(item.precision_id))[1]
    ends = weak.moments(loss), strong.moments()
    if item.split_by == "load":  # as good as its worse end
        share = float(ends[0][0] <= strong.quality)
    else:
        share = (strong.quality - (item.quality or 0.0)) / (strong.quality - ends[0][0])
    doubt = mixed(share, *ends)
    found.strong_id[place] = api.model_id
    found.sd[place], found.strong_sd[place] = doubt.weak_sd, doubt.strong_sd
    found.today_sd[place] = (found.floor - doubt.of_today) * doubt.today_sd
    band = strong.output_factor
    found.strong_spent[:, place] = band.low / band.base, band.high / band.base


def surest(models: Models, feasible: Bools, monthly_usd: Floats) -> int | None:
    """Return the place of the cheapest feasible option that reaches the floor with `SURE`, else of the surest one."""
    places = np.flatnonzero(feasible & np.isfinite(monthly_usd))
    if not len(places):
        return None
    chance = np.minimum(models.chance()[places], SURE)
    return int(places[np.lexsort((monthly_usd[places], -chance))[0]])


def near_the_front(options: Options, models: Models, monthly_usd: Floats, has_ranges: bool) -> Places:
    """Return the places of the options that may turn out the cheapest of those that reach the floor.

    Parameters
    ----------
    options, models : those that nothing but an uncertain quality may keep out, (n,).
    monthly_usd : base cost at some volumes, (n, v). has_ranges : whether the scenario has ranges of its own.

    Notes
    -----
    Walked by cost at the 90th percentile of tokens, models are certain enough that one of them reaches the floor
    where all of them miss it with less than `LEAST_CHANCE`, what runs today being better than expected. What costs
    more than that even at the 10th percentile of its tokens is out; so is, of one model at an effort, what costs
    more than `NEAR` times another way to serve it that is as good.
    """
    paid = np.stack(
        [np.where(options.is_api, spent, 1 + models.written * (spent - 1)) for spent in models.spent]
    )
    chance, slack = models.chance(today=Z_P90), FAR if has_ranges else NEAR
    kept = np.zeros(len(options), bool)
    for usd in monthly_usd.T:
        cut = _dear_enough(usd * paid[1], chance, models.model_id)
        near = np.flatnonzero(usd * paid[0] <= cut * slack / NEAR)
        kept[
            _best_of_each(options, models.margin, usd, near[np.argsort(usd[near], kind="stable")], slack)
        ] = True
    return np.flatnonzero(kept)


def _dear_enough(usd: Floats, chance: Floats, model_id: npt.NDArray[Any]) -> float:
    """Return the cost up to which some model almost surely reaches the floor."""
    reached: dict[Any, float] = {}
    for place in np.argsort(usd, kind="stable").tolist():
        model, p = model_id[place], float(chance[place])
        if p > reached.get(model, 0.0):
            reached[model] = p
            if math.prod(1 - p for p in reached.values()) < LEAST_CHANCE:
                return float(usd[place])
    return math.inf


def _best_of_each(options: Options, margin: Floats, usd: Floats, places: Places, slack: float) -> list[int]:
    """Return, of each model at an effort, the places (given by cost) that none as good undercuts by over `slack`."""
    items, kept = options.items, []
    fronts: dict[tuple[object, ...], list[tuple[float, float]]] = {}
    for place in places.tolist():
        front = fronts.setdefault((items.kind[place], items.model_id[place], items.effort[place]), [])
        if any(cost * slack < usd[place] and other >= margin[place] for cost, other in front):
            continue
        kept.append(place)
        if all(margin[place] > other for _, other in front):
            front.append((float(usd[place]), float(margin[place])))
    return kept


def model_inputs(models: Models, catalog: Catalog) -> tuple[RiskInput, ...]:
    """Return the causes that are the models' own: quality where a floor is set, and tokens."""
    quality: dict[str, RiskInput] = {}
    tokens: dict[str, RiskInput] = {}
    sides = [
        (models.model_id, models.sd, models.spent),
        (models.strong_id, models.strong_sd, models.strong_spent),
    ]
    for names, sds, spent in sides:
        for place, model_id in enumerate(names):
            name = catalog.models[model_id].name if model_id in catalog.models else str(model_id)
            low, high = spent[:, place].tolist()
            if models.floor > 0 and sds[place] > 0 and model_id not in quality:
                at, half = models.margin[place] + models.floor, Z_P90 * sds[place]
                quality[model_id] = _success(f"{QUALITY}{model_id}", name, float(at), float(half))
            if low < high and model_id not in tokens:
                label, source = f"output tokens of {name}", "held-out errors of the fit of tokens"
                row = RiskInput(f"{TOKENS}{model_id}", label, "ratio to prediction", low, 1.0, high, source)
                tokens[model_id] = row
    spread = float(np.abs(models.today_sd).max(initial=0.0)) / models.floor if models.floor > 0 else 0.0
    now = [_success(TODAY, "what runs today", 1.0, Z_P90 * spread)] if spread else []
    return (*quality.values(), *now, *tokens.values())


def _success(input_id: str, name: str, at: float, half: float) -> RiskInput:
    source = "held-out errors of the quality fit"
    return RiskInput(input_id, f"success of {name}", "share of today's", at - half, at, at + half, source)
