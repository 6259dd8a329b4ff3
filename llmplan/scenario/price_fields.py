"""Prices and measurements of one's own."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel

from llmplan.scenario.about import About, Group
from llmplan.scenario.values import EMPTY, Prices


class PriceFields(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """Prices and measurements of one's own."""

    GROUP: ClassVar[Group] = Group.PRICES

    gpu_usd_per_hour: Annotated[
        Prices,
        About(
            "Own GPU prices",
            "GPU prices of your own; the lots stay those of the offers that they replace.",
            "USD/GPU-hour",
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
