"""How GPUs are had and paid for."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field

from llmplan.scenario.about import About, Box, Group, Slide
from llmplan.scenario.values import EMPTY, Names, assumed, limits

PRICE_KINDS = (
    ("on_demand", "On demand"),
    ("reserved_1y", "One-year commitment"),
    ("reserved_3y", "Three-year commitment"),
    ("reserved_short", "Shorter commitment"),
    ("spot", "Spot"),
    ("serverless", "Serverless"),
    ("bought", "Bought servers"),
)
BILLING_MODES = ("always_on", "office_hours", "autoscaled", "scale_to_zero")
COMMITMENTS = ("hourly", "1_week", "1_month", "3_months", "6_months", "1_year")


class FleetFields(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """How GPUs are had and paid for."""

    GROUP: ClassVar[Group] = Group.FLEET

    cache_aware_routing: Annotated[
        bool,
        About(
            "Cache-aware routing",
            "Whether the fleet's balancer sends a conversation to the replica that holds its cache.",
            flags=("--cache-aware-routing/--cache-blind-routing",),
        ),
    ] = True
    gpu_providers: Annotated[
        Names,
        About(
            "GPU providers",
            "GPU providers allowed.",
            empty="all",
            panel=Box(),
            names="GPU provider",
        ),
    ] = ()
    gpu_price_kind: Annotated[
        Literal["on_demand", "reserved_1y", "reserved_3y", "reserved_short", "spot", "serverless", "bought"],
        About("GPU prices", "How GPUs are paid for.", panel=Box(), choices=PRICE_KINDS),
    ] = "on_demand"
    billing_modes: Annotated[
        Names,
        About(
            "Hours paid",
            "Ways to pay a fleet's hours that are compared; reserved GPUs are always on.",
            empty="all hours, of serverless GPUs those with queries",
            panel=Box(),
            names="billing mode",
        ),
    ] = ()
    max_gpus: Annotated[
        int | None,
        Field(ge=1, le=500),
        EMPTY,
        About(
            "GPUs at most",
            "GPUs of a fleet at most, owned and rented.",
            "GPUs",
            empty="no limit",
            panel=Box(1, 500, 1),
        ),
    ] = None
    usd_per_kwh: Annotated[
        float,
        limits(ge=0, le=10),
        About(
            "Electricity",
            "Price of power for GPUs of one's own.",
            "USD/kWh",
            empty="the catalog's assumption",
            assumed="electricity-usd-per-kwh",
        ),
    ] = assumed("electricity-usd-per-kwh")
    pue: Annotated[
        float,
        limits(ge=1, le=5),
        About(
            "PUE",
            "Power of the site over that of its servers.",
            "ratio",
            empty="the catalog's assumption",
            assumed="pue",
        ),
    ] = assumed("pue")
    server_overhead_w: Annotated[
        float,
        limits(ge=0, le=20_000),
        About(
            "Host power",
            "Power of a server without its GPUs.",
            "W",
            empty="the catalog's assumption",
            assumed="server-power-w",
        ),
    ] = assumed("server-power-w")
    colocation_usd_per_server_month: Annotated[
        float,
        limits(ge=0, le=1e6),
        About(
            "Colocation",
            "Space for a server of one's own.",
            "USD/server-month",
            empty="the catalog's assumption",
            assumed="server-hosting-usd-per-month",
        ),
    ] = assumed("server-hosting-usd-per-month")
    utilisation_ceiling: Annotated[
        float,
        limits(gt=0, le=1),
        About(
            "Utilisation ceiling",
            "Load of a replica at the peak, at most.",
            "share",
            empty="the catalog's assumption",
            assumed="utilisation-ceiling",
            panel=Slide(0.1, 1, 0.01),
        ),
    ] = assumed("utilisation-ceiling")
    spare_replicas: Annotated[
        int,
        Field(ge=0, le=100),
        About(
            "Spare replicas",
            "Replicas kept beyond what the peak needs.",
            "replicas",
            panel=Slide(0, 5, 1),
        ),
    ] = 1
    engineering_usd_per_month: Annotated[
        float | None,
        limits(ge=0, le=1e8),
        EMPTY,
        About(
            "Engineering",
            "One figure for people, updates and hidden costs, in place of the catalog's lines.",
            "USD/month",
            empty="the catalog's lines",
            panel=Box(0, 1e6, 1),
        ),
    ] = None
