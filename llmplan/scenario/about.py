"""What is known of a scenario's field besides its type: panel, links, shell, caches and docs derive from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from llmplan.wording import number

Pairs = tuple[tuple[str, float], ...]
Ranges = tuple[tuple[str, tuple[float, ...]], ...]
Ids = tuple[str, ...]


class Affects(StrEnum):
    """What a field has worked out anew when it changes."""

    OPTIONS = "options"
    """What an option can do or costs: everything."""
    TOKEN_PRICES = "token prices"
    """What APIs and hosts cost; fleets stay as they are."""
    GPU_PRICES = "GPU prices"
    """What GPU hours cost; token prices stay as they are."""
    VOLUME = "volume"
    """How much the same options have to serve."""
    RISK = "risk"
    """What is uncertain; the base case stays."""
    SHOWN = "shown"
    """How answers are named or written."""


NO_OPTION = (Affects.VOLUME, Affects.RISK, Affects.SHOWN)
"""What changes no option."""


class Group(StrEnum):
    """Fields that belong together, in the order in which they are offered."""

    WORKLOAD = "Workload"
    QUALITY = "What a good answer is"
    CHOICE = "Which options"
    FLEET = "Fleet"
    OWNED = "GPUs of your own"
    ENGINE = "How engines are started"
    PRICES = "Prices and measurements of your own"
    CURRENCY = "Currency"
    OTHER = "Name and uncertainty"


class Shape(StrEnum):
    """What a field holds."""

    NUMBER = "number"
    WHOLE = "whole number"
    FLAG = "yes or no"
    CHOICE = "one of several"
    TEXT = "text"
    NAMES = "names"
    PAIRS = "names, each with a number"
    RANGES = "names, each with its range"


@dataclass(frozen=True)
class Slide:
    """A slider of the control panel: its ends, its step (None: any); `log`: spread over the decades.

    first: its place among the inputs that stand open; 0: under "More".
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False
    first: int = 0


@dataclass(frozen=True)
class Box:
    """A box of the control panel: a number between two ends, a choice or a text, as the field's type says.

    times, unit: what its number is multiplied by where it is shown, and the unit that it then has.
    first: as of a slider.
    """

    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    decimals: int | None = None
    times: float = 1.0
    unit: str = ""
    first: int = 0


@dataclass(frozen=True)
class About:
    """What stands beside a field's type, as one of its annotations.

    Attributes
    ----------
    label: its name for people. help: a sentence, which the shell and the docs print.
    unit: with its period, as USD/month; "share" is shown in percent.
    empty: what holds where it is left empty. assumed: the catalog's assumption that then does.
    panel: how the control panel offers it; None: not at all.
    names: what its names are names of, as `catalog_names` has it.
    choices: the labels of what it can be.
    flags: its options of the shell where they are not simply its name.
    voids: the field that a value of one's own takes away: a percentile that came with another mean.
    opens_file: it names a file, which a link may not open.
    """

    label: str
    help: str
    unit: str = ""
    _: KW_ONLY
    affects: Affects = Affects.OPTIONS
    empty: str = ""
    assumed: str = ""
    panel: Slide | Box | None = None
    names: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    flags: tuple[str, ...] = ()
    voids: str = ""
    opens_file: bool = False


@dataclass(frozen=True)
class ScenarioField:
    """A field: its name, what its annotations say, and what its type does."""

    name: str
    about: About
    group: Group
    shape: Shape
    is_optional: bool
    limits: str
    choices: tuple[str, ...] = ()

    @property
    def may_be_empty(self) -> bool:
        """Whether NONE may stand for its value."""
        return self.is_optional or bool(self.about.assumed)


def by_group(fields: Iterable[ScenarioField]) -> list[ScenarioField]:
    """Return fields group by group, within one in their order."""
    order = list(Group)
    return sorted(fields, key=lambda field: order.index(field.group))


SHAPES: dict[Any, Shape] = {
    bool: Shape.FLAG,
    int: Shape.WHOLE,
    float: Shape.NUMBER,
    str: Shape.TEXT,
    Ids: Shape.NAMES,
    Pairs: Shape.PAIRS,
    Ranges: Shape.RANGES,
}
SIGNS = {Ge: ("ge", "from"), Gt: ("gt", "above"), Le: ("le", "to"), Lt: ("lt", "below")}


def described(record: type[BaseModel]) -> dict[str, ScenarioField]:
    """Return the fields of a record by name; TypeError for one without an `About`, or of another type."""
    groups = {
        name: part.GROUP for part in record.__mro__ if hasattr(part, "GROUP") for name in part.__annotations__
    }
    return {name: _field(name, info, groups.get(name)) for name, info in record.model_fields.items()}


def _field(name: str, info: FieldInfo, group: Group | None) -> ScenarioField:
    about = next((each for each in info.metadata if isinstance(each, About)), None)
    kind, is_optional = info.annotation, False
    if get_origin(kind) in (Union, UnionType):
        kind, is_optional = next(each for each in get_args(kind) if each is not NoneType), True
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    shape = Shape.CHOICE if choices else SHAPES.get(kind)
    if about is None or shape is None or group is None:
        raise TypeError(f"{name} needs an About, a class with a GROUP, and a type of {', '.join(Shape)}")
    return ScenarioField(name, about, group, shape, is_optional, _limits(info), choices)


def _limits(info: FieldInfo) -> str:
    """Return a number's limits in words: above 0 to 1."""
    return " ".join(
        f"{word} {number(getattr(each, attribute), 6)}"
        for each in info.metadata
        for kind, (attribute, word) in SIGNS.items()
        if isinstance(each, kind)
    )
