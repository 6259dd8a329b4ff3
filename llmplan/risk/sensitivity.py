"""Which cause moves the answer: one at a time (tornado), and all together (Sobol indices)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from llmplan.arrays import Bools, Floats
from llmplan.catalog import Catalog
from llmplan.errors import InputError
from llmplan.risk.answers import best_places, undone
from llmplan.risk.draws import monthly_usd
from llmplan.risk.problem import Problem, make_problem, realise
from llmplan.scenario import Scenario

Outcome = Literal["saving", "cost"]
TAIL = 0.1
"""A bar of the tornado runs from this quantile of the cause to its counterpart."""


@dataclass(frozen=True)
class Bar:
    """One cause of a tornado, USD a month.

    Attributes
    ----------
    usd_at_low, usd_at_base, usd_at_high: the outcome at the cause's 10th percentile, base and 90th.
    """

    input_id: str
    label: str
    usd_at_low: float
    usd_at_base: float
    usd_at_high: float

    @property
    def swing_usd(self) -> float:
        """Distance between the two ends."""
        return abs(self.usd_at_high - self.usd_at_low)


@dataclass(frozen=True)
class SobolIndex:
    """Share of the outcome's variance by cause: alone (first) and with all its interactions (total).

    `first_ci95`, `total_ci95`: half-widths of the 95 % confidence intervals.
    """

    input_id: str
    label: str
    first: float
    first_ci95: float
    total: float
    total_ci95: float


def tornado(
    scenario: Scenario, catalog: Catalog | None = None, outcome: Outcome = "saving"
) -> tuple[Bar, ...]:
    """Return the outcome at the 10th and 90th percentile of each cause, the others at base; widest first. (8.11)

    Parameters
    ----------
    outcome: "saving": cheapest token price less cheapest fleet, each free to change with the draw;
        "cost": month of the option recommended in the base case.

    Raises InputError where the outcome does not exist: a side without options, nothing feasible.
    """
    problem = make_problem(scenario, catalog)
    count = len(problem.inputs)
    u = problem.base_draw(2 * count + 1)
    for place in range(count):
        u[place, 2 * place], u[place, 2 * place + 1] = TAIL, 1 - TAIL
    usd = outcome_usd(problem, u, outcome)
    bars = [
        Bar(row.input_id, row.label, float(usd[2 * i]), float(usd[-1]), float(usd[2 * i + 1]))
        for i, row in enumerate(problem.inputs)
    ]
    return tuple(sorted(bars, key=lambda bar: -bar.swing_usd))


def outcome_usd(problem: Problem, u: Floats, outcome: Outcome) -> Floats:
    """Return the outcome at each draw, (d,)."""
    own, token = best_places(problem)
    if outcome == "cost":
        if problem.base_place is None:
            raise InputError("scenario", problem.scenario.name, "nothing is feasible", "loosen a constraint")
        drawn = realise(problem, u)
        return _finite(undone(problem, monthly_usd(problem, drawn), drawn.meets)[problem.base_place])
    if own is None or token is None:
        side = "self-hosted option" if own is None else "API"
        raise InputError(
            "outcome", outcome, f"no {side} is feasible, so nothing is saved", 'ask for the outcome "cost"'
        )
    drawn, options = realise(problem, u), problem.options
    usd = monthly_usd(problem, drawn)
    sides = [
        _side_usd(usd, drawn.meets, side, options.feasible)
        for side in (options.is_api, options.is_self_hosted)
    ]
    return _finite(sides[0] - sides[1])


def _side_usd(usd: Floats, meets: Bools, side: Bools, feasible: Bools) -> Floats:
    """Return the least cost of a side's options that reach the floor; where none does, of the base case's, (d,)."""
    open_to = np.where(meets[side], usd[side], np.inf).min(axis=0)
    return np.asarray(np.where(np.isfinite(open_to), open_to, usd[side & feasible].min(axis=0)))


def _finite(usd: Floats) -> Floats:
    if not np.all(np.isfinite(usd)):
        raise InputError("ranges", "tokens", "in some draws no fleet can serve", "narrow the range of tokens")
    return np.asarray(usd)


def sobol(
    scenario: Scenario,
    catalog: Catalog | None = None,
    outcome: Outcome = "saving",
    samples: int = 1024,
    seed: int = 0,
) -> tuple[SobolIndex, ...]:
    """Return Sobol indices of the outcome by SALib's Saltelli scheme, the largest total first. (8.12)

    Parameters
    ----------
    samples: base samples, a power of two; the model is priced samples x (causes + 2) times.

    An index near zero may come out slightly negative: that is noise of the estimate.
    """
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sampling

    if not (samples >= 2 and samples & (samples - 1) == 0):
        raise InputError("samples", samples, "must be a power of two", "give for example 1024")
    problem = make_problem(scenario, catalog)
    if not problem.inputs:
        return ()
    spec: dict[str, Any] = {
        "num_vars": len(problem.inputs),
        "names": list(problem.names),
        "bounds": [[0.0, 1.0]] * len(problem.inputs),
    }
    u = np.clip(sampling.sample(spec, samples, calc_second_order=False, seed=seed), 1e-9, 1 - 1e-9).T
    usd = outcome_usd(problem, u, outcome)
    if not np.ptp(usd) > 0:
        return tuple(SobolIndex(row.input_id, row.label, 0.0, 0.0, 0.0, 0.0) for row in problem.inputs)
    found = analysis.analyze(spec, usd, calc_second_order=False, seed=seed)
    rows = [
        SobolIndex(
            row.input_id, row.label, *(float(found[key][i]) for key in ("S1", "S1_conf", "ST", "ST_conf"))
        )
        for i, row in enumerate(problem.inputs)
    ]
    return tuple(sorted(rows, key=lambda row: -row.total))
