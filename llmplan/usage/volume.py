"""Volume in the units that people know, each a stated rule to queries a day and back. (12.1)-(12.6)"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmplan.catalog import Catalog
from llmplan.errors import InputError
from llmplan.scenario import FIELDS, Scenario
from llmplan.units import S_PER_DAY
from llmplan.usage.models import known_api
from llmplan.wording import number

CALLS, ADDED, MODEL, THINK, PROMPTS = (
    "calls_per_task",
    "tokens_added_per_call",
    "model",
    "think_time_s",
    "prompts_per_day",
)
P95 = 0.95


@dataclass(frozen=True)
class VolumeUnit:
    """A unit of volume. Queries a day are the amount times a factor, so the way back is a division.

    Attributes
    ----------
    label, unit, help: for people. rule: how queries a day follow.
    needs: what is given with it.
    counts_tasks: each is a task of `calls_per_task` calls; else a call.
    """

    label: str
    unit: str
    help: str
    rule: str
    needs: str = ""
    counts_tasks: bool = False


UNITS = {
    "tokens_per_month": VolumeUnit(
        "Tokens",
        "tokens/month",
        "Tokens a month, input and output together.",
        "tokens / ((input + output tokens of a query) x days a month)",
    ),
    "requests_per_s": VolumeUnit(
        "Requests a second", "requests/s", "Mean requests a second.", "requests/s x 86,400 s"
    ),
    "concurrent_users": VolumeUnit(
        "Users at once",
        "users",
        "Users at once in the busiest time, each asking again every --think-time-s.",
        "users / think time x 86,400 s / peak over mean",
        THINK,
        counts_tasks=True,
    ),
    "seats": VolumeUnit(
        "Seats",
        "seats",
        "People who use it, each with --prompts-per-day, mean over all days of a month.",
        "seats x prompts a day",
        PROMPTS,
        counts_tasks=True,
    ),
    "tasks_per_day": VolumeUnit(
        "Tasks",
        "tasks/day",
        "Tasks of agents a day, each of --calls-per-task.",
        "tasks x calls a task",
        CALLS,
        counts_tasks=True,
    ),
    "monthly_bill": VolumeUnit(
        "Today's bill",
        "USD/month",
        "Bill of a month for tokens, of the API of --model.",
        "bill / (USD a query of today's API x days a month)",
    ),
}
COMPANIONS = {
    **{name: (FIELDS[name].about.unit, FIELDS[name].about.help) for name in (THINK, PROMPTS, CALLS)},
    MODEL: ("", "API that the bill is of, as the catalog or a log names it; it becomes the reference API."),
    ADDED: ("tokens/call", "Tokens that a call adds to the next one's input. Default: its output."),
}


@dataclass(frozen=True)
class Stated:
    """A scenario whose volume was given in another unit, and the rules by which it follows, in words."""

    scenario: Scenario
    rules: tuple[str, ...] = ()


def with_volume(scenario: Scenario, given: Mapping[str, Any], catalog: Catalog) -> Stated:
    """Return the scenario at a volume in units of `UNITS`, with what `COMPANIONS` say.

    Raises
    ------
    InputError: for two units, a unit without its companion or the other way round, or an amount not above 0.
    """
    given = {name: value for name, value in given.items() if value is not None}
    unit = _only_unit(given)
    _check_companions(given, unit)
    rules: list[str] = []
    if MODEL in given:
        scenario = scenario.but(reference_api_id=todays_api(given[MODEL], catalog))
    if CALLS in given:
        calls = given[CALLS]
        added = given.get(ADDED, scenario.output_tokens)
        scenario = scenario.but(**agent_fields(scenario, calls, added))
        rules.append(
            f"A task of {calls} calls, each adding {number(added)} tokens: a call's input is "
            f"{number(scenario.input_tokens)} tokens on average, {scenario.cached_input_share:.0%} of it the call "
            "before."
        )
    if unit is not None:
        amount = given[unit]
        if not (math.isfinite(amount) and amount > 0):
            raise InputError(f"--{unit.replace('_', '-')}", amount, "must be above 0", "give a volume")
        found = amount * queries_per_day_of_one(unit, scenario, given, catalog)
        scenario = scenario.but(queries_per_day=found)
        about = UNITS[unit]
        rules.insert(0, f"{number(amount)} {about.unit} = {number(found)} queries/day: {about.rule}.")
    return Stated(scenario, tuple(rules))


def queries_per_day_of_one(
    unit: str, scenario: Scenario, given: Mapping[str, Any], catalog: Catalog
) -> float:
    """Return the queries a day that one of a unit stands for; an amount is queries a day divided by it. (12.1)-(12.5)

    given: the companions; the amount itself is not needed.
    """
    days = scenario.days_per_month
    per_one: float
    if unit == "tokens_per_month":
        per_one = 1 / ((scenario.input_tokens + scenario.output_tokens) * days)
    elif unit == "requests_per_s":
        per_one = S_PER_DAY
    elif unit == "concurrent_users":
        per_one = S_PER_DAY / given[THINK] / scenario.workload(catalog).effective_peak_to_mean
    elif unit == "seats":
        per_one = given[PROMPTS]
    elif unit == "tasks_per_day":
        per_one = 1.0
    else:
        per_one = 1 / (_usd_per_query(scenario, catalog) * days)
    return per_one * (given.get(CALLS, 1) if UNITS[unit].counts_tasks else 1)


def agent_fields(scenario: Scenario, calls: int, added_tokens: float) -> dict[str, Any]:
    """Return the fields of an agent's calls: call k reads the first input and k times what a call adds. (12.6)

    The scenario's queries are taken as tasks, its input as that of the first call. All of the call before is a
    prefix of the next one, so it can be cached; a larger share that is given stays.
    """
    inputs, cached = _growing(scenario.input_tokens, added_tokens, calls)
    return {
        "queries_per_day": scenario.queries_per_day * calls,
        "input_tokens": sum(inputs) / calls,
        "input_tokens_p95": inputs[math.ceil(P95 * calls) - 1],
        "cached_input_share": max(scenario.cached_input_share, cached),
    }


def task_in_words(scenario: Scenario) -> str:
    """Say with which input a task begins whose calls, each adding its output, have the scenario's: (12.6) back."""
    calls, added = scenario.calls_per_task, scenario.output_tokens
    first = scenario.input_tokens - added * (calls - 1) / 2
    said = f"Where each of {calls} calls adds its output of {number(added)} tokens, a task's first call"
    if first < 1:
        return f"{said} would have no input: a query's input is the mean of all calls."
    _, cached = _growing(first, added, calls)
    return (
        f"{said} has {number(first)} of input, and {cached:.0%} of all input is the call before, for a cache."
    )


