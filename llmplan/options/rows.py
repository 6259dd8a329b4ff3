"""One option as a record, and many as columns: records are built for the rows that somebody looks at."""

from __future__ import annotations

import datetime as dt
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from itertools import repeat
from typing import Any, NamedTuple, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Columns, Floats, Places, Texts
from llmplan.catalog.records import ReservedCapacity
from llmplan.errors import InputError
from llmplan.kinds import Kind
from llmplan.options.offers import Offer
from llmplan.quality.ability import Band
from llmplan.quality.floor import Moments, assured_quality, reaches
from llmplan.quality.variants import Lengths
from llmplan.replica.config import DEFAULTS, EngineSettings, ReplicaConfig


class Option(NamedTuple):
    """One way to serve the scenario; what it costs depends on the volume and is asked of `Options`."""

    option_id: str
    kind: Kind
    label: str
    model_id: str
    quality: float | None
    reasons: tuple[str, ...]
    licence_id: str | None
    source_ids: tuple[str, ...]
    prices_as_of: dt.date | None
    api_id: str | None = None
    """The API that is paid by the token; of a hybrid the one that gets the harder queries."""
    provider: str | None = None
    """Who sells the tokens; a fleet's provider is that of its offers."""
    precision_id: str | None = None
    gpu_id: str | None = None
    n_gpus: int | None = None
    engine_id: str | None = None
    engine_rank: int = 0
    """Maintained engines before those that are not, then the catalog's order."""
    offers: tuple[Offer, Offer, Offer] | None = None
    requests_per_s: tuple[float, float, float] | None = None
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    output_tokens_per_s: float | None = None
    concurrency: float | None = None
    max_concurrent_sequences: float | None = None
    weights_gb: float | None = None
    binding: str | None = None
    basis: str | None = None
    billing_mode: str | None = None
    """Which hours of the fleet are paid."""
    start_s: float | None = None
    """From the decision to the first answer of a replica."""
    quality_stands_on: str | None = None
    """What `quality` stands on: an evaluation of the user's, or the model's relatives; None: its own figures."""
    effort: str | None = None
    """At which the model is asked; of a hybrid that of its fleet."""
    success: Band | None = None
    """Share of the scenario's tasks on which it succeeds."""
    meets_floor: float | None = None
    """Probability that its quality reaches the floor; None where no floor is set."""
    assured_quality: float | None = None
    """The highest floor that it reaches with the chance that the scenario asks for."""
    quality_sd: float = 0.0
    today_sd: float = 0.0
    """Standard deviations of its success and of today's, over today's."""
    lengths: Lengths | None = None
    """Tokens of a mean query as this model counts and spends them; of a hybrid, as its API does."""
    tokens: float | None = None
    """Tokens of a mean query, read and written; of a hybrid those of the model that answers."""
    output_tokens: Band | None = None
    """Output tokens of a mean query with their 80 % band; of a hybrid, its API's."""
    measured_by: str | None = None
    """The user's own measurement that the rate rests on; None where it is predicted."""
    usd_per_query: float | None = None
    """What a query pays for tokens; None where that is nothing."""
    reserved: ReservedCapacity | None = None
    """The units that an API's base load runs on; None: all is paid by the token."""
    share_weak: float | None = None
    """Share of queries that a hybrid's fleet answers."""
    split_by: str | None = None
    """What sends a hybrid's query to the API: its difficulty, or the fleet's load."""
    weak_id: str | None = None
    """The self-hosted option that a hybrid's fleet is made of, and what it is called."""
    weak_label: str | None = None
    strong_id: str | None = None
    """The option that a hybrid's API is, at its effort, and what it is called."""
    strong_label: str | None = None

    @property
    def feasible(self) -> bool:
        return not self.reasons

    @property
    def has_fleet(self) -> bool:
        """Whether GPUs are paid for; a hybrid pays for tokens too."""
        return self.gpu_id is not None

    def replica_config(self, settings: EngineSettings = DEFAULTS) -> ReplicaConfig:
        """Return a replica of the option's fleet; of one without a fleet InputError."""
        if self.gpu_id is None:
            raise InputError("option", self.option_id, "has no fleet", "choose a self-hosted option")
        names = (self.model_id, str(self.precision_id), self.gpu_id, self.n_gpus or 1, str(self.engine_id))
        return ReplicaConfig.started(*names, settings)


