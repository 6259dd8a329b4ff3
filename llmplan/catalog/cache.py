"""One cache for everything that is worked out from a catalog (or another frozen record) and a key."""

from collections.abc import Callable, Hashable
from functools import lru_cache, partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

Owner = TypeVar("Owner")
P = ParamSpec("P")
Found = TypeVar("Found")
_PLACE = "_kept"


class _Kept(dict[Hashable, Any]):
    """An owner's caches by function; a pickled or deep-copied owner starts with none."""

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return type(self), ()


def kept(
    most: int,
) -> Callable[[Callable[Concatenate[Owner, P], Found]], Callable[Concatenate[Owner, P], Found]]:
    """Keep the last `most` results of a function for each first argument; the other arguments are the key.

    The first argument is a catalog, or another record that is frozen and known by its identity. The results
    live in it, so they end with it: no catalog is held for the sake of what was worked out from it, and a
    changed one (`dataclasses.replace`, `Catalog.with_record`) starts anew. The key must be hashable.

    Examples
    --------
    >>> @kept(32)
    ... def options_of(catalog: Catalog, scenario: Scenario) -> Options: ...
    """

    def decorate(function: Callable[Concatenate[Owner, P], Found]) -> Callable[Concatenate[Owner, P], Found]:
        @wraps(function)
        def found(owner: Owner, /, *args: P.args, **kwargs: P.kwargs) -> Found:
            own = vars(owner).setdefault(_PLACE, _Kept())
            cache: Any = own.get(function)
            if cache is None:
                cache = own.setdefault(function, lru_cache(maxsize=most)(partial(function, owner)))
            result: Found = cache(*args, **kwargs)
            return result

        return found

    return decorate
