"""Rents for tests: fleets that each rent one kind of instance."""

from collections.abc import Sequence

import numpy as np

from llmplan.cost.rent import MOST, Rents
from llmplan.options.offers import Market, Offer

HOURS = 720
Lot = tuple[float, float, float]
"""Replicas in an instance, its USD a month of 720 hours and its GPUs."""


def market_of(lots: Sequence[tuple[Lot, Lot, Lot]]) -> Market:
    """Return a market in which pair i rents lots[i] on the low, the base and the high side."""
    table = np.array(lots, float).reshape(len(lots), 3, 3).transpose(1, 0, 2)
    instances = np.ceil(np.arange(MOST + 1) / table[..., :1])
    usd, gpus = instances * table[..., 1:2] / HOURS, instances * table[..., 2:]
    period = table[1, :, 0].astype(np.intp)
    rents = Rents(usd, gpus, np.zeros(usd.shape, np.intp), period)
    offer = Offer("anywhere", "", 1, 1.0, "test", None)
    return Market(tuple(((offer,),) for _ in lots), rents)