def records_of(**columns: Iterable[Any]) -> list[Option]:
    """Return options from columns of their fields; a field without a column has its default."""
    defaults = Option._field_defaults
    every = (columns[name] if name in columns else repeat(defaults[name]) for name in Option._fields)
    return list(map(Option._make, zip(*every, strict=False)))


RECORDS_KEPT = 1024
"""Of the records that are made one at a time, the last so many."""
Make = Callable[[Sequence[int], float], list[Option]]
"""Builds the options that some cells stand for, in their order, under an overall quality floor."""


@dataclass(frozen=True, eq=False)
class Rows(Columns, Sequence[Option]):
    """Options as columns, each of shape (n,), and as records on demand.

    Attributes
    ----------
    cells: an Option, or the number below `numbered` that `make` builds it from, several at a time. No function stands
        among them: Python finds no circle that passes through an array, and every table that one closes would stay
        for ever.
    floor: the overall quality floor that is asked for.
    quality: NaN where it is not known. feasible: no reason stands against the option.
    quality_sd, today_sd: standard deviations of its success and of today's, over today's.
    assured: the highest floor that quality reaches with the chance that the scenario asks for; NaN as quality.
    only_floor: nothing but the overall quality floor keeps it out.
    preference: breaks ties of cost, least first.
    """

    shared = ("make", "numbered", "floor")

    make: Make
    numbered: int
    floor: float
    cells: Texts
    option_id: Texts
    kind: Texts
    model_id: Texts
    effort: Texts
    precision_id: Texts
    gpu_id: Texts
    n_gpus: Floats
    quality: Floats
    quality_sd: Floats
    today_sd: Floats
    assured: Floats
    feasible: Bools
    only_floor: Bools
    preference: Places

    @classmethod
    def of(cls, options: Sequence[Option]) -> Rows:
        """Return the columns of given records."""
        ranked = sorted(range(len(options)), key=lambda place: tie_rank(options[place]))
        names = ("option_id", "kind", "model_id", "effort", "precision_id", "gpu_id")
        texts: dict[str, Texts] = {}
        for name in names:
            texts[name] = np.array([getattr(item, name) for item in options], dtype=object)
        return cls(
            make=_no_numbers,
            numbered=0,
            floor=0.0,
            cells=_cells(options),
            **texts,
            n_gpus=np.array([item.n_gpus or 0 for item in options], float),
            quality=np.array([item.quality for item in options], float),
            quality_sd=np.array([item.quality_sd for item in options], float),
            today_sd=np.array([item.today_sd for item in options], float),
            assured=np.array([item.assured_quality for item in options], float),
            feasible=np.array([item.feasible for item in options], bool),
            only_floor=np.zeros(len(options), bool),
            preference=np.argsort(ranked).astype(np.intp),
        )

    def __len__(self) -> int:
        return len(self.preference)

    @overload
    def __getitem__(self, place: SupportsIndex) -> Option: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Option]: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Option | Sequence[Option]:
        if isinstance(place, slice):
            return self.take(np.arange(len(self))[place])
        cell = self.cells[place]
        return cell if isinstance(cell, Option) else self.make([cell], self.floor)[0]

    def __iter__(self) -> Iterator[Option]:
        return iter(self.records(slice(None)))

    def records(self, places: Places | slice) -> list[Option]:
        """Return the options at `places` as records: many in one call take a fraction of the time of each alone."""
        cells = self.cells[places].tolist()
        made = iter(self.make([cell for cell in cells if not isinstance(cell, Option)], self.floor))
        return [cell if isinstance(cell, Option) else next(made) for cell in cells]

    def moments(self, places: Any) -> Moments:
        """Return quality, its deviation and today's of the options at `places`, in their shape."""
        return self.quality[places], self.quality_sd[places], self.today_sd[places]

    def sure_with(self, chance: float) -> Rows:
        """Return the options where the floor is to be reached with another chance."""
        return replace(self, assured=assured_quality(chance, self.quality, self.quality_sd, self.today_sd))

    def at_floor(self, floor: float) -> Rows:
        """Return the options under another overall quality floor; those of given records keep their reasons."""
        able, meets = self.feasible | self.only_floor, reaches(floor, self.assured)
        found = replace(self, floor=floor, feasible=able & meets, only_floor=able & ~meets)
        vars(found)["places"] = self.places
        return found.with_numbers(vars(self).setdefault("_numbers", {}))

    @cached_property
    def is_self_hosted(self) -> Bools:
        """(n,) True where a fleet serves every query."""
        return np.asarray(self.kind == Kind.SELF_HOSTED, bool)

    @property
    def formats(self) -> list[str]:
        """The model, storage format and effort of each option, which share their quality."""
        columns = (self.model_id, self.precision_id, self.effort)
        return [f"{m}@{p}@{e}" for m, p, e in zip(*columns, strict=True)]

    def joined(self, more: Rows) -> Rows:
        """Return these and further options behind them; a tie goes to these."""
        behind = {option_id: len(self) + place for option_id, place in more.places.items()}
        cells = _cells(cell if isinstance(cell, Option) else self.numbered + cell for cell in more.cells)
        after = more.preference + 1 + int(self.preference.max(initial=-1))
        joined = self.joined_with(replace(more, cells=cells, preference=after))
        vars(joined).update(
            make=partial(_either, self.make, self.numbered, more.make),
            numbered=self.numbered + more.numbered,
            places=ChainMap(behind, self.places),  # the first ones' stay as they are
        )
        return joined

    @property
    def kind_and_model(self) -> tuple[Places, Places]:
        """Columns of numbers that tell models of a kind apart."""
        return self.numbers("kind"), self.numbers("model_id")

    @property
    def model_and_effort(self) -> tuple[Places, Places]:
        """Columns of numbers that tell models at an effort apart."""
        return self.numbers("model_id"), self.numbers("effort")

    @property
    def configurations(self) -> tuple[npt.NDArray[Any], ...]:
        """Columns of numbers that tell models in a format at an effort on GPUs apart."""
        return *self.model_and_effort, self.numbers("precision_id"), self.numbers("gpu_id"), self.n_gpus

    @cached_property
    def places(self) -> MutableMapping[str, int]:
        """The place of each option by its id."""
        return {option_id: place for place, option_id in enumerate(self.option_id)}


