"""The headline and the reason: every figure is one of the comparison's, rounded."""

from __future__ import annotations

from llmplan.options import Comparison, Option
from llmplan.recommend.ladder import QualityStep, floor_sentences
from llmplan.recommend.records import RunnerUp
from llmplan.recommend.wording import KIND_WORDS, percent, usd, usd_small
from llmplan.risk.hybrid import BestHybrid


def headline(
    item: Option,
    base: float,
    rival: RunnerUp | None,
    margin_pct: float | None,
    confidence: str,
    p_right: float,
) -> str:
    """Return the headline: what to do, at what cost, how much below the best other kind, how sure."""
    verb = "Self-host" if item.kind == "self_hosted" else "Use"
    against = "no other kind is feasible"
    if rival is not None:
        against = f"{percent(margin_pct)} below {short_label(rival.label)}"
    return f"{verb} {item.label}: {usd(base)} a month, {against}; {confidence} ({percent(100 * p_right)})."


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
    base = float(found.monthly_usd[1, place])
    parts = [
        f"{item.label} costs {usd(base)} a month at {volume:,.0f} queries/day, "
        f"{usd_small(float(found.usd_per_query[place]))} a query: "
        f"the least of {len(found.order):,} feasible options."
    ]
    if rival is None:
        parts.append("No option of another kind meets every constraint.")
    else:
        kind = KIND_WORDS[found.options.items[found.options.index(rival.option_id)].kind]
        parts.append(
            f"The best {kind} is {rival.label} at {usd(rival.monthly_usd)}: "
            f"the choice saves {usd(margin)} a month, {percent(margin_pct)}."
        )
    if item.api_id is None:
        parts.append(_fleet_sentence(found, place))
    if item.quality is not None:
        reference = found.scenario.reference_api_id
        floor = found.scenario.quality_floor
        asked = f"; {percent(100 * floor)} is asked for" if floor > 0 else ""
        parts.append(f"Its quality is {percent(100 * item.quality)} of {reference}'s{asked}.")
        parts += floor_sentences(ladder, item.option_id, floor)
    return " ".join(parts)


def _fleet_sentence(found: Comparison, place: int) -> str:
    replicas, gpus = int(found.replicas[place]), int(found.gpus_total[place])
    spare = found.scenario.spare_replicas
    spares = f", {spare} of them spare," if spare else ""
    return (
        f"That is {replicas:,} replica{'s' if replicas != 1 else ''}{spares} on {gpus:,} "
        f"GPU{'s' if gpus != 1 else ''}, loaded to {percent(100 * float(found.utilisation[place]))} on average."
    )


def hybrid_headline(
    best: BestHybrid, base: float, margin_pct: float | None, confidence: str, p_right: float
) -> str:
    """Return a hybrid's headline."""
    share = percent(100 * best.hybrid.found.share_weak)
    against = "nothing else is feasible" if margin_pct is None else f"{percent(margin_pct)} below one alone"
    return (
        f"Route {share} to {model_of(best.weak.label)}, the rest to {best.row['api_id']}: {usd(base)} a month, "
        f"{against}; {confidence} ({percent(100 * p_right)})."
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
    hybrid, scenario = best.hybrid, found.scenario
    parts = [
        f"A router that sends {percent(100 * hybrid.found.share_weak)} of {scenario.queries_per_day:,.0f} "
        f"queries/day to {best.weak.label} and the rest to {best.row['api_id']} costs {usd(base)} a month, "
        f"{usd_small(hybrid.found.usd_per_query)} a query."
    ]
    if rival is None:
        parts.append("No option alone meets every constraint.")
    else:
        parts.append(
            f"The best option alone is {rival.label} at {usd(rival.monthly_usd)}: "
            f"the hybrid saves {usd(margin)} a month, {percent(margin_pct)}."
        )
    floor = scenario.quality_floor
    asked = f"; {percent(100 * floor)} is asked for" if floor > 0 else ""
    parts.append(
        f"The fleet has {hybrid.replicas:,} replica{'s' if hybrid.replicas != 1 else ''} on {hybrid.gpus_total:,} "
        f"GPU{'s' if hybrid.gpus_total != 1 else ''}; the mix reaches {percent(100 * hybrid.found.quality)} of "
        f"{scenario.reference_api_id}'s quality{asked}."
    )
    return " ".join(parts)
