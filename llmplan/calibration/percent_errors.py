"""Percent errors of predictions."""

import numpy as np

from llmplan.arrays import Floats


def error_summary(log_errors: Floats) -> dict[str, float | int | None]:
    """Percent errors of predictions from their log errors; None where there is nothing to score."""
    percent = 100.0 * np.expm1(log_errors[np.isfinite(log_errors)])
    if not len(percent):
        return {"n": 0, "mean_abs_pct": None, "median_abs_pct": None, "p90_abs_pct": None, "bias_pct": None}
    size = np.abs(percent)
    return {
        "n": len(percent),
        "mean_abs_pct": round(float(size.mean()), 2),
        "median_abs_pct": round(float(np.median(size)), 2),
        "p90_abs_pct": round(float(np.quantile(size, 0.9)), 2),
        "bias_pct": round(float(np.median(percent)), 2),
    }
