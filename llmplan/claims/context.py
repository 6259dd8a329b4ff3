"""What checks work with: the catalog, the article's workload, and shared computations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llmplan.catalog import Catalog, Claim
from llmplan.claims.verdicts import Finding
from llmplan.cost.hidden import LowBaseHigh
from llmplan.replica import Capacity, Configurations, ReplicaConfig, capacity
from llmplan.scenario import Scenario, load_scenario
from llmplan.units import S_PER_MINUTE

Check = Callable[["Context", Claim], Finding]
CHECKS: dict[str, Check] = {}
SEQUENCE_TOKENS = 2_500
"""The article's own query: 2,000 input and 500 output tokens."""


def check(name: str) -> Callable[[Check], Check]:
    """Register a check under the name that data/claims.csv calls it by."""

    def register(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return register


@dataclass(frozen=True)
class Context:
    """The catalog and the article's two readings of a query."""

    catalog: Catalog
    stated: Scenario
    computed: Scenario

    @classmethod
    def of(cls, catalog: Catalog) -> Context:
        return cls(
            catalog,
            load_scenario("article-as-stated", catalog),
            load_scenario("article-as-computed", catalog),
        )

    def parts(self, claim: Claim) -> list[str]:
        """Return the parts of a claim's subject."""
        return (claim.subject or "").split("|")

    def gpu_month(
        self, gpu_id: str, n_gpus: int, kind: str = "on_demand"
    ) -> tuple[LowBaseHigh, tuple[str, ...]] | None:
        """Return the cheapest, median and dearest month of `n_gpus` GPUs at active prices, with sources."""
        rows = [
            row
            for row in self.catalog.gpu_prices
            if row.gpu_id == gpu_id and row.status == "active" and row.price_kind == kind
        ]
        if not rows:
            return None
        rows.sort(key=lambda row: row.usd_per_gpu_hour)
        hours = self.stated.workload(self.catalog).hours_per_month
        middle = rows[(len(rows) - 1) // 2]
        usd = [row.usd_per_gpu_hour * hours * n_gpus for row in (rows[0], middle, rows[-1])]
        return LowBaseHigh(*usd), tuple(dict.fromkeys(row.source_id for row in (rows[0], middle, rows[-1])))

    def replica(
        self,
        model_id: str,
        precision_id: str,
        gpu_id: str,
        n_gpus: int,
        input_tokens: float = 2000,
        output_tokens: float = 500,
    ) -> Capacity:
        """Return what one replica serves flat out, without latency targets."""
        config = ReplicaConfig(model_id, precision_id, gpu_id, n_gpus, "vllm")
        return capacity(Configurations.from_configs(self.catalog, [config]), input_tokens, output_tokens)


def requests_per_minute(found: Capacity) -> LowBaseHigh:
    """Return a replica's rate with its band."""
    rates = (found.requests_per_s_p10, found.requests_per_s, found.requests_per_s_p90)
    return LowBaseHigh(*(float(rate[0]) * S_PER_MINUTE for rate in rates))
