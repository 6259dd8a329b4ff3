"""The source article, claim by claim: what holds, what does not, and why, computed from catalog and math."""

from __future__ import annotations

from dataclasses import dataclass

from llmplan.catalog import Catalog, Claim, load_catalog
from llmplan.claims import checks_costs, checks_engines, checks_hardware, checks_hidden, checks_models
from llmplan.claims.context import CHECKS, Context
from llmplan.claims.verdicts import Finding, Verdict, claimed_words, computed_words, judge
from llmplan.errors import InputError, LlmplanError, UnknownNameError

VERDICTS: tuple[Verdict, ...] = (
    "holds",
    "holds within range",
    "depends",
    "does not hold",
    "cannot be checked",
)
_MODULES = (checks_costs, checks_engines, checks_hardware, checks_hidden, checks_models)
"""Importing them registers their checks."""


@dataclass(frozen=True)
class CheckedClaim:
    """A claim with what was computed for it."""

    claim: Claim
    finding: Finding
    verdict: Verdict

    @property
    def claimed(self) -> str:
        return claimed_words(self.claim)

    @property
    def computed(self) -> str:
        return computed_words(self.claim, self.finding)

    @property
    def why(self) -> str:
        """The reason, and what would have to be assumed for the claim to be true."""
        assumptions = " and ".join(item.words for item in self.finding.implied)
        return f"{self.finding.why}. True with {assumptions}" if assumptions else self.finding.why

    def to_dict(self) -> dict[str, object]:
        """Return the JSON object of `llmplan claims`."""
        return {
            "id": self.claim.claim_id,
            "section": self.claim.section,
            "claim": self.claim.claim,
            "claimed": self.claimed,
            "computed": self.computed,
            "verdict": self.verdict,
            "why": self.finding.why,
            "implied": tuple(vars(item) for item in self.finding.implied),
            "sources": tuple(dict.fromkeys((self.claim.source_id, *self.finding.sources))),
        }


def check_claims(catalog: Catalog | None = None) -> tuple[CheckedClaim, ...]:
    """Check every claim of data/claims.csv, in its order.

    Raises UnknownNameError where a claim names a check that does not exist, InputError where its subject is not
    what the check needs.
    """
    context = Context.of(catalog or load_catalog())
    return tuple(check_claim(context, claim) for claim in context.catalog.claims.values())


def check_claim(context: Context, claim: Claim) -> CheckedClaim:
    """Check one claim; raises as `check_claims` does."""
    if claim.check not in CHECKS:
        raise UnknownNameError("check", claim.check, CHECKS)
    finding = _found(context, claim)
    return CheckedClaim(claim, finding, judge(claim, finding))


def _found(context: Context, claim: Claim) -> Finding:
    try:
        return CHECKS[claim.check](context, claim)
    except (ValueError, IndexError, StopIteration) as error:
        if isinstance(error, LlmplanError):
            raise
        rule = f"is not what the check {claim.check} of the claim {claim.claim_id} can be asked about"
        raise InputError("subject", claim.subject, rule, "compare the shipped claims.csv") from error


__all__ = ["VERDICTS", "CheckedClaim", "check_claim", "check_claims"]
