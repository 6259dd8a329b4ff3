"""The array that nearly every function takes and returns."""

from typing import Any, TypeAlias

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
