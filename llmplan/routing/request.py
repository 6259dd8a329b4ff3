"""What to route, between what, by which classifier, to which end: checked values."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmplan.arrays import Floats
from llmplan.errors import InputError, UnknownNameError
from llmplan.router import roc as rocs
from llmplan.router.costs import MOST, Router, Traffic
from llmplan.router.queries import QueryOutcomes
from llmplan.scenario import Scenario

DEFAULT_FLOOR_OF_STRONG = 0.95
"""Without a share, threshold, floor or budget: the cheapest split that keeps so much of the API's quality."""
CLASSIFIERS = ("accuracy", "auc", "error_matrix")


@dataclass(frozen=True)
class RouteRequest:
    """What to route, between what, by which classifier, to which end.

    Attributes
    ----------
    scenario: volume, tokens, latency targets, prices; its own quality floor is not used here.
    weak: model id (`model@effort`: at that effort alone), self-hosted option id (`model@precision@...`), or as `strong`.
    strong: API id, or `api@effort`; without an effort as `price_at_effort` says.
    share_weak, threshold, quality_floor, budget_usd: at most one of them. The share is the part of queries
        that the weak model is meant for, the rest being hard, and a classifier that errs sends another share;
        the threshold is the P(hard | score) from which a query goes up; the floor is a share of the
        reference API's quality; the budget is USD a month.
    accuracy, auc, error_matrix: the classifier's; one of them, by default it never errs. The accuracy A stands
        for the error matrix (A, 1 - A), the matrix for (share of hard queries sent up, share of easy ones).
    hard_share: queries that need the strong model; by default 1 - share_weak, or the data's.
    weak_usd_per_query, strong_usd_per_query: unit prices in place of the catalog's; a given weak price knows
        no fleet.
    weak_quality, strong_quality: in place of the catalog's.
    availability: share of the time that a replica is up; what the others cannot take then spills to the API,
        in place of the traffic's own fallback share.
    strong_latency_ms: time to the API's whole answer [ms], where known.
    queries, query_router: measured queries and the router whose scores cut them (its first by default); they
        take the place of accuracy, auc and hard_share, and the threshold is one of their scores.
    """

    scenario: Scenario
    weak: str = "llama-3.1-70b"
    strong: str = "gpt-4o"
    share_weak: float | None = None
    threshold: float | None = None
    quality_floor: float | None = None
    budget_usd: float | None = None
    accuracy: float | None = None
    auc: float | None = None
    error_matrix: tuple[float, float] | None = None
    hard_share: float | None = None
    hard_token_multiplier: float = 1.0
    router: Router = field(default_factory=Router)
    traffic: Traffic | None = None
    weak_usd_per_query: float | None = None
    strong_usd_per_query: float | None = None
    weak_quality: float | None = None
    strong_quality: float | None = None
    availability: float | None = None
    strong_latency_ms: float | None = None
    queries: QueryOutcomes | None = None
    query_router: str | None = None
    splits: int = 101

    def __post_init__(self) -> None:
        goals = ("share_weak", "threshold", "quality_floor", "budget_usd")
        given = [name for name in goals if getattr(self, name) is not None]
        if len(given) > 1:
            raise InputError(
                given[0], getattr(self, given[0]), f"stands against {given[1]}", "give one of them"
            )
        for name in (
            "share_weak",
            "hard_share",
            "availability",
            *(["threshold"] if self.queries is None else []),
        ):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise InputError(name, value, "must lie from 0 to 1", "give a share such as 0.7")
        for name in (*goals[2:], "weak_usd_per_query", "strong_usd_per_query", "strong_latency_ms"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= MOST:
                raise InputError(name, value, f"must lie from 0 to {MOST:g}", "give a number from 0 up")
        if not 0 < self.hard_token_multiplier <= MOST:
            value, rule = self.hard_token_multiplier, f"must be above 0 and at most {MOST:g}"
            raise InputError("hard_token_multiplier", value, rule, "1: all queries alike")
        for name in ("weak_quality", "strong_quality"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= MOST:
                rule = f"must be above 0 and at most {MOST:g}"
                raise InputError(name, value, rule, "give a share of the reference's quality")
        if self.availability is not None and self.traffic is not None and self.traffic.fallback > 0:
            rule = "stands against a fallback share"
            raise InputError("availability", self.availability, rule, "give one of them")
        self._check_classifier()
        self._check_queries()
        if not self.splits >= 2:
            raise InputError("splits", self.splits, "must be 2 or more", "give 101")

    def _check_classifier(self) -> None:
        given = [name for name in CLASSIFIERS if getattr(self, name) is not None]
        if len(given) > 1:
            raise InputError(
                given[0], getattr(self, given[0]), f"stands against {given[1]}", "give one of them"
            )
        if given:
            _ = self.roc  # raises on values out of range

    def _check_queries(self) -> None:
        data = self.queries
        if data is None:
            return
        others = {name: getattr(self, name) for name in (*CLASSIFIERS, "hard_share")}
        for name, value in others.items():
            if value is not None:
                raise InputError(name, value, "stands against measured queries", "give one of them")
        if not data.strong_quality.mean() > data.weak_quality.mean():
            rule = "the strong model is no better on these queries"
            raise InputError("queries", data.name, rule, "send everything to the cheaper one")
        if self.query_router is not None and self.query_router not in data.scores:
            raise UnknownNameError("router", self.query_router, data.scores)

    @property
    def scores(self) -> Floats | None:
        """The scores that cut the measured queries, if there are any."""
        if self.queries is None:
            return None
        return self.queries.scores[self.query_router or next(iter(self.queries.scores))]

    @property
    def roc(self) -> rocs.RocCurve:
        """The classifier's curve; perfect where nothing is said of it."""
        if self.queries is not None and self.scores is not None and 0 < self.queries.needed.mean() < 1:
            return rocs.from_scores(self.scores, self.queries.needed)
        if self.error_matrix is not None:
            return rocs.from_error_matrix(*self.error_matrix)
        if self.auc is not None:
            return rocs.from_auc(self.auc)
        return rocs.perfect() if self.accuracy is None else rocs.from_accuracy(self.accuracy)

    @property
    def operating_point(self) -> tuple[float, float] | None:
        """Share of the hard and of the easy queries that the classifier means to send up, where one is given."""
        if self.error_matrix is not None or self.accuracy is None:
            return self.error_matrix
        return self.accuracy, 1 - self.accuracy

    @property
    def never_errs(self) -> bool:
        """Whether nothing is said of the classifier, which is then taken to be perfect."""
        return self.queries is None and all(getattr(self, name) is None for name in CLASSIFIERS)
