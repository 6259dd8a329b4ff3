"""The currency that answers are shown in."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel

from llmplan.scenario.about import About, Affects, Box, Group
from llmplan.scenario.values import Symbol, limits


class CurrencyFields(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """The currency that answers are shown in."""

    GROUP: ClassVar[Group] = Group.CURRENCY

    currency_symbol: Annotated[
        Symbol,
        About(
            "Symbol",
            "The currency that answers are shown in: $, €, R$, CHF.",
            affects=Affects.SHOWN,
            panel=Box(high=4),
        ),
    ] = "$"
    currency_per_usd: Annotated[
        float,
        limits(ge=1e-6, le=1e6),
        About(
            "One US dollar is",
            "How much of the currency a US dollar buys; inputs and saved files stay in US dollars.",
            affects=Affects.SHOWN,
            panel=Box(1e-6, 1e6, decimals=4),
        ),
    ] = 1.0
