"""Verdicts: what a computed range says of a claimed one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from llmplan.catalog import Claim

Verdict = Literal["holds", "holds within range", "depends", "does not hold", "cannot be checked"]
TOLERANCE = 0.03
"""Relative distance at which a rounded figure still counts as the figure itself."""


@dataclass(frozen=True)
class Implied:
    """A hidden assumption under which a claim would be true; several of one claim hold together.

    Attributes
    ----------
    what: the quantity, as "input" or "volume".
    low, high: the values that give the claim's low and high figure, in ascending order.
    unit: of both.
    """

    what: str
    low: float
    high: float
    unit: str

    @property
    def words(self) -> str:
        least, most = number(self.low), number(self.high)
        return f"{self.what} of {least if least == most else f'{least} to {most}'} {self.unit}"


def implied(what: str, unit: str, *values: float) -> Implied:
    """Return an assumption whose values come in any order."""
    return Implied(what, min(values), max(values), unit)


@dataclass(frozen=True)
class Finding:
    """What a check found: figures, or words, and why.

    `low`, `base`, `high`: the computed range, None where the answer is not a number. `verdict`: set by a check
    that judges by itself; otherwise `judge` compares the ranges. `implied`: assumptions that together would make
    the claim true, the rest left as it is.
    """

    why: str
    low: float | None = None
    base: float | None = None
    high: float | None = None
    text: str = ""
    verdict: Verdict | None = None
    sources: tuple[str, ...] = field(default=())
    implied: tuple[Implied, ...] = field(default=())


def point(value: float, why: str, *sources: str) -> Finding:
    """Return a finding of one figure."""
    return Finding(why, value, value, value, sources=sources)


def judge(claim: Claim, finding: Finding) -> Verdict:
    """Compare the claimed range with the computed one.

    holds: the whole computed range lies in the claimed one. holds within range: its base does. depends: the
    ranges meet, but the base lies outside. does not hold: they do not meet. Two-sided claims are rounded figures
    and get `TOLERANCE` throughout; a threshold ("at least") that is missed by less than it holds within range.
    """
    if finding.verdict is not None:
        return finding.verdict
    if finding.base is None or claim.claimed_low is None:
        return "cannot be checked"
    low = finding.base if finding.low is None else finding.low
    high = finding.base if finding.high is None else finding.high
    if math.isnan(finding.base):
        return "cannot be checked"
    top = math.inf if claim.claimed_high is None else claim.claimed_high
    least, most = claim.claimed_low * (1 - TOLERANCE), top * (1 + TOLERANCE)
    if (least if claim.claimed_high is not None else claim.claimed_low) <= low and high <= most:
        return "holds"
    if least <= finding.base <= most:
        return "holds within range"
    if high >= least and low <= most:
        return "depends"
    return "does not hold"


def claimed_words(claim: Claim) -> str:
    """Write what is claimed for people."""
    if claim.claimed_text:
        return claim.claimed_text
    if claim.claimed_low is None:
        return "-"
    if claim.claimed_high is None:
        return f"at least {number(claim.claimed_low)} {claim.unit}"
    if claim.claimed_low == claim.claimed_high:
        return f"{number(claim.claimed_low)} {claim.unit}"
    return f"{number(claim.claimed_low)} to {number(claim.claimed_high)} {claim.unit}"


def computed_words(claim: Claim, finding: Finding) -> str:
    """Write what was computed for people."""
    if finding.text:
        return finding.text
    if finding.base is None:
        return "-"
    base = f"{number(finding.base)} {claim.unit}"
    low, high = finding.low, finding.high
    if low is None or high is None or (low == finding.base == high):
        return base
    return f"{base} ({number(low)} to {number(high)})"


def number(value: float) -> str:
    """Write a figure with three significant digits, thousands apart, small ones in full."""
    if math.isinf(value):
        return "no limit"
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
