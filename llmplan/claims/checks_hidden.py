"""Checks of the article's hidden costs."""

from __future__ import annotations

from llmplan.catalog import Claim
from llmplan.claims.context import Context, check
from llmplan.claims.verdicts import Finding, number


@check("hidden_line")
def hidden_line(context: Context, claim: Claim) -> Finding:
    """Compare the people line with published staffing; the other lines have nothing to be compared with."""
    catalog = context.catalog
    if claim.subject != "devops-usd-per-month":
        return Finding("no independent figure in the data", verdict="cannot be checked")
    share, salary = catalog.assumption("fte-rented"), catalog.assumption("fte-usd-per-month")
    low, base, high = (getattr(share, side) * getattr(salary, side) for side in ("low", "base", "high"))
    why = f"{share.base:g} of an engineer at {salary.base:,.0f} USD a month, loaded"
    return Finding(why, low, base, high, sources=(share.source_id, salary.source_id))


@check("hidden_total")
def hidden_total(context: Context, _claim: Claim) -> Finding:
    """Add the article's five lines up."""
    rows = [c for c in context.catalog.claims.values() if c.check == "hidden_line"]
    low, high = (sum(getattr(row, side) or 0.0 for row in rows) for side in ("claimed_low", "claimed_high"))
    why = f"the sum of its {len(rows)} lines; model updates come on top"
    return Finding(why, low, (low + high) / 2, high, sources=("article",))


@check("engineering_consistent")
def engineering_consistent(context: Context, _claim: Claim) -> Finding:
    """Compare an example's engineering with the article's own DevOps line."""
    line = context.catalog.claims["devops"]
    low, high = line.claimed_low or 0.0, line.claimed_high or 0.0
    why = f"the article's own DevOps line says {number(low)} to {number(high)} USD a month"
    return Finding(why, low, (low + high) / 2, high, sources=("article",))
