"""What a storage format costs in quality."""

from __future__ import annotations

from typing import Final

from llmplan.catalog import Catalog, Model
from llmplan.units import PARAMS_PER_B

LARGE_MODEL_PARAMS: Final = 30 * PARAMS_PER_B
"""From here on `precision_loss` rows for large models apply."""


def precision_loss(catalog: Catalog, model: Model, precision_id: str) -> tuple[float, float, float]:
    """Return the measured share of quality lost to a format: low, base, high (0.01 = one percent). (6.4)

    The native format of a checkpoint loses nothing; a format without a measured row falls back to the claim.
    """
    if precision_id == model.native_precision_id or precision_id in ("bf16", "fp16"):
        return (0.0, 0.0, 0.0)
    size = "large" if model.total_params_b * PARAMS_PER_B >= LARGE_MODEL_PARAMS else "small"
    rows = [
        r
        for r in catalog.precision_losses
        if r.precision_id == precision_id and r.model_size in (size, "any")
    ]
    if not rows:
        return (0.0, 0.0, 0.0)
    row = min(rows, key=lambda r: (r.basis != "measured", r.model_size == "any"))
    return (row.loss_pct_low / 100, row.loss_pct_base / 100, row.loss_pct_high / 100)
