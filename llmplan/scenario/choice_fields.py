"""Which options may be chosen."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field

from llmplan.scenario.about import About, Box, Group
from llmplan.scenario.values import EMPTY, Names

HOUSES = (
    ("rented", "Our cloud account: rented GPUs"),
    ("cloud", "Our cloud account: rented GPUs and models hosted there"),
    ("building", "Our own building: bought servers"),
)


class ChoiceFields(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """Which options may be chosen."""

    GROUP: ClassVar[Group] = Group.CHOICE

    data_stays_in_house: Annotated[
        bool,
        About(
            "Data must stay in house",
            "No query may leave the house for an API or a provider.",
            panel=Box(first=8),
            flags=("--data-stays-in-house/--data-may-leave",),
        ),
    ] = False
    in_house: Annotated[
        Literal["rented", "cloud", "building"],
        About(
            "The house is",
            "Where data that must stay in house may be: on GPUs rented in an account of one's own, also with models "
            "that the cloud hosts in that account, or on servers bought for a building of one's own.",
            panel=Box(),
            choices=HOUSES,
        ),
    ] = "rented"
    commercial_use: Annotated[
        bool,
        About(
            "Commercial use",
            "Whether licences must allow commercial use.",
            panel=Box(),
            flags=("--commercial/--research",),
        ),
    ] = True
    eu_company: Annotated[
        bool,
        About(
            "EU company",
            "Whether the company's principal place of business is in the European Union: some licences end there.",
            panel=Box(),
        ),
    ] = False
    monthly_active_users: Annotated[
        int | None,
        Field(ge=0, le=10_000_000_000),
        EMPTY,
        About(
            "Users",
            "Users a month: only for licences that set a limit (100M, 700M); the volume is given in queries.",
            "users/month",
            empty="below every limit",
        ),
    ] = None
    regions: Annotated[
        Names,
        About(
            "Regions",
            "Areas (us, eu) or beginnings of a GPU offer's region; of token prices those stay that can be held to one.",
            empty="all",
            names="region",
        ),
    ] = ()
    api_providers: Annotated[
        Names,
        About(
            "API providers",
            "Providers of APIs and hosted models allowed.",
            empty="all",
            names="API provider",
        ),
    ] = ()
    api_ids: Annotated[
        Names,
        About("APIs", "APIs and hosted models allowed.", empty="all", panel=Box(), names="api"),
    ] = ()
    model_ids: Annotated[
        Names,
        About(
            "Open models",
            "Open models allowed, self-hosted or hosted by a provider; APIs named themselves stay.",
            empty="all",
            panel=Box(),
            names="model",
        ),
    ] = ()
    precision_ids: Annotated[
        Names,
        About(
            "Formats",
            "Storage formats of self-hosted models allowed.",
            empty="all",
            names="precision",
        ),
    ] = ()
    gpu_ids: Annotated[
        Names,
        About("GPUs", "GPUs allowed.", empty="all", panel=Box(), names="gpu"),
    ] = ()
    engine_ids: Annotated[
        Names,
        About("Engines", "Serving engines allowed.", empty="all", names="engine"),
    ] = ()
    api_commitments: Annotated[
        Names,
        About(
            "Reserved capacity",
            "Commitments at which units of an API's throughput are compared, as Azure's PTU: sized for the peak or a "
            "part of it, the rest paid by the token.",
            empty="none: by the token alone",
            panel=Box(),
            names="commitment",
        ),
    ] = ()
