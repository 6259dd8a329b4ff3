"""A scenario's fleet through its day: the replicas that each hour needs, and those rented for the peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.cost.fleet import queries_per_day_of_one_replica, replicas_by_hour, replicas_needed
from llmplan.scenario import Scenario
from llmplan.scenario.workload import filled_day
from llmplan.units import HOURS_PER_DAY


@dataclass(frozen=True, eq=False)
class FleetDay:
    """A fleet by hour of the day, spares included.

    Attributes
    ----------
    needed, queries: replicas and queries of each hour. (24,)
    rented: replicas kept all day, for the peak.
    peak_to_mean: what they are sized for; above the profile's own where the peak within an hour is.
    """

    needed: Floats
    queries: Floats
    rented: float
    peak_to_mean: float

    @property
    def idle_share(self) -> float:
        """Share of the replica-hours rented that no hour needs."""
        return 1 - float(self.needed.sum()) / (self.rented * len(self.needed))


def fleet_day(scenario: Scenario, requests_per_s: float, catalog: Catalog | None = None) -> FleetDay:
    """Return the fleet of replicas that take `requests_per_s` each, under the scenario's profile and ceiling."""
    workload = scenario.workload(catalog)
    flat = np.full(HOURS_PER_DAY, 1 / HOURS_PER_DAY)
    shares = filled_day(np.asarray(workload.hourly_profile or flat, float) * (1 - workload.batch_share))
    volume, ceiling, spare = scenario.queries_per_day, scenario.utilisation_ceiling, scenario.spare_replicas
    peak = workload.effective_peak_to_mean
    each = queries_per_day_of_one_replica(requests_per_s, peak, ceiling)
    return FleetDay(
        needed=replicas_by_hour(shares, volume, requests_per_s, ceiling, spare),
        queries=shares * volume,
        rented=float(replicas_needed(volume, each, spare)),
        peak_to_mean=peak,
    )
