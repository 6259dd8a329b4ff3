"""What a recommendation holds."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

from llmplan.recommend.ladder import QualityStep
from llmplan.recommend.relaxing import Relaxed
from llmplan.recommend.tipping import Tipping
from llmplan.scenario import Scenario

WORDS = ((0.95, "almost certain"), (0.8, "likely"), (0.6, "more likely than not"), (0.4, "a close call"))
UNLIKELY = "unlikely to hold"


@dataclass(frozen=True)
class RunnerUp:
    """The best option of a kind besides the recommended one; differences are against the recommended one's;
    `short_label` is for a headline."""

    option_id: str
    label: str
    monthly_usd: float
    difference_usd: float
    difference_pct: float | None
    short_label: str


@dataclass(frozen=True)
class Recommendation:
    """What to do and how sure that is. Costs in USD a month, base case unless they say otherwise.

    Attributes
    ----------
    option_id, kind, label: the cheapest feasible option of compare(); None where nothing is feasible.
    headline: at most 25 words. reason: a paragraph. why_these_tokens: a sentence; empty where tokens are held equal.
    monthly_usd: low, base, high. quality: as a share of the reference's; None where it is not known.
    margin_usd, margin_pct: saved against the best option of another kind (`rival`), in percent of its cost;
        None where no other kind is feasible.
    p_kind: probability that each kind is the cheapest of what reaches the quality floor.
    p_right: probability that this option reaches the floor and its kind is the cheapest; `confidence`: in words.
    p_meets: probability that it reaches the floor; None where none is set.
    expected_regret_usd: mean cost above the option that turns out cheapest.
    caveats: the three that weigh most. flips: sentences on the nearest tipping points.
    outlook: whether a flip is to be expected at all; empty where no tipping points were sought.
    runners_up: by kind. tipping: every input's tipping points; empty in the light mode.
    quality_ladder: the cheapest option (of one kind) at every quality floor, the lowest floor first.
    relaxed: where nothing is feasible, what would be without each limit.
    ends_on: day on which the provider of its tokens stops to answer; None: none within a plan's months.
    """

    scenario: Scenario
    option_id: str | None
    kind: str | None
    label: str | None
    headline: str
    reason: str
    monthly_usd: tuple[float, float, float] | None
    quality: float | None
    rival: RunnerUp | None
    margin_usd: float | None
    margin_pct: float | None
    p_kind: dict[str, float]
    p_right: float | None
    p_meets: float | None
    confidence: str
    expected_regret_usd: float | None
    caveats: tuple[str, ...]
    flips: tuple[str, ...]
    runners_up: dict[str, RunnerUp]
    tipping: tuple[Tipping, ...]
    outlook: str = ""
    quality_ladder: tuple[QualityStep, ...] = ()
    ends_on: dt.date | None = None
    relaxed: tuple[Relaxed, ...] = ()
    why_these_tokens: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; keys carry units."""
        low, base, high = self.monthly_usd or (None, None, None)
        return {
            "scenario": self.scenario.to_dict(),
            "option_id": self.option_id,
            "kind": self.kind,
            "label": self.label,
            "headline": self.headline,
            "reason": self.reason,
            "why_these_tokens": self.why_these_tokens,
            "monthly_usd": {"low": low, "base": base, "high": high},
            "quality": self.quality,
            "margin_usd_per_month": self.margin_usd,
            "margin_pct": self.margin_pct,
            "rival": None if self.rival is None else _plain(self.rival),
            "confidence": {
                "p_holds": self.p_right,
                "p_meets_floor": self.p_meets,
                "p_cheapest_kind": self.p_kind.get(self.kind or ""),
                "words": self.confidence,
                "p_by_kind": self.p_kind,
            },
            "expected_regret_usd_per_month": self.expected_regret_usd,
            "caveats": list(self.caveats),
            "flips": list(self.flips),
            "outlook": self.outlook,
            "ends_on": None if self.ends_on is None else self.ends_on.isoformat(),
            "quality_ladder": [asdict(step) for step in self.quality_ladder],
            "relaxed": [asdict(row) for row in self.relaxed],
            "runners_up": {kind: _plain(row) for kind, row in self.runners_up.items()},
            "tipping_points": [asdict(row) for row in self.tipping],
        }


def _plain(row: RunnerUp) -> dict[str, Any]:
    return {
        "option_id": row.option_id,
        "label": row.label,
        "monthly_usd": row.monthly_usd,
        "difference_usd_per_month": row.difference_usd,
        "difference_pct": row.difference_pct,
    }


def in_words(probability: float) -> str:
    """Return a probability in words."""
    return next((words for least, words in WORDS if probability >= least), UNLIKELY)
