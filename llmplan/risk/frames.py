"""The answers as tidy tables, for notebooks and files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from llmplan.kinds import Kind
from llmplan.risk.answers import Risk
from llmplan.risk.draws import VolumeCurve
from llmplan.risk.sensitivity import Bar, SobolIndex

if TYPE_CHECKING:
    import pandas as pd


def options_frame(risk: Risk) -> pd.DataFrame:
    """Return one row an option: probability, USD a month by quantile, regret."""
    import pandas as pd

    names = [quantile_name(level) for level in risk.levels]
    rows = []
    for option in risk.options:
        row = asdict(option)
        row |= dict(zip(names, row.pop("quantiles_usd"), strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def quantile_name(level: float) -> str:
    """Return the column of a quantile in USD a month: monthly_usd_p05 and so on."""
    return f"monthly_usd_p{level * 100:02.0f}"


def curve_frame(curve: VolumeCurve) -> pd.DataFrame:
    """Return one row a volume: probability by kind, quantiles of both sides and of the saving in USD a month."""
    import pandas as pd

    columns = {"queries_per_day": curve.queries_per_day}
    columns |= {f"p_{kind}": curve.p_kind[:, i] for i, kind in enumerate(Kind)}
    sides = {"token": curve.token_usd, "self_hosted": curve.self_hosted_usd, "saving": curve.saving_usd}
    for side, usd in sides.items():
        columns |= {f"{side}_usd_p{level * 100:02.0f}": usd[:, i] for i, level in enumerate(curve.levels)}
    return pd.DataFrame(columns)


def information_frame(risk: Risk) -> pd.DataFrame:
    """Return one row a cause: the worth of knowing it, USD a month."""
    import pandas as pd

    return pd.DataFrame([asdict(row) for row in risk.information])


def inputs_frame(risk: Risk) -> pd.DataFrame:
    """Return one row a cause: its range and where it comes from."""
    import pandas as pd

    return pd.DataFrame([asdict(row) for row in risk.inputs])


def tornado_frame(bars: Iterable[Bar]) -> pd.DataFrame:
    """Return one row a cause, USD a month at its ends."""
    import pandas as pd

    return pd.DataFrame([{**asdict(bar), "swing_usd": bar.swing_usd} for bar in bars])


def sobol_frame(indices: Iterable[SobolIndex]) -> pd.DataFrame:
    """Return one row a cause with its indices and confidence."""
    import pandas as pd

    return pd.DataFrame([asdict(row) for row in indices])
