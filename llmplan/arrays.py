"""The arrays that nearly every function takes and returns, and rows held as columns."""

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


class Columns:
    """Rows held as columns, the fields of a dataclass: of rows that are taken, each column once somebody asks for it.

    shared: fields that are no columns.
    """

    shared: ClassVar[tuple[str, ...]]

    def take(self, places: Places) -> Self:
        """Return the rows at `places`, in that order; repeats are allowed."""
        taken = object.__new__(type(self))
        vars(taken).update({name: getattr(self, name) for name in self.shared}, _taken=(self, places))
        return taken

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if "_taken" not in vars(self) or name not in type(self).__dataclass_fields__:
                raise AttributeError(f"{type(self).__name__} has no {name!r}")
            source, places = vars(self)["_taken"]
            return vars(self).setdefault(name, getattr(source, name)[places])