def _growing(first: float, added: float, calls: int) -> tuple[list[float], float]:
    """Return the inputs of a task's calls, and the share of them that is the call before."""
    inputs = [first + k * added for k in range(calls)]
    return inputs, sum(inputs[:-1]) / sum(inputs)


def todays_api(model: str, catalog: Catalog) -> str:
    """Return the id of the API that a name means; InputError where the catalog has no price of it."""
    found = known_api(model, catalog)
    if found is None:
        raise InputError("--model", model, "has no price in the catalog", "name an id of data/api_prices.csv")
    return found.api_id


def _usd_per_query(scenario: Scenario, catalog: Catalog) -> float:
    from llmplan.options.token_rows import usd_per_query  # keeps the shell's start light
    from llmplan.quality.variants import Lengths

    asked = Lengths(scenario.input_tokens, scenario.output_tokens)
    return float(usd_per_query([catalog.api(scenario.reference_api_id)], [asked], scenario, catalog)[0])


def _only_unit(given: Mapping[str, Any]) -> str | None:
    found = [name for name in UNITS if name in given]
    if len(found) > 1:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in found)
        raise InputError(flags, "given", "are volumes both", "give one of them")
    return found[0] if found else None


def _check_companions(given: Mapping[str, Any], unit: str | None) -> None:
    for name in (THINK, PROMPTS, CALLS):
        flag = f"--{name.replace('_', '-')}"
        if unit is not None and UNITS[unit].needs == name and name not in given:
            raise InputError(flag, "not given", f"belongs to --{unit.replace('_', '-')}", "give both")
        if name in given and not (math.isfinite(given[name]) and given[name] > 0):
            raise InputError(flag, given[name], "must be above 0", "correct it")
    if ADDED in given and CALLS not in given:
        raise InputError("--tokens-added-per-call", given[ADDED], "belongs to --calls-per-task", "give both")
    if MODEL in given and unit != "monthly_bill":
        raise InputError("--model", given[MODEL], "belongs to --monthly-bill", "give both")
