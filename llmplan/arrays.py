"""The arrays that nearly every function takes and returns, and rows held as columns."""

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
"""Real numbers of any shape; a docstring states shape and unit."""

Places: TypeAlias = npt.NDArray[np.intp]
"""Places in another array."""

Bools: TypeAlias = npt.NDArray[np.bool_]
"""Yes or no of any shape."""

Texts: TypeAlias = npt.NDArray[Any]
"""Words, or None, one a row."""


def finite(value: float) -> float | None:
    """Return a number as a float; None where it is infinite or none at all."""
    return float(value) if np.isfinite(value) else None


class Columns:
    """Rows held as columns, the fields of a dataclass: of rows that are taken or joined, each once somebody asks for it.

    shared: fields that are no columns.
    """

    shared: ClassVar[tuple[str, ...]]

    def take(self, places: Places) -> Self:
        """Return the rows at `places`, in that order; repeats are allowed. What lies between holds no columns for it."""
        found: tuple[Self, Places | None] = vars(self).get("_taken", (self, None))
        source, at = found
        there = places if at is None else at[places]
        rows = source._of(lambda column: column(source)[there])
        vars(rows)["_taken"] = source, there
        return rows

    def joined_with(self, more: Self) -> Self:
        """Return these rows and more behind them."""
        return self._of(lambda column: np.concatenate([column(self), column(more)]))

    def _of(self, made_from: Callable[[Callable[[Self], Any]], Any]) -> Self:
        rows = object.__new__(type(self))
        vars(rows).update({name: getattr(self, name) for name in self.shared}, _made_from=made_from)
        return rows

    def numbers(self, name: str) -> Places:
        """Return numbers that are equal where a column's words are, worked out once for rows and what is made of them."""
        kept: dict[str, Places] = vars(self).setdefault("_numbers", {})
        if name not in kept:
            made_from = vars(self).get("_made_from")
            numbers = _NUMBERS.setdefault(name, {})
            words = () if made_from else getattr(self, name).tolist()
            kept[name] = (
                made_from(lambda rows: rows.numbers(name))
                if made_from
                else np.fromiter((numbers.setdefault(word, len(numbers)) for word in words), np.intp)
            )
        return kept[name]

    def with_numbers(self, numbers: dict[str, Places]) -> Self:
        """Return these rows with the `numbers` of others that have the same words; what is missing is put there."""
        vars(self)["_numbers"] = numbers
        return self

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if "_made_from" not in vars(self) or name not in type(self).__dataclass_fields__:
                raise AttributeError(f"{type(self).__name__} has no {name!r}")
            return vars(self).setdefault(name, vars(self)["_made_from"](attrgetter(name)))


_NUMBERS: dict[str, dict[Any, int]] = {}
"""By column the number of each word: the catalog's names, some hundred each."""
