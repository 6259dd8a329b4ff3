"""GPUs of one's own."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field

from llmplan.scenario.about import About, Box, Group
from llmplan.scenario.values import Counts, Prices

OWNED_COSTS = (
    ("power", "Power only: they are paid for"),
    ("full", "Depreciation, capital, upkeep and power"),
)


class OwnedFields(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """GPUs of one's own."""

    GROUP: ClassVar[Group] = Group.OWNED

    owned_gpus: Annotated[
        Counts,
        About(
            "GPUs of your own",
            "GPUs that are owned already, as h100-sxm=4: a fleet uses them before it rents or buys.",
            "GPUs",
            empty="none",
            names="gpu",
        ),
    ] = ()
    owned_gpus_per_server: Annotated[
        int,
        Field(ge=1, le=64),
        About(
            "Of them in a server",
            "Owned GPUs that stand together in one server.",
            "GPUs",
            panel=Box(1, 64, 1),
        ),
    ] = 8
    owned_cost: Annotated[
        Literal["power", "full"],
        About(
            "They cost",
            "What an hour of an owned GPU counts as: its power, or all that owning it takes.",
            choices=OWNED_COSTS,
            panel=Box(),
        ),
    ] = "power"
    owned_age_years: Annotated[
        Prices,
        About(
            "Their age",
            "Age of owned GPUs; it matters for their full cost.",
            "years",
            empty="new",
            names="gpu",
        ),
    ] = ()
    owned_book_usd: Annotated[
        Prices,
        About(
            "Their book value",
            "What one owned GPU, with its share of the server, stands in the books for today.",
            "USD/GPU",
            empty="the price of a server, depreciated by age",
            names="gpu",
        ),
    ] = ()
