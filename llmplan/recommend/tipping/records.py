"""What a search for tipping points returns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TippingPoint:
    """A value at which another recommendation takes over.

    Attributes
    ----------
    value: the first value on the new side, in the input's unit; `last_value` is the last on the old side,
        as close as numbers allow. Both were evaluated.
    shown: `value` rounded away from the base to what people say (whole percents, two or three figures), in as
        few figures as keep the same option in front, also evaluated.
    change_pct: (shown / base - 1) in percent; None where the base is 0.
    option_id, label, kind: what is recommended at `value`; None where nothing is feasible there.
    monthly_usd: its base cost there.
    changes: scenario fields that bring `shown` about, as `Scenario.but` takes them; None where none can.
    condition: the change in words, as every page and file says it: GPU prices rise to 3.4 times today's.
    within_expected: whether `shown` lies in the range that the input is expected to keep to; None where no
        range is known.
    """

    value: float
    last_value: float
    shown: float
    change_pct: float | None
    option_id: str | None
    label: str | None
    kind: str | None
    monthly_usd: float | None
    changes: dict[str, Any] | None
    condition: str
    within_expected: bool | None = None


@dataclass(frozen=True)
class Tipping:
    """One input's tipping points.

    Attributes
    ----------
    low, high: the range that was searched; below, above: the nearest change on either side of the base, None
        where the recommendation holds to the end of the range.
    tried: values between the ends that were tried; exact: whether they prove that there is nothing nearer.
    expected_low, expected_high: the range that the input is expected to keep to (the catalog's or the
        scenario's own); None where none is known.
    """

    input_id: str
    label: str
    unit: str
    base: float
    low: float
    high: float
    below: TippingPoint | None
    above: TippingPoint | None
    tried: int
    exact: bool
    sentence: str
    expected_low: float | None = None
    expected_high: float | None = None

    @property
    def distance(self) -> float:
        """The least relative change that flips the recommendation, as a logarithm; infinity for none."""
        return min((_far(self.base, point) for point in self._points), default=math.inf)

    @property
    def nearest(self) -> TippingPoint | None:
        """The nearer of the two points, by relative change."""
        return min(self._points, key=lambda point: _far(self.base, point), default=None)

    @property
    def is_plausible(self) -> bool:
        """Whether a point lies within the range expected, or no range is known to hold it against."""
        return any(point.within_expected is not False for point in self._points)

    @property
    def _points(self) -> list[TippingPoint]:
        return [point for point in (self.below, self.above) if point is not None]


def _far(base: float, point: TippingPoint) -> float:
    if base > 0 and point.value > 0:
        return abs(math.log(point.value / base))
    return 1 + abs(point.value - base)
