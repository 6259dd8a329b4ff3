"""The table of all options, hybrids among them: what `compare` and the shell show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llmplan.catalog import Catalog
from llmplan.options.comparison import Comparison, evaluate
from llmplan.options.comparison_rows import COLUMNS, comparison_rows
from llmplan.options.maps import Curves
from llmplan.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd


def compare(scenario: Scenario, catalog: Catalog | None = None) -> pd.DataFrame:
    """Return every option of a scenario as a tidy DataFrame, feasible and cheapest first.

    Columns as in `COLUMNS`: costs in USD a month (low, base, high), USD a query and a million tokens,
    quality as a share of the reference API's, latencies in ms, replica rate in requests/s, the self-hosted
    share of a hybrid, and `reasons`: why an option is out.
    """
    return option_frame(evaluate(scenario, catalog))


def option_frame(found: Comparison) -> pd.DataFrame:
    """Return a comparison's table, hybrids included, as `compare` does."""
    import pandas as pd

    out = np.setdiff1d(np.arange(len(found.options)), found.order).tolist()
    return pd.DataFrame(list(comparison_rows(found, [*found.order, *out])), columns=list(COLUMNS))


def curves_frame(found: Curves) -> pd.DataFrame:
    """Return cost curves as a tidy DataFrame: a row for each option and volume, costs in USD a month."""
    import pandas as pd

    items, volumes = found.options.items, found.queries_per_day
    low, base, high = (side.ravel() for side in found.monthly_usd)
    return pd.DataFrame(
        {
            "queries_per_day": np.tile(volumes, len(items)),
            "option_id": np.repeat(items.option_id, len(volumes)),
            "kind": np.repeat(items.kind, len(volumes)),
            "label": np.repeat([item.label for item in items], len(volumes)),
            "monthly_usd_low": low,
            "monthly_usd_base": base,
            "monthly_usd_high": high,
        }
    )