def _cells(cells: Iterable[Option | int]) -> Texts:
    return np.fromiter(cells, object)


def first_of_each(places: Places, *columns: npt.NDArray[Any]) -> Places:
    """Return the first of `places` of each combination of values of the columns, in their order.

    columns: numbers, of words `Columns.numbers`.
    """
    return places[np.sort(np.unique(group_of_each(places, *columns), return_index=True)[1])]


def least_of_each(places: Places, usd: Floats, *columns: npt.NDArray[Any]) -> Places:
    """Return those of `places` that none with the same values of the columns undercuts; usd: of each place."""
    group = group_of_each(places, *columns)
    least = np.full(int(group.max(initial=0)) + 1, np.inf)
    np.minimum.at(least, group, usd)
    return places[usd <= least[group]]


def group_of_each(places: Places, *columns: npt.NDArray[Any]) -> Places:
    """Return the number of each place's combination of values."""
    group = np.zeros(len(places), np.intp)
    for column in columns:
        each = column[places]
        if each.dtype != np.intp:
            each = np.unique(each, return_inverse=True)[1]
        group = group * (int(each.max(initial=0)) + 1) + each
    return group


def made_once(make: Make, most: int) -> Make:
    """Return what makes records so that the last that were asked for alone are kept: moves of a slider show the same few."""
    one = lru_cache(most)(lambda cell, floor: make([cell], floor)[0])
    return lambda cells, floor: [one(*cells, floor)] if len(cells) == 1 else make(cells, floor)


def _no_numbers(cells: Sequence[int], _: float) -> list[Option]:
    if cells:
        raise LookupError(cells[0])
    return []


def _either(make: Make, numbered: int, more: Make, cells: Sequence[int], floor: float) -> list[Option]:
    """Build options of two tables, whose cells follow upon each other."""
    first = iter(make([cell for cell in cells if cell < numbered], floor))
    behind = iter(more([cell - numbered for cell in cells if cell >= numbered], floor))
    return [next(first if cell < numbered else behind) for cell in cells]


def tie_rank(option: Option) -> tuple[int, float, str]:
    """Return what breaks a tie of cost, best first: the engine's rank, then quality, then the id."""
    return option.engine_rank, -(option.quality or 0.0), option.option_id
