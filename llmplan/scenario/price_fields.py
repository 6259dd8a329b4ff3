"""Prices and measurements of one's own, and the currency that answers are shown in."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel

from llmplan.scenario.about import About, Affects, Box, Group
from llmplan.scenario.values import EMPTY, Prices, Symbol, limits


class PriceFields(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """Prices and measurements of one's own."""

    GROUP: ClassVar[Group] = Group.PRICES

    gpu_usd_per_hour: Annotated[
        Prices,
        About(
            "Own GPU prices",
            "GPU prices of your own; the lots stay those of the offers that they replace.",
            "USD/GPU-hour",
            affects=Affects.GPU_PRICES,
            empty="the catalog's",
            names="gpu",
        ),
    ] = ()
    api_input_usd_per_mtok: Annotated[
        Prices,
        About(
            "Own prices of input",
            "Input prices of your own, by API.",
            "USD/million tokens",
            affects=Affects.TOKEN_PRICES,
            empty="the catalog's",
            names="api",
        ),
    ] = ()
    api_output_usd_per_mtok: Annotated[
        Prices,
        About(
            "Own prices of output",
            "Output prices of your own, by API.",
            "USD/million tokens",
            affects=Affects.TOKEN_PRICES,
            empty="the catalog's",
            names="api",
        ),
    ] = ()
    api_cached_input_usd_per_mtok: Annotated[
        Prices,
        About(
            "Own prices of cached input",
            "Cached input prices of your own, by API.",
            "USD/million tokens",
            affects=Affects.TOKEN_PRICES,
            empty="the catalog's",
            names="api",
        ),
    ] = ()
    measured_csv: Annotated[
        str | None,
        EMPTY,
        About(
            "Measurements",
            "A file of your own measured points (columns of data/measured_serving.csv).",
            empty="none",
            opens_file=True,
        ),
    ] = None


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
