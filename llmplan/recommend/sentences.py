"""The headline and the reason: every figure is one of the comparison's, rounded."""

from __future__ import annotations

from llmplan.kinds import Kind
from llmplan.options import Comparison, Option
from llmplan.recommend.ladder import QualityStep, floor_sentences
from llmplan.recommend.records import RunnerUp
from llmplan.risk.hybrid import BestHybrid
from llmplan.wording import counted, probability, share


def headline(
    item: Option,
    base: str,
    rival: RunnerUp | None,
    margin_pct: float | None,
    confidence: str,
    p_right: float,
) -> str:
    """Return the headline: what to do, at what cost, how much below the best other kind, how sure."""
    verb = "Self-host" if item.kind == Kind.SELF_HOSTED else "Use"
    against = "no other kind is feasible"
    if rival is not None:
        against = f"{_percent(margin_pct)} below {short_label(rival.label)}"
    return f"{verb} {item.label}: {base} a month, {against}; {confidence} ({probability(p_right)})."


def _percent(value: float | None) -> str:
    return share(None if value is None else value / 100)


def model_of(label: str) -> str:
    """Return the model and format of a fleet's label."""
    return label.partition(" on ")[0]


def short_label(label: str) -> str:
    """Return an option's label without its engine."""
    return label.rpartition(", ")[0] or label


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
    money, base = found.scenario.currency, float(found.monthly_usd[1, place])
    parts = [
        f"{item.label} costs {money.whole(base)} a month at {volume:,.0f} queries/day, "
        f"{money.each(float(found.usd_per_query[place]))} a query: "
        f"the least of {len(found.order):,} feasible options."
    ]
    if rival is None:
        parts.append("No option of another kind meets every constraint.")
    else:
        kind = found.options.items[found.options.index(rival.option_id)].kind.noun
        parts.append(
            f"The best {kind} is {rival.label} at {money.whole(rival.monthly_usd)}: "
            f"the choice saves {money.whole(margin)} a month, {_percent(margin_pct)}."
        )
    if item.api_id is None:
        parts.append(_fleet_sentence(found, place))
    if item.quality is not None:
        reference = found.scenario.reference_api_id
        floor = found.scenario.quality_floor
        asked = f"; {share(floor)} is asked for" if floor > 0 else ""
        parts.append(f"Its quality is {share(item.quality)} of {reference}'s{asked}.")
        parts += floor_sentences(ladder, item.option_id, floor, money)
    return " ".join(parts)


def _fleet_sentence(found: Comparison, place: int) -> str:
    replicas, gpus = int(found.replicas[place]), int(found.gpus_total[place])
    spare = found.scenario.spare_replicas
    spares = f", {spare} of them spare," if spare else ""
    return (
        f"That is {counted(replicas, 'replica')}{spares} on {counted(gpus, 'GPU')}, "
        f"loaded to {share(float(found.utilisation[place]))} on average."
    )


def hybrid_headline(
    best: BestHybrid, base: str, margin_pct: float | None, confidence: str, p_right: float
) -> str:
    """Return a hybrid's headline."""
    part = share(best.hybrid.found.share_weak)
    against = "nothing else is feasible" if margin_pct is None else f"{_percent(margin_pct)} below one alone"
    return (
        f"Route {part} to {model_of(best.weak.label)}, the rest to {best.row['api_id']}: {base} a month, "
        f"{against}; {confidence} ({probability(p_right)})."
    )


def hybrid_reason(
    found: Comparison,
    best: BestHybrid,
    base: float,
    rival: RunnerUp | None,
    margin: float | None,
    margin_pct: float | None,
) -> str:
    """Return a hybrid's paragraph: the split, the best option alone, the fleet, quality."""
    hybrid, scenario, money = best.hybrid, found.scenario, found.scenario.currency
    parts = [
        f"A router that sends {share(hybrid.found.share_weak)} of {scenario.queries_per_day:,.0f} "
        f"queries/day to {best.weak.label} and the rest to {best.row['api_id']} costs {money.whole(base)} a month, "
        f"{money.each(hybrid.found.usd_per_query)} a query."
    ]
    if rival is None:
        parts.append("No option alone meets every constraint.")
    else:
        parts.append(
            f"The best option alone is {rival.label} at {money.whole(rival.monthly_usd)}: "
            f"the hybrid saves {money.whole(margin)} a month, {_percent(margin_pct)}."
        )
    floor = scenario.quality_floor
    asked = f"; {share(floor)} is asked for" if floor > 0 else ""
    parts.append(
        f"The fleet has {counted(hybrid.replicas, 'replica')} on {counted(hybrid.gpus_total, 'GPU')}; "
        f"the mix reaches {share(hybrid.found.quality)} of "
        f"{scenario.reference_api_id}'s quality{asked}."
    )
    return " ".join(parts)
