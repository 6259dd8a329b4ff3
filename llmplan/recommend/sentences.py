"""The headline and the reason: every figure is one of the comparison's, rounded."""

from __future__ import annotations

from llmplan.cost.billing import Billing
from llmplan.kinds import Kind
from llmplan.options import Comparison, Option
from llmplan.options.constraints import floor_asked
from llmplan.recommend.ladder import QualityStep, floor_sentences
from llmplan.recommend.records import RunnerUp
from llmplan.scenario import Scenario
from llmplan.wording import counted, probability, share, without_hardware


def headline(
    item: Option,
    base: str,
    rival: RunnerUp | None,
    margin_pct: float | None,
    confidence: str,
    p_right: float,
) -> str:
    """Return the headline: what to do, at what cost, how much below the best other kind, how sure."""
    against = "no other kind is feasible"
    if rival is not None:
        against = f"{_percent(margin_pct)} below {rival.short_label}"
    return f"{action(item)}: {base} a month, {against}; {confidence} ({probability(p_right)})."


def _percent(value: float | None) -> str:
    return share(None if value is None else value / 100)


def action(item: Option) -> str:
    """Return what to do as a verb and its object."""
    if item.split_by == "load":
        split = (
            "for the base load, peaks" if item.billing_mode == Billing.ALWAYS_ON else "by the hour, the rest"
        )
        return f"Self-host {model_of(item.weak_label or '')} {split} to {item.strong_label}"
    if item.kind == Kind.HYBRID:
        return f"Route {share(item.share_weak)} to {model_of(item.weak_label or '')}, the rest to {item.strong_label}"
    return f"{'Self-host' if item.kind == Kind.SELF_HOSTED else 'Use'} {item.label}"


def model_of(label: str) -> str:
    """Return the model and format of a fleet's label."""
    return label.partition(" on ")[0]


def short_label(item: Option) -> str:
    """Return an option's label, of a fleet its model; a hybrid by its API."""
    if item.split_by == "load":
        return f"own fleet with {share(1 - (item.share_weak or 0.0))} to {item.strong_label}"
    if item.kind == "hybrid":
        return f"routing {share(1 - (item.share_weak or 0.0))} to {item.strong_label}"
    return f"self-hosting {without_hardware(item.label)}" if item.kind == Kind.SELF_HOSTED else item.label


def reason(
    found: Comparison,
    item: Option,
    rival: RunnerUp | None,
    margin: float | None,
    margin_pct: float | None,
    ladder: tuple[QualityStep, ...],
) -> str:
    """Return a paragraph: cost, the best other kind, the fleet, quality and what its floor does."""
    place, volume = found.order[0], found.scenario.queries_per_day
    money, base = found.scenario.currency, found.best_usd
    parts = [
        f"{subject(item)} costs {money.whole(base)} a month at {volume:,.0f} queries/day, "
        f"{money.each(float(found.usd_per_query[place]))} a query: "
        f"the least of {found.n_feasible:,} feasible options."
    ]
    if rival is None:
        parts.append("No option of another kind meets every constraint.")
    else:
        kind = found.options.items[found.options.index(rival.option_id)].kind.noun
        parts.append(
            f"The best {kind} is {rival.label} at {money.whole(rival.monthly_usd)}: "
            f"the choice saves {money.whole(margin)} a month, {_percent(margin_pct)}."
        )
    if item.has_fleet:
        parts.append(_fleet_sentence(found, place))
    if item.quality is not None:
        reference = found.scenario.reference_api_id
        floor = found.scenario.quality_floor
        asked = f"; {floor_asked(found.scenario)} is asked for" if floor > 0 else ""
        parts.append(f"Its quality is {share(item.quality)} of {reference}'s{asked}.")
        if item.success is not None:
            least, middle, most = (share(value) for value in vars(item.success).values())
            parts.append(f"It succeeds on {middle} of such tasks ({least} to {most}){_surely(item)}.")
        parts += floor_sentences(ladder, item.label, floor, money)
    if found.scenario.monthly_active_users is not None:
        users = found.scenario.monthly_active_users
        parts.append(f"The {users:,} users a month decide on licences alone: the volume is given in queries.")
    return " ".join(parts)


def why_these_tokens(scenario: Scenario, item: Option, counted_on: int) -> str:
    """Say what a query becomes in the answer's tokens, and on what that rests; empty where tokens are held equal.

    counted_on: workloads on which its tokens were published.
    """
    if scenario.token_basis == "equal" or item.lengths is None or item.output_tokens is None:
        return ""
    lengths, written = item.lengths, item.output_tokens
    thought = (
        f"{lengths.reasoning:,.0f} of them reasoning" if lengths.reasoning >= 1 else "none of it reasoning"
    )
    whose = item.api_id if item.kind == Kind.HYBRID else "it"
    basis = (
        f"its tokens are published for {counted(counted_on, 'kind')} of tasks"
        if counted_on
        else "nobody has published its tokens, those of its kind and effort stand in"
    )
    return (
        f"A query of {scenario.input_tokens:,.0f} + {scenario.output_tokens:,.0f} tokens, as {scenario.reference_api_id} "
        f"counts and spends them, is {lengths.input:,.0f} that {whose} reads and {lengths.output:,.0f} that it writes "
        f"({written.low:,.0f} to {written.high:,.0f}), {thought}: {basis}."
    )


def _surely(item: Option) -> str:
    """Say how sure it is that the floor is met, where one is set."""
    return (
        ""
        if item.meets_floor is None
        else f", and reaches the floor with a chance of {probability(item.meets_floor)}"
    )


def subject(item: Option) -> str:
    """Return an option as the subject of a sentence."""
    if item.split_by == "load":
        rest = "peaks" if item.billing_mode == Billing.ALWAYS_ON else "the rest"
        return f"{item.weak_label} with {rest} at {item.strong_label}, {share(1 - (item.share_weak or 0.0))} of the queries,"
    if item.kind != "hybrid":
        return item.label
    weak = f"{share(item.share_weak)} of the queries to {item.weak_label}"
    return f"A router that sends {weak} and the rest to {item.strong_label}"


def _fleet_sentence(found: Comparison, place: int) -> str:
    replicas, gpus = int(found.replicas[place]), int(found.gpus_total[place])
    spare = found.scenario.spare_replicas
    spares = f", {spare} of them spare," if spare else ""
    return (
        f"That is {counted(replicas, 'replica')}{spares} on {counted(gpus, 'GPU')}, "
        f"loaded to {share(float(found.utilisation[place]))} on average."
    )
